import type { z } from 'zod';
import type { OrderAnswer, SeatKind } from '#shared/contract/booking.ts';
import type { StatusAnswer } from '#shared/contract/queue.ts';
import type { SaleAnswer } from '#shared/contract/sale.ts';
import type { DrawFacts } from '../lobby/published.ts';
import { styles } from '../pages/browser-code.made.ts';
import { drawPage } from '../pages/draw-page.ts';
import type { Page } from '../pages/layout.ts';
import type { Locale } from '../pages/locale.ts';
import { orderPage, unclearPage } from '../pages/order-page.ts';
import type { PlaceView } from '../pages/place-outside.ts';
import { placePage } from '../pages/place-page.ts';
import { scriptOf } from '../pages/place-scripts.ts';
import { type ShellFacts, shellPage } from '../pages/queue-shell.ts';
import { type ShopView, shopPage } from '../pages/shop-page.ts';

const NOW = '2026-06-01T10:00:00.000Z';
const SOON = '2026-06-01T10:03:00.000Z';
const LATER = '2026-06-01T10:25:00.000Z';
const id = 'Xk3v9QpL2aB';
const total = { amount: 13_000, currency: 'EUR' };
const beacon = { name: 'Lotto 6/49', rule: '6 + 1', from: SOON, url: 'https://lotto.example', field: null };

export const someSale: SaleAnswer = {
  sale: id,
  event: {
    event: id,
    name: 'Nora & the Night Trains',
    venue: 'Harbour Hall',
    startsAt: '2026-08-01T18:00:00.000Z',
    timeZone: 'Europe/Berlin',
  },
  name: 'Presale',
  state: 'open',
  opensAt: NOW,
  lobbyOpensAt: '2026-06-01T09:00:00.000Z',
  closesAt: null,
  draw: 'drawn',
  beacon: null,
  accessCodeNeeded: false,
  waiting: 12_500,
  prices: ['A', 'B', 'C'].map((section) => ({ section, price: total })),
  left: { seats: 900, word: 'limited' },
  seatsPerFan: 4,
  claimSeconds: 180,
  admissionSeconds: 600,
  graceSeconds: 900,
  allHeldUntil: null,
  notice: { text: '🎸 Doors open at 18:30, Nora plays from 20:00.', at: NOW },
  serverTime: NOW,
};

export const someStatus: StatusAnswer = {
  sale: id,
  saleState: 'open',
  state: 'waiting',
  queueNumber: 12_600,
  position: 12_408,
  ahead: 12_407,
  waiting: 12_500,
  admittedPerMinute: 520,
  estimate: { lowSeconds: 1_100, highSeconds: 1_600 },
  claimBy: null,
  expiresAt: null,
  allHeldUntil: null,
  returning: false,
  notice: null,
  asOf: NOW,
  version: 81_234,
  pollAfterMs: 7_000,
};

type Seen = { sale?: Partial<SaleAnswer>; status?: Partial<StatusAnswer> | null } & Partial<
  Pick<PlaceView, 'refreshes' | 'orders'>
>;
const lost = { position: null, ahead: null, estimate: null };

/** What a fan can see at the address of a sale. */
const seen: Record<string, Seen> = {
  scheduled: { sale: { state: 'scheduled', opensAt: LATER, lobbyOpensAt: SOON }, status: null },
  'scheduled without a lobby': {
    sale: { state: 'scheduled', opensAt: LATER, lobbyOpensAt: null },
    status: null,
  },
  'lobby, no place': { sale: { state: 'lobby', opensAt: LATER }, status: null },
  'open, no place': { status: null },
  'open, one waits': { sale: { waiting: 1, left: { seats: 3, word: 'few' } }, status: null },
  'paused, no place': { sale: { state: 'paused', allHeldUntil: SOON }, status: null },
  'code needed': { sale: { accessCodeNeeded: true }, status: null },
  'sold out, no place': { sale: { state: 'soldOut' }, status: null },
  'closed, no place': { sale: { state: 'closed' }, status: null },
  lobby: {
    sale: { state: 'lobby', opensAt: LATER },
    status: { state: 'lobby', saleState: 'lobby', ...lost },
  },
  undrawn: { sale: { draw: 'frozen' }, status: { state: 'lobby', ...lost } },
  'undrawn, beacon': { sale: { beacon, draw: 'awaitingBeacon' }, status: { state: 'lobby', ...lost } },
  waiting: {},
  next: { status: { position: 1, ahead: 0, admittedPerMinute: 1, estimate: null } },
  'waiting, all held': { sale: { allHeldUntil: SOON } },
  'waiting, refreshed by hand': { refreshes: false },
  paused: { sale: { state: 'paused' }, status: { saleState: 'paused' } },
  kept: { status: lost },
  ready: { status: { state: 'ready', claimBy: SOON, ...lost } },
  full: { status: { state: 'ready', ...lost } },
  admitted: { status: { state: 'admitted', expiresAt: SOON, ...lost } },
  finished: { status: { state: 'finished', ...lost } },
  'finished with an order': { status: { state: 'finished', ...lost }, orders: [id] },
  returning: { status: { state: 'missed', returning: true, ...lost } },
  missed: { status: { state: 'missed', ...lost } },
  lapsed: { status: { state: 'lapsed', ...lost } },
  expired: { status: { state: 'expired', ...lost } },
  left: { status: { state: 'left', ...lost } },
  'sold out': { sale: { state: 'soldOut' }, status: { state: 'closed', saleState: 'soldOut', ...lost } },
  closed: { sale: { state: 'closed' }, status: { state: 'closed', saleState: 'closed', ...lost } },
};

export function queueStates(locale: Locale, own: Partial<SaleAnswer> = {}): Record<string, Page> {
  const states = Object.entries(seen).map(([name, { sale: changed, status: told, ...rest }]) => {
    const sale = { ...someSale, ...changed, ...own };
    const status = told === null ? null : { ...someStatus, ...told };
    const view = { locale, sale, status, refreshes: true, orders: [], refused: null, ...rest };
    return [
      name,
      {
        title: sale.event.name,
        body: placePage(view),
        script: scriptOf(status, sale),
        isLight: !sale.accessCodeNeeded,
      },
    ];
  });
  const { worn } = locale.texts.queue.code;
  const refused = {
    ...{ locale, status: null, refreshes: true, orders: [] },
    ...{ sale: { ...someSale, accessCodeNeeded: true, ...own }, refused: { accessCode: 'x', reason: worn } },
  };
  return {
    ...Object.fromEntries(states),
    'code refused': { title: someSale.event.name, body: placePage(refused) },
  };
}

/** The queue page as everybody gets it: one for each state of a sale. */
export function shellStates(locale: Locale, own: Partial<SaleAnswer> = {}): Record<string, Page> {
  const states: Record<string, Partial<SaleAnswer>> = {
    scheduled: { state: 'scheduled', draw: 'committed', lobbyOpensAt: SOON, opensAt: LATER },
    'scheduled without a lobby': { state: 'scheduled', draw: 'none', lobbyOpensAt: null, opensAt: SOON },
    lobby: { state: 'lobby', draw: 'committed', opensAt: SOON },
    undrawn: { draw: 'frozen' },
    'undrawn, beacon': { draw: 'awaitingBeacon', beacon },
    open: {},
    paused: { state: 'paused' },
    'code needed': { accessCodeNeeded: true },
    'sold out': { state: 'soldOut' },
    closed: { state: 'closed' },
  };
  const of = (changed: Partial<SaleAnswer>): Page => {
    const facts: ShellFacts = { ...someSale, notice: null, ...changed, ...own };
    return shellPage(facts, locale);
  };
  return Object.fromEntries(Object.entries(states).map(([name, changed]) => [name, of(changed)]));
}

export function orderStates(locale: Locale, own: Partial<SaleAnswer> = {}): Record<string, Page> {
  const sale = { ...someSale, ...own };
  const order: z.infer<typeof OrderAnswer> = {
    ...{ order: id, state: 'confirmed', total, failure: null, createdAt: NOW },
    seats: [{ seat: 'A-1-14', price: total }],
    tickets: [{ seat: 'A-1-14', code: 'ABCD-EFGH-JKMN' }],
    buyer: { name: 'Ada', email: 'ada@example.org' },
  };
  const { titles, unclear } = locale.texts.order;
  const of = (changed: Partial<typeof order>, isHeld = false): Page => ({
    title: titles[changed.state ?? order.state],
    body: orderPage(sale, { ...order, ...changed }, { isHeld, locale }),
  });
  const failed = (failure: string) => ({ state: 'failed' as const, tickets: [], failure });
  const attempt = { hold: id, name: 'Ada', email: 'ada@example.org', token: 'tok_ok', key: 'k' };
  return {
    confirmed: of({}),
    'in progress': of({ state: 'inProgress', tickets: [] }),
    refunded: of({ state: 'refunded', tickets: [] }),
    declined: of(failed('payment-declined'), true),
    lost: of(failed('hold-lost')),
    'provider away': of(failed('unavailable')),
    'failed otherwise': of(failed('?')),
    unclear: { title: unclear.title, body: unclearPage(sale, attempt, locale) },
  };
}

export function shopStates(locale: Locale, own: Partial<SaleAnswer> = {}): Record<string, Page> {
  const prices = ['A', 'B'].map((section, i) => ({ section, price: { ...total, amount: 6_500 * (i + 1) } }));
  const place = { section: 'A', row: 1, price: total, status: 'open' } as const;
  const seatsOf = (kinds: SeatKind[]) =>
    kinds.map((kind, i) => ({ ...place, ...{ id: `A-1-${i + 1}`, number: i + 1, kind } }));
  const view: ShopView = {
    ...{
      sale: { ...someSale, prices, ...own },
      layoutUrl: '/layout',
      section: 'A',
      isChosen: false,
      hasAccessible: true,
    },
    ...{
      admissionEnds: SOON,
      problem: null,
      orderKey: 'k',
      buyer: { name: 'Ada', email: 'ada@example.org' },
    },
    page: { first: 1, last: 1, rows: 1, step: 99, seats: seatsOf(['standard', 'accessible', 'companion']) },
    chosen: [],
    holds: [],
    kindOf: () => 'companion',
  };
  const hold = { hold: id, seats: [{ seat: 'A-1-14', price: total }], total, expiresAt: SOON };
  const { title, refusals } = locale.texts.shop;
  const of = (changed: Partial<ShopView>): Page => ({
    title: title(''),
    style: styles.shop,
    body: shopPage({ ...view, ...changed }, locale),
  });
  return {
    choosing: of({}),
    'nothing open': of({ page: { ...view.page, seats: [] }, problem: refusals['seats-taken'] }),
    'a page of rows': of({
      page: { ...view.page, first: 11, last: 20, rows: 200, step: 10 },
      chosen: ['B-2-3'],
    }),
    'with a basket': of({ holds: [hold] }),
  };
}

export function drawStates(locale: Locale, own: Partial<SaleAnswer> = {}): Record<string, Page> {
  const base: DrawFacts = {
    ...{ sale: id, state: 'committed', commitment: 'c0'.repeat(32), recommittedAt: null, closedAgain: false },
    ...{ digest: null, seed: null, beaconSource: null, beacon: null, withoutBeacon: null, entries: null },
    ...{ frozenAt: null, digestAt: null, beaconAt: null, drawnAt: null },
  };
  const frozen = { entries: 3, digest: 'd1'.repeat(32), frozenAt: NOW, digestAt: NOW };
  const drawn = { ...frozen, state: 'drawn', seed: '5e'.repeat(32), drawnAt: NOW } as const;
  const without = { reason: '17', at: NOW };
  const of = (changed: Partial<DrawFacts>, sale: Partial<SaleAnswer> = {}, ticket = false): Page => ({
    title: locale.texts.draw.title,
    body: drawPage({
      sale: { ...someSale, ...sale, ...own },
      draw: { ...base, ...changed },
      ticket: ticket ? { sale: id, entry: id, queueNumber: 1, epoch: 0 } : null,
      locale,
    }),
  });
  return {
    none: of({ state: 'none' }),
    committed: of({ beaconSource: beacon }),
    frozen: of({ ...frozen, state: 'frozen', digest: null, digestAt: null }),
    'awaiting beacon': of({ ...frozen, state: 'awaitingBeacon', beaconSource: beacon }),
    'beacon too late': of({
      ...frozen,
      ...{ state: 'awaitingBeacon', beaconSource: beacon, digestAt: SOON },
    }),
    drawing: of({ ...frozen, state: 'drawing' }),
    drawn: of(drawn, {}, true),
    'drawn with beacon': of({ ...drawn, beaconSource: beacon, beacon: '17', beaconAt: SOON }),
    'drawn without beacon': of({ ...drawn, beaconSource: beacon, withoutBeacon: without }),
    'drawn, data lost': of({ ...drawn, recommittedAt: NOW, closedAgain: true, entries: 1 }),
    empty: of({ ...drawn, entries: 0 }),
    unproven: of({ ...frozen, state: 'unproven' }),
    'never drawn': of({}, { state: 'closed' }),
  };
}

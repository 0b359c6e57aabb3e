import type { EventAnswer } from '#shared/contract/event.ts';
import type { AuditAnswer, AuditEntry, OrganiserOrder } from '#shared/contract/organiser.ts';
import type { OrganiserSaleAnswer, SaleState } from '#shared/contract/sale.ts';
import type { StatsAnswer } from '#shared/contract/stats.ts';
import { scripts, styles } from '../pages/browser-code.made.ts';
import { auditPage } from '../pages/console/audit-page.ts';
import type { ControlsView } from '../pages/console/controls.ts';
import { emptyEvent, type WrittenEvent } from '../pages/console/event-form.ts';
import { eventFormPage, eventPage } from '../pages/console/event-page.ts';
import { framed } from '../pages/console/frame.ts';
import { homePage } from '../pages/console/home-page.ts';
import { type LiveView, livePage } from '../pages/console/live-page.ts';
import { mailPage } from '../pages/console/mail-routes.ts';
import { ordersPage } from '../pages/console/order-routes.ts';
import { emptySale } from '../pages/console/sale-form.ts';
import { saleFormPage } from '../pages/console/sale-form-page.ts';
import { signInPage } from '../pages/console/sign-in.ts';
import type { Page } from '../pages/layout.ts';
import type { Locale } from '../pages/locale.ts';

export const CONSOLE_NOW = '2026-06-01T10:00:00.000Z';
const price = { amount: 6_500, currency: 'EUR' };
const id = 'Xk3v9QpL2aB';

const someEvent: EventAnswer = {
  ...{ event: id, name: 'Nora & the Night Trains', venue: 'Harbour Hall', seats: 690, layoutVersion: 1 },
  ...{ startsAt: '2026-08-01T18:00:00.000Z', timeZone: 'Europe/Berlin' },
  sections: [
    { name: 'Stalls', rows: 18, seatsPerRow: 30, price, accessible: ['1-1', '1-30'], companions: ['1-2'] },
    { name: 'Balcony', rows: 5, seatsPerRow: 30, price: { ...price, amount: 3_950 } },
  ],
};

const definition: OrganiserSaleAnswer = {
  ...{ sale: id, event: id, name: 'General sale', state: 'open', durable: true, version: 3 },
  ...{ opensAt: CONSOLE_NOW, lobbyOpensAt: '2026-06-01T09:00:00.000Z', closesAt: null, closedAt: null },
  ...{ capacity: 100, admitPerMinute: 600, seatsPerFan: 4, notice: null },
  ...{ claimSeconds: 180, admissionSeconds: 600, holdSeconds: 300, graceSeconds: 900, accessCodeUses: null },
  ...{ adaptiveRate: { enabled: true, minPerMinute: null }, beacon: null, beaconGiven: null, paused: false },
  sections: someEvent.sections.map(({ name, price }) => ({ name, price, seats: 10 })),
  createdAt: '2026-05-01T10:00:00.000Z',
};

/** A sale that is full and well. */
export const someStats: StatsAnswer = {
  ...{ sale: id, state: 'open', asOf: CONSOLE_NOW, ageMs: 120, version: 3, joined: 5_100 },
  ...{ lobby: 0, waiting: 4_000, ready: 3, returning: 0, admitted: 97, capacity: 100, admitPerMinute: 600 },
  ended: { finished: 900, left: 60, lapsed: 30, missed: 10, expired: 0, closed: 0 },
  ...{ admittedPerMinute: 540, effectivePerMinute: 600, rateReason: 'asked', heldBackBy: 'capacity' },
  ...{ overbooking: 2, noShowShare: 0.02, allHeldUntil: null, joinedPerMinute: 700 },
  estimate: { lowSeconds: 400, highSeconds: 530 },
  estimateAccuracy: { inside: 9, sooner: 1, later: 0 },
  seats: { open: 200, held: 190, sold: 290, blocked: 10 },
  door: { requests: 1_000, errors: 20, p50Ms: 12, p99Ms: 900 },
  ...{ durable: true, unsavedChanges: 0, notice: null },
};
const troubled: Partial<StatsAnswer> = {
  ...{ seats: null, durable: false, rateReason: 'errors', noShowShare: null, estimate: null },
  door: { requests: 1_000, errors: 210, p50Ms: 120, p99Ms: 4_900 },
};

const act = (changed: Partial<AuditEntry>): AuditEntry => ({
  ...{ id, at: '2026-06-01T09:58:30.000Z', by: 'house', action: 'patch', from: null, to: {}, reason: null },
  ...{ version: null, seats: null, order: null, message: null, durable: true },
  ...changed,
});
const audit: AuditAnswer = {
  entries: [
    act({ from: { capacity: 80 }, to: { capacity: 100 }, version: 3, durable: false }),
    act({ action: 'pause', at: '2026-06-01T09:57:00.000Z', reason: 'fire alarm in the foyer', version: 2 }),
    act({ action: 'block', at: '2026-06-01T09:30:00.000Z', seats: ['Stalls-1-3'], reason: 'sound desk' }),
    act({ action: 'makeSale', at: '2026-05-01T10:00:00.000Z', to: { ...definition } }),
  ],
  next: '1.x',
  complete: true,
};

const order = (changed: Partial<OrganiserOrder>): OrganiserOrder => ({
  ...{ order: id, sale: id, state: 'confirmed', failure: null, total: price, createdAt: CONSOLE_NOW },
  buyer: { name: 'Ada Lovelace', email: 'ada@example.org' },
  seats: [{ seat: 'Stalls-1-14', price }],
  ...changed,
});
const orders = [
  order({}),
  order({ order: `${id}2`, state: 'refunded' }),
  order({ order: `${id}3`, state: 'failed', failure: 'payment-declined' }),
];

const letter = {
  ...{ message: id, kind: 'order-confirmed-mail', order: id, sale: id, recipient: 'ada@example.org' },
  ...{ attempts: 12, lastError: '550 no such mailbox', createdAt: CONSOLE_NOW },
};

const beacon = { name: 'Lotto 6/49', rule: '6 + 1', from: CONSOLE_NOW, url: null, field: null };

/** Every page of the organiser's console, in every state that looks different. */
export function consoleStates(locale: Locale): Record<string, Page> {
  const { console: words } = locale.texts;
  const inside = (title: string, body: Page['body'], script?: Page['script']): Page =>
    framed({ title, body, script }, 'house', locale);
  const outside = (refused: string | null): Page => ({
    ...{ title: words.signIn.title, style: styles.console },
    body: signInPage({ to: '/organiser', refused }, locale),
  });
  const sales = (['open', 'paused', 'lobby', 'scheduled', 'soldOut', 'closed'] as SaleState[]).map(
    (state) => ({ definition, state, waiting: 4_000, admitted: 97 }),
  );
  const home = (view: Partial<Parameters<typeof homePage>[0]>): Page =>
    inside(words.home.title, homePage({ events: [someEvent], sales, isPartial: false, ...view }, locale));
  const hall: WrittenEvent = {
    ...{ ...emptyEvent(), name: someEvent.name, venue: someEvent.venue, timeZone: someEvent.timeZone },
    startsAt: '2026-08-01T20:00',
    sections: someEvent.sections.map(({ name, rows, seatsPerRow, accessible = [], companions = [] }) => ({
      ...{ name, rows: String(rows), seatsPerRow: String(seatsPerRow), price: '65.00' },
      ...{ accessible: accessible.join(', '), companions: companions.join(', ') },
    })),
  };
  const form = (event: WrittenEvent, faults: string[] = []): Page =>
    inside(
      words.event.newTitle,
      eventFormPage(
        { event, faults: new Set(faults), refused: faults.length > 0 ? words.event.fix : null },
        locale,
      ),
      scripts.console,
    );
  const quiet = { seats: '', reason: '', faults: new Set<string>(), told: null, refused: null };
  const event = (
    block: Partial<typeof quiet | { refused: string; told: string; faults: Set<string> }>,
  ): Page =>
    inside(someEvent.name, eventPage({ event: someEvent, sales, block: { ...quiet, ...block } }, locale));
  const saleForm = (faults: string[] = []): Page => {
    const refused = faults.length > 0 ? words.saleForm.fix : null;
    const view = { event: someEvent, sale: emptySale(), faults: new Set(faults), refused };
    return inside(words.saleForm.title, saleFormPage(view, locale));
  };
  const live = (
    changed: Partial<LiveView> = {},
    stats: Partial<StatsAnswer> = {},
    sale: Partial<OrganiserSaleAnswer> = {},
  ): Page => {
    const view: LiveView = {
      ...{ sale: { ...definition, ...sale }, now: Date.parse(CONSOLE_NOW), refused: null, preview: null },
      ...{ event: someEvent, stats: { ...someStats, state: sale.state ?? 'open', ...stats }, audit },
      ...{ done: null, refreshes: true, ...changed },
    };
    return inside(view.sale.name, livePage(view, locale), scripts.console);
  };
  const refused = (control: NonNullable<ControlsView['refused']>['control'], field?: string) => ({
    refused: { control, words: words.controls.wrongName, typed: {}, ...(field ? { field } : {}) },
  });
  const list = (view: Partial<Parameters<typeof ordersPage>[0]>): Page =>
    inside(
      words.orders.title,
      ordersPage(
        {
          ...{ sale: definition, timeZone: someEvent.timeZone, page: { orders, next: '1.x' }, query: {} },
          ...{ isUnfit: false, refunded: null, refused: null, ...view },
        },
        locale,
      ),
    );
  const mail = (told: string | null, refusal: string | null, isEmpty = false): Page =>
    inside(
      words.mail.title,
      mailPage(
        { messages: isEmpty ? [] : [letter], next: isEmpty ? null : '1.x' },
        { told, refused: refusal },
        locale,
      ),
    );
  const trail = (changed: Partial<AuditAnswer>): Page =>
    inside(
      words.audit.title,
      auditPage({ sale: definition, audit: { ...audit, ...changed }, timeZone: 'UTC' }, locale),
    );
  return {
    'sign in': outside(null),
    'sign in, wrong key': outside(words.signIn.wrong),
    home: home({}),
    'home, empty': home({ events: [], sales: [] }),
    'home, partial': home({ events: [], isPartial: true }),
    'event form': form(emptyEvent()),
    'event form, hall': form(hall),
    'event form, faults': form(hall, ['name', 'startsAt', 'sections', 'section-0-price', 'section-1-rows']),
    event: event({}),
    'event, seats blocked': event({ told: words.event.blocked('Stalls-1-3, Stalls-1-4') }),
    'event, block refused': event({ refused: words.event.taken, faults: new Set(['seats', 'reason']) }),
    'sale form': saleForm(),
    'sale form, faults': saleForm(['name', 'opensAt', 'capacity', 'sections', 'accessCodes', 'beaconFrom']),
    'live, open': live(),
    'live, scheduled': live({}, { lobby: 900 }, { state: 'scheduled' }),
    'live, paused': live({ done: { entry: audit.entries[1] ?? null } }, {}, { state: 'paused' }),
    'live, done, not sure': live({ done: { entry: null } }),
    'live, sold out': live({}, {}, { state: 'soldOut' }),
    'live, closed': live({}, {}, { state: 'closed' }),
    'live, alarms': live({}, troubled),
    'live, stores away': live({ stats: null, event: null, audit: null }),
    'live, message previewed': live({ preview: locale.texts.queue.code.worn }),
    'live, name refused': live(refused('close', 'saleName')),
    'live, pace refused': live(refused('pace')),
    'live, beacon awaited': live({}, {}, { beacon }),
    audit: trail({}),
    'audit, incomplete': trail({ complete: false, next: null }),
    'audit, empty': trail({ entries: [], next: null }),
    orders: list({}),
    'orders, refunded': list({ refunded: `${id}2` }),
    'orders, refund refused': list({ refused: { order: id, words: words.orders.notSure, reason: '' } }),
    'orders, none': list({ page: { orders: [], next: null }, query: { state: 'failed' } }),
    'orders, found': list({ query: { find: 'ada@example.org' } }),
    'orders, search unfit': list({ isUnfit: true, query: { find: 'a' } }),
    messages: mail(null, null),
    'messages, sent again': mail(words.mail.due, null),
    'messages, refused': mail(null, words.otherProblem),
    'messages, none': mail(null, null, true),
  };
}

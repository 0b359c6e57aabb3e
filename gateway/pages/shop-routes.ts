import { type Context, Hono } from 'hono';
import { decodeJwt } from 'jose';
import type { z } from 'zod';
import { isoTime } from '#shared/clock.ts';
import type { HoldsAnswer, SeatKind, SeatsAnswer } from '#shared/contract/booking.ts';
import type { EventAnswer } from '#shared/contract/event.ts';
import { newSecretId } from '#shared/ids.ts';
import { Problem } from '#shared/problem.ts';
import type { DoorAnswer } from '../door/door.ts';
import { doorRoutes } from '../door/route-table.ts';
import { scripts, styles } from './browser-code.made.ts';
import { admissionTokenOfPage, type PageDeps, saleOfPage } from './context.ts';
import { readForm } from './form.ts';
import { page } from './layout.ts';
import { type Locale, localeOf } from './locale.ts';
import { askShop, parsed, type Refusal, refusalOf } from './shop-door.ts';
import { type ShopView, shopPage } from './shop-page.ts';
import { rowAsked, rowPage, SEATS_SHOWN_MAX, seatsAlong } from './shop-rows.ts';

type Shown = {
  /** Where the list begins. */
  section?: string | undefined;
  row?: string | undefined;
  /** Ids of seats as they came. */
  chosen?: string[];
  /** Seats that others were just found to have. */
  taken?: string[];
  refusal?: Refusal;
  buyer?: { name: string; email: string };
};

/** The shop behind the queue: the best available, a map and a list of seats, and one basket. */
export function shopPageRoutes(deps: PageDeps) {
  const app = new Hono();

  app.get('/sales/:sale/seats', (c) => {
    const { section, row, go } = c.req.query();
    // A button that leads to another page of the list says where to; what the form says besides is where the fan was.
    const [toSection, toRow] = go ? go.split('-', 2) : [section, row];
    return showShop(deps, c, { section: toSection, row: toRow, chosen: c.req.queries('seat') ?? [] });
  });

  app.post('/sales/:sale/hold', async (c) => {
    const form = await readForm(c);
    const isBest = form.get('choose') === 'best';
    const json = isBest ? { best: bestOf(form) } : { seats: form.getAll('seat') };
    const answer = await askShop(deps, c, doorRoutes.hold, { json });
    if (answer.status === 201) return c.redirect(`/sales/${c.req.param('sale')}/seats`, 303);
    const { conflicts = [] } = parsed<{ conflicts?: string[] }>(answer);
    return showShop(deps, c, {
      section: form.get('section') ?? undefined,
      row: form.get('row') ?? undefined,
      chosen: form.getAll('seat').filter((seat) => !conflicts.includes(seat)),
      taken: conflicts,
      refusal: refusalOf(answer, localeOf(c), { isBest }),
    });
  });

  app.post('/sales/:sale/release', async (c) => {
    const form = await readForm(c);
    // Whatever the answer, the shop then shows what is held.
    await askShop(deps, c, doorRoutes.release, { params: { hold: form.get('hold') ?? '' } });
    return c.redirect(`/sales/${c.req.param('sale')}/seats`, 303);
  });

  return app;
}

function bestOf(form: URLSearchParams) {
  const section = form.get('best-section') || undefined;
  const accessible = Number(form.get('accessible'));
  const maxAmount = form.get('max-amount') || undefined;
  return {
    quantity: Number(form.get('quantity')),
    ...(section === undefined ? {} : { section }),
    ...(maxAmount === undefined ? {} : { maxAmount: Number(maxAmount) }),
    ...(accessible === 0 ? {} : { accessible }),
  };
}

/** The shop as it is for this fan now, after a refusal with its reason on top. */
export async function showShop(deps: PageDeps, c: Context, shown: Shown): Promise<Response> {
  const sale = await saleOfPage(deps, c.req.param('sale') as string);
  const event = await deps.events.event(sale.event.event);
  const sections = sale.prices.map((price) => price.section);
  const section = sections.find((name) => name === shown.section) ?? sections[0] ?? '';
  const size = event.sections.find(({ name }) => name === section) ?? { rows: 1, seatsPerRow: 1 };
  const row = section === shown.section ? rowAsked(shown.row, size) : 1;
  const query = { status: 'open', section, fromRow: String(row), limit: String(SEATS_SHOWN_MAX) };
  const [seats, holds] = await Promise.all([
    askShop(deps, c, doorRoutes.seats, { query }),
    askShop(deps, c, doorRoutes.holds),
  ]);
  const locale = localeOf(c);
  // The list may be another booking service's, which hears a moment later what the one that refused knows.
  const listed = rowPage(answered<z.infer<typeof SeatsAnswer>>(seats, locale).seats, row, size);
  const open = listed.seats.filter(({ id }) => !shown.taken?.includes(id));
  const view: ShopView = {
    sale,
    layoutUrl: `/api/events/${event.event}/layout/${event.layoutVersion}`,
    section,
    isChosen: section === shown.section,
    hasAccessible: event.sections.some(
      ({ name, accessible = [] }) => sections.includes(name) && accessible.length > 0,
    ),
    kindOf: kindsOf(event),
    page: { ...listed, seats: open },
    chosen: seatsAlong(
      shown.chosen ?? [],
      event.sections.filter(({ name }) => sections.includes(name)),
      sale.seatsPerFan,
    ),
    holds: answered<z.infer<typeof HoldsAnswer>>(holds, locale).holds,
    admissionEnds: admissionEnds(admissionTokenOfPage(deps, c, sale.sale)),
    problem: shown.refusal?.text ?? null,
    orderKey: newSecretId(),
    buyer: shown.buyer ?? { name: '', email: '' },
  };
  return page(c, {
    title: locale.texts.shop.title(sale.event.name),
    script: scripts.seats,
    style: styles.shop,
    status: shown.refusal?.status ?? 200,
    body: shopPage(view, locale),
  });
}

/** The shop's answer, or its refusal thrown: the problem page knows where that leads. */
function answered<Answer>(answer: DoorAnswer, locale: Locale): Answer {
  if (answer.status === 200) return parsed<Answer>(answer);
  const { code, text } = refusalOf(answer, locale);
  throw new Problem(code, text);
}

/** Looks up what kind of seat an id names. */
function kindsOf({ sections }: EventAnswer): (seat: string) => SeatKind {
  const idsOf = (list: 'accessible' | 'companions') =>
    new Set(sections.flatMap(({ name, [list]: seats = [] }) => seats.map((seat) => `${name}-${seat}`)));
  const [accessible, companions] = [idsOf('accessible'), idsOf('companions')];
  return (seat) => (accessible.has(seat) ? 'accessible' : companions.has(seat) ? 'companion' : 'standard');
}

/** For showing only: the door verified the token before anything was shown. */
function admissionEnds(token: string | null): string | null {
  if (token === null) return null;
  const { ends } = decodeJwt<{ ends: number }>(token);
  return isoTime(ends * 1000);
}

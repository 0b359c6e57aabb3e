import type { Books, SeatChange } from './books.ts';
import type { Disturbance } from './crashes.ts';
import type { Asked } from './history.ts';
import { HALL, SEATS } from './world.ts';

/** What a fan waits for an answer at most while nothing is away; a slow card takes its own time besides. */
export const ANSWER_MS_MAX = 3_000;
const SLOW_PAYMENT_MS = 2_500;
/** Behind a crash: connections come back, and what the shop keeps in memory is read again. */
export const AFTERMATH_MS = 2_000;

export type Evidence = { asked: readonly Asked[]; books: Books; disturbances: readonly Disturbance[] };

/** Holds what was answered against what is in the books when all has come to its end, and says what does not fit. */
export function judge(evidence: Evidence): string[] {
  return [
    ...judgeAnswers(evidence),
    ...judgeOrders(evidence),
    ...judgeKeys(evidence),
    ...judgeMails(evidence),
    ...judgeHolds(evidence),
    ...judgeOrganisers(evidence),
    ...judgeTaken(evidence),
  ];
}

const say = ({ op, who, key, status, code, tookMs }: Asked): string =>
  `${op} of ${who}${key ? ` under the key ${key}` : ''} (${status} ${code} after ${Math.round(tookMs)} ms)`;

/** Whether something was away while it was asked, or shortly before. */
export function isDisturbed({ sentAt, tookMs }: Asked, disturbances: readonly Disturbance[]): boolean {
  return disturbances.some(({ from, to }) => from <= sentAt + tookMs && to + AFTERMATH_MS >= sentAt);
}

const paysSlowly = ({ json }: Asked): boolean =>
  (json as { payment?: { token?: string } } | undefined)?.payment?.token === 'tok_slow';
export const answerMsMax = (asked: Asked): number =>
  ANSWER_MS_MAX + (paysSlowly(asked) ? SLOW_PAYMENT_MS : 0);

/**
 * Whoever waited too long while all services were up. A store that is away is no excuse, but for payments: the
 * provider's answers come out of the same database here.
 */
export function tooLate({ asked, disturbances }: Omit<Evidence, 'books'>): string[] {
  const ofServices = disturbances.filter(({ of }) => of === 'services');
  return asked
    .filter((each) => each.tookMs > answerMsMax(each))
    .filter((each) => !isDisturbed(each, each.op.startsWith('order') ? disturbances : ofServices))
    .map((each) => `Too late: ${say(each)}`);
}

function* judgeAnswers({ asked }: Evidence) {
  for (const each of asked) {
    if (each.broken) yield `No answer: ${say(each)}: ${each.broken}`;
    if (each.status >= 500 && each.status !== 503) yield `A 5xx that is not 503: ${say(each)}`;
  }
}

/** Acknowledged orders are there as they were told, paid once; refused ones cost nothing. */
function* judgeOrders({ asked, books }: Evidence) {
  const refundAsked = new Set(
    asked.filter(({ op }) => op === 'refund').map(({ url }) => url.split('/').at(-2)),
  );
  for (const each of asked) {
    if (each.op !== 'order' && each.op !== 'order, answered later') continue;
    const named = each.body.order as string | undefined;
    if (named === undefined) continue;
    const order = books.orders.get(named);
    if (!order) {
      yield `Lost: order ${named}, of which ${say(each)} told`;
      continue;
    }
    if (order.fan !== each.who || order.key !== each.key)
      yield `Order ${named} is ${order.fan}'s under ${order.key}, and ${say(each)} was told of it`;
    if (each.status === 201) {
      const tickets = each.body.tickets as { code: string }[];
      const total = (each.body.total as { amount: number }).amount;
      const codes = tickets.map(({ code }) => code);
      if (order.state !== 'confirmed' && order.state !== 'refunded')
        yield `Order ${named} is ${order.state}, and ${say(each)} was told it is bought`;
      // One that was refunded by then is told without tickets.
      const isWhole = codes.length > 0 || order.state === 'refunded';
      if (!isWhole || (codes.length > 0 && [...codes].sort().join() !== [...order.codes].sort().join()))
        yield `Order ${named} has other tickets than ${say(each)} was told`;
      if (total !== order.amount)
        yield `Order ${named} costs ${order.amount}; ${say(each)} was told ${total}`;
    }
    if (each.outcome === 'refused' && each.code !== 'in-progress' && order.state !== 'failed')
      yield `Order ${named} is ${order.state}, and ${say(each)} was told it failed`;
  }
  for (const { id, state, payment, paid, amount } of books.orders.values()) {
    const is = `Order ${id} is ${state}, its payment ${payment} and ${JSON.stringify(paid)}`;
    if (state === 'inProgress' || payment !== 'settled') yield `Without an end: ${is}`;
    else if (
      state === 'confirmed' &&
      (paid?.state !== 'captured' || paid.captures !== 1 || paid.amount !== amount)
    )
      yield `Not paid once: ${is}`;
    else if (state === 'failed' && (paid?.captures ?? 0) > 0) yield `Charged for nothing: ${is}`;
    else if (state === 'refunded' && paid?.captures !== paid?.refunds) yield `Not given back: ${is}`;
    if (state === 'refunded' && !refundAsked.has(id)) yield `Nobody has asked for the refund: ${is}`;
  }
}

/** Each key has one order at most, and no order is without somebody who asked for it. */
function* judgeKeys({ asked, books }: Evidence) {
  const keyOf = (sale: string, fan: string, key: string | undefined) => `${sale} ${fan} ${key}`;
  const asking = asked.filter(({ op }) => op === 'order' || op === 'order, answered later');
  const told = new Map<string, string>();
  for (const each of asking) {
    const named = each.body.order as string | undefined;
    if (named === undefined) continue;
    const key = keyOf(each.sale, each.who, each.key);
    const known = told.get(key) ?? named;
    told.set(key, known);
    if (known !== named) yield `Two orders under one key: ${known} and ${named}; ${say(each)}`;
  }
  const keys = new Set(asking.map(({ sale, who, key }) => keyOf(sale, who, key)));
  const booked = new Set<string>();
  for (const { id, sale, fan, key } of books.orders.values()) {
    const name = keyOf(sale, fan, key);
    if (!keys.has(name)) yield `Nobody has asked for order ${id}`;
    if (booked.has(name)) yield `Two orders under one key in the books: ${id}`;
    booked.add(name);
  }
}

/** What the books call sent has arrived; of tickets that are void by then there is nothing to send. */
function* judgeMails({ books }: Evidence) {
  for (const { id, kind, order, hasArrived } of books.mails) {
    const isVoid = kind === 'order-confirmed-mail' && books.orders.get(order)?.state === 'refunded';
    if (!hasArrived && !isVoid) yield `Sent and not arrived: ${kind} ${id} of order ${order}`;
  }
}

/** Acknowledged holds are there with their seats, one a key, and what was given back is not the fan's any more. */
function* judgeHolds({ asked, books }: Evidence) {
  const ofKey = new Map<string, { id: string; until: number }>();
  for (const each of asked) {
    if (each.op === 'release' && each.status === 204) {
      const state = books.holds.get(each.url.split('/').at(-1) as string)?.state;
      if (state !== 'released' && state !== 'expired') yield `Given back, and ${state}: ${say(each)}`;
    }
    if ((each.op !== 'hold' && each.op !== 'hold the best') || each.status !== 201) continue;
    const id = String(each.body.hold);
    const hold = books.holds.get(id);
    if (!hold) {
      yield `Lost: hold ${id}, of which ${say(each)} told`;
      continue;
    }
    const seats = (each.body.seats as { seat: string }[]).map(({ seat }) => seat);
    const booked = hold.seats.map((seat) => SEATS[seat] as string);
    if (seats.sort().join() !== booked.sort().join())
      yield `Hold ${id} has ${booked}, and ${say(each)} was told ${seats}`;
    if (each.key === undefined) continue;
    const key = `${each.sale} ${each.who} ${each.key}`;
    const known = ofKey.get(key);
    ofKey.set(key, { id, until: Date.parse(String(each.body.expiresAt)) });
    // A key is a hold's for as long as that lives.
    const isLive =
      known && known.until > each.sentAt + each.tookMs && books.holds.get(known.id)?.state !== 'released';
    if (isLive && known.id !== id) yield `Two holds under one key: ${known.id} and ${id}; ${say(each)}`;
  }
}

/** What organisers were told was done is in the audit, once. */
function* judgeOrganisers({ asked, books }: Evidence) {
  for (const each of asked) {
    const { reason } = (each.json ?? {}) as { reason?: string };
    if (reason === undefined || !['block', 'unblock', 'refund'].includes(each.op)) continue;
    const times = books.acts.get(reason) ?? 0;
    const changed = each.body.changed as string[] | undefined;
    if (times > 1) yield `Done ${times} times: ${say(each)}`;
    if (each.outcome === 'refused' && times > 0) yield `Refused and done: ${say(each)}`;
    if (each.outcome === 'done' && changed && changed.length > 0 && times === 0) yield `Lost: ${say(each)}`;
    if (each.op === 'refund' && each.outcome === 'done') {
      const id = each.url.split('/').at(-2) as string;
      const state = books.orders.get(id)?.state;
      if (state !== 'refunded') yield `Order ${id} is ${state}, and ${say(each)} was told it is refunded`;
    }
  }
}

/**
 * Nobody is told that a seat is taken which was open all the while, or that so many are not together which were. What the
 * shop remembers may be a moment old.
 */
function* judgeTaken({ asked, books, disturbances }: Evidence) {
  const eventOf = new Map<string, string>();
  for (const each of asked) {
    const hold = each.status === 201 ? books.holds.get(String(each.body.hold)) : undefined;
    if (hold) eventOf.set(each.sale, hold.event);
  }
  for (const each of asked) {
    const event = eventOf.get(each.sale);
    const isHold = each.op === 'hold' || each.op === 'hold the best';
    if (!isHold || each.code !== 'seats-taken' || event === undefined || isDisturbed(each, disturbances))
      continue;
    const isOpen = (seat: string) => {
      const changes = books.seatChanges.get(`${event} ${SEATS.indexOf(seat)}`) ?? [];
      return wasOpen(changes, each.sentAt - AFTERMATH_MS, each.sentAt + each.tookMs);
    };
    const open = each.op === 'hold' ? (each.body.conflicts as string[]).filter(isOpen) : block(each, isOpen);
    if (open.length > 0) yield `Open all the while, and not to be had: ${open.join(', ')}: ${say(each)}`;
  }
}

/** As many neighbours as were asked for, all of them open; empty when there were none. */
function block({ json }: Asked, isOpen: (seat: string) => boolean): string[] {
  const { quantity, section } = (json as { best: { quantity: number; section?: string } }).best;
  for (const { name, rows, seatsPerRow } of HALL) {
    if (section !== undefined && section !== name) continue;
    for (let row = 1; row <= rows; row += 1) {
      let together: string[] = [];
      for (let number = 1; number <= seatsPerRow; number += 1) {
        const seat = `${name}-${row}-${number}`;
        together = isOpen(seat) ? [...together, seat] : [];
        if (together.length === quantity) return together;
      }
    }
  }
  return [];
}

function wasOpen(changes: readonly SeatChange[], from: number, to: number): boolean {
  if (changes.some(({ at }) => at >= from && at <= to)) return false;
  const last = changes.findLast(({ at }) => at < from);
  return !last || last.state === 0 || (last.state === 1 && last.heldUntil < from);
}

import type { BookedOrder } from './books.ts';
import type { AnswerRecord } from './record.ts';
import { isBought } from './seats.ts';

/** What somebody was told of one payment, however it was recorded. */
export type ToldOrder = {
  sale: string;
  /** The fan as the books name them (judged with `BookedOrder.fan`). */
  who: string;
  key: string;
  order: string | null;
  isBought: boolean;
  /** A clear no; "in progress", 503 and no answer leave it open. */
  isRefused: boolean;
  /** Null where the answer does not say. */
  codes: string[] | null;
  seats: string[] | null;
  amount: number | null;
  /** The answer in words. */
  said: string;
};

export type OrderBooks = {
  told: readonly ToldOrder[];
  orders: ReadonlyMap<string, BookedOrder>;
  /** Orders whose refund somebody has asked for. */
  refundsAsked: ReadonlySet<string>;
};

/** Holds what fans were told of their payments against the books when all has come to its end. Pure. */
export function judgeOrders(books: OrderBooks): string[] {
  return [...judgeTold(books), ...judgeEnds(books), ...judgeKeys(books)];
}

/** Acknowledged orders are there as they were told. */
function* judgeTold({ told, orders }: OrderBooks) {
  for (const each of told) {
    if (each.order === null) continue;
    const { order: named, said } = each;
    const order = orders.get(named);
    if (!order) {
      yield `Lost: order ${named}, of which ${said} told`;
      continue;
    }
    const { fan, key, state, amount } = order;
    if (fan !== each.who || key !== each.key)
      yield `Order ${named} is ${fan}'s under ${key}, and ${said} was told of it`;
    if (each.isBought) {
      if (state !== 'confirmed' && state !== 'refunded')
        yield `Order ${named} is ${state}, and ${said} was told it is bought`;
      // One that was refunded by then is told without tickets.
      if (!isSame(each.codes, order.codes, state === 'refunded'))
        yield `Order ${named} has other tickets than ${said} was told`;
      if (state !== 'refunded' && !isSame(each.seats, order.seats, false))
        yield `Order ${named} has ${order.seats.join(', ') || 'no seats'}, and ${said} was told ${each.seats?.join(', ')}`;
      if (each.amount !== null && each.amount !== amount)
        yield `Order ${named} costs ${amount}; ${said} was told ${each.amount}`;
    }
    if (each.isRefused && state !== 'failed')
      yield `Order ${named} is ${state}, and ${said} was told it failed`;
  }
}

const isSame = (told: string[] | null, booked: string[], mayBeVoid: boolean): boolean =>
  told === null ||
  (told.length === 0 && mayBeVoid) ||
  (told.length > 0 && [...told].sort().join() === [...booked].sort().join());

/** Every order has come to an end, paid once; refused ones cost nothing. */
function* judgeEnds({ orders, refundsAsked }: OrderBooks) {
  for (const { id, state, payment, paid, amount } of orders.values()) {
    const is = `Order ${id} is ${state}, its payment ${payment} and ${JSON.stringify(paid)}`;
    if (state === 'inProgress' || payment !== 'settled') yield `Without an end: ${is}`;
    else if (
      state === 'confirmed' &&
      (paid?.state !== 'captured' || paid.captures !== 1 || paid.amount !== amount)
    )
      yield `Not paid once: ${is}`;
    else if (state === 'failed' && (paid?.captures ?? 0) > 0) yield `Charged for nothing: ${is}`;
    else if (state === 'refunded' && paid?.captures !== paid?.refunds) yield `Not given back: ${is}`;
    if (state === 'refunded' && !refundsAsked.has(id)) yield `Nobody has asked for the refund: ${is}`;
  }
}

/** Each key has one order at most, and no order is without somebody who asked for it and was not only refused. */
function* judgeKeys({ told, orders }: OrderBooks) {
  const keyOf = (sale: string, fan: string, key: string) => `${sale} ${fan} ${key}`;
  const asked = new Map<string, { order: string | null; isOnlyRefused: boolean }>();
  for (const { sale, who, key, order, isRefused, said } of told) {
    const name = keyOf(sale, who, key);
    const known = asked.get(name) ?? { order, isOnlyRefused: true };
    if (known.order !== null && order !== null && known.order !== order)
      yield `Two orders under one key: ${known.order} and ${order}; ${said}`;
    asked.set(name, {
      order: known.order ?? order,
      isOnlyRefused: known.isOnlyRefused && isRefused,
    });
  }
  const booked = new Set<string>();
  for (const { id, sale, fan, key, state } of orders.values()) {
    const name = keyOf(sale, fan, key);
    const attempt = asked.get(name);
    if (!attempt) yield `Nobody has asked for order ${id}`;
    else if (attempt.isOnlyRefused && state !== 'failed')
      yield `Order ${id} of ${fan} is ${state}, and the fan was only told no`;
    if (booked.has(name)) yield `Two orders under one key in the books: ${id}`;
    booked.add(name);
  }
}

/** Of the payments that a load test's fans made: they are known by their e-mail addresses. */
export function toldByFans(sale: string, fans: Iterable<AnswerRecord[]>): ToldOrder[] {
  const told: ToldOrder[] = [];
  for (const answer of [...fans].flat()) {
    const { step, fan, key, email, order, seats, status, code, orderState } = answer;
    if ((step !== 'pay' && step !== 'outcome') || key === undefined || email === undefined) continue;
    const isRefused = (status >= 400 && status < 500 && code !== 'in-progress') || orderState === 'failed';
    told.push({
      ...{ sale, who: email, key, order: order ?? null, isBought: isBought(answer), isRefused },
      ...{ codes: null, amount: null, seats: isBought(answer) ? (seats ?? []) : null },
      said: `${step} of ${fan} under the key ${key} (${status} ${code ?? orderState ?? ''})`,
    });
  }
  return told;
}

import { type ExtendedHold, type ExtendedHoldsPage, PAYMENT_EXTENSION_SECONDS } from '#shared/internal.ts';
import type { Db } from '../db/client.ts';
import { type Asking, inOneCall } from '../db/in-one-call.ts';

/** A hold as it is stored; seats by index. */
export type Hold = { hold: string; seats: number[]; amount: number; expiresAt: Date };

export const liveHolds = (db: Db, of: { sale: string; fan: string }): Promise<readonly Hold[]> =>
  db.call<Hold>(
    (sql) => sql`
      select id as hold, seats, amount, expires_at as "expiresAt" from hold
      where sale = ${of.sale} and fan = ${of.fan} and hold_is_live(state, expires_at)
      order by created_at`,
  );

const ORDERS_PER_PAGE = 1_000;
/** A hold is extended once, by its first order, and then lasts PAYMENT_EXTENSION_SECONDS at most: it has an order that is no older. */
const ORDER_AGE_SECONDS_MAX = PAYMENT_EXTENSION_SECONDS + 60;

/**
 * The holds of a sale for which a payment has begun and that are not over, page by page. They are found by the orders of the last
 * minutes: those are as many as the shop sells, and not as many as the hall has seats.
 */
export async function extendedHolds(
  db: Db,
  { sale, after }: { sale: string; after: string },
): Promise<ExtendedHoldsPage> {
  const rows = await db.call<Omit<ExtendedHold, 'leftMs'> & { order: string; leftMs: number | null }>(
    (sql) => sql`
      select said.id as "order", paid.fan as entry, paid.left_ms as "leftMs",
        said.queue_number::float8 as "queueNumber", said.admitted_at::float8 as "admittedAt"
      from (
        select id, created_at, hold, queue_number, admitted_at from ticket_order
        where (sale || '') = ${sale}
          and created_at > clock_timestamp() - make_interval(secs => ${ORDER_AGE_SECONDS_MAX})
          and (${after} = '' or (created_at, id) > (select created_at, id from ticket_order where id = ${after}))
        order by created_at, id limit ${ORDERS_PER_PAGE}
      ) said left join lateral (
        select fan, (extract(epoch from expires_at - clock_timestamp()) * 1000)::float8 as left_ms from hold
        where id = said.hold and extended and hold_is_live(state, expires_at)
      ) paid on true
      order by said.created_at, said.id`,
  );
  const holds = [];
  for (const { entry, queueNumber, admittedAt, leftMs } of rows)
    if (leftMs !== null && leftMs > 0) holds.push({ entry, queueNumber, admittedAt, leftMs });
  const isLast = rows.length < ORDERS_PER_PAGE;
  return { holds, next: isLast ? null : (rows.at(-1)?.order ?? null) };
}

type OfFan = { sale: string; fan: string };

async function allEnds(db: Db, fans: readonly OfFan[], withinMs?: number): Promise<{ end: Date | null }[]> {
  const rows = await db.call<{ end: Date | null }>(
    (sql) => sql`
      select holds_of_fan_end(sale, fan) as end
      from unnest(${fans.map(({ sale }) => sale)}::text[], ${fans.map(({ fan }) => fan)}::text[])
        with ordinality as given (sale, fan, n) order by n`,
    withinMs,
  );
  return [...rows];
}

const ends = inOneCall<OfFan, { end: Date | null } | undefined>({
  what: 'hold-ends',
  together: allEnds,
  alone: async (db, fan, withinMs) => (await allEnds(db, [fan], withinMs))[0],
});

/** When the fan's last live hold ends; null when there is none. */
export const holdsOfFanEnd = async (db: Db, of: OfFan, asking?: Asking): Promise<Date | null> =>
  (await ends.do(db, of, asking))?.end ?? null;

/** Until when the seats of an order that failed are still its fan's, to pay for again; null when they are not. */
export async function heldForOrder(db: Db, order: string): Promise<Date | null> {
  const [hold] = await db.call<{ end: Date }>(
    (sql) => sql`
      select hold.expires_at as end from ticket_order join hold on hold.id = ticket_order.hold
      where ticket_order.id = ${order} and hold.state = 'active' and hold_is_live(hold.state, hold.expires_at)`,
  );
  return hold?.end ?? null;
}

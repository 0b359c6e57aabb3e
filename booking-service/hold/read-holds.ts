import type { ExtendedHold, ExtendedHoldsPage } from '#shared/internal.ts';
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

/** Equal to what the gateway takes for a page (gateway/booking/catalogue.ts). */
const EXTENDED_HOLDS_PER_PAGE = 1_000;

/**
 * The holds of a sale for which a payment has begun and that are not over, as they are stored, page by page. They are found by
 * the seats they hold: those are as many as the event has, whatever it has sold; holds are many more.
 */
export async function extendedHolds(
  db: Db,
  { sale, after }: { sale: string; after: string },
): Promise<ExtendedHoldsPage> {
  const rows = await db.call<Omit<ExtendedHold, 'leftMs'> & { hold: string; leftMs: number | null }>(
    (sql) => sql`
      with held as materialized (
        select distinct hold from seat
        where event = (select event from sale where id = ${sale}) and state = 1
          and held_until > clock_timestamp() and hold > ${after}
        order by hold limit ${EXTENDED_HOLDS_PER_PAGE}
      )
      select held.hold, paid.fan as entry, paid.left_ms as "leftMs", said.queue_number::float8 as "queueNumber",
        said.admitted_at::float8 as "admittedAt"
      from held left join lateral (
        select id, fan, (extract(epoch from expires_at - clock_timestamp()) * 1000)::float8 as left_ms from hold
        where id = held.hold and sale = ${sale} and extended and hold_is_live(state, expires_at) limit 1
      ) paid on true left join lateral (
        select queue_number, admitted_at from ticket_order where ticket_order.hold = paid.id limit 1
      ) said on true
      order by held.hold`,
  );
  const holds = [];
  for (const { entry, queueNumber, admittedAt, leftMs } of rows)
    if (leftMs !== null && leftMs > 0) holds.push({ entry, queueNumber, admittedAt, leftMs });
  const isLast = rows.length < EXTENDED_HOLDS_PER_PAGE;
  return { holds, next: isLast ? null : (rows.at(-1)?.hold ?? null) };
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

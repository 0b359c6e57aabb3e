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

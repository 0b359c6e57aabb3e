import { newId } from '#shared/ids.ts';
import type { Db } from '../db/client.ts';

/**
 * How long one attempt may work on an order before another may take it over. Longer than a slow attempt takes, and short
 * because a fan may be waiting for what was killed; two attempts at once would end one way all the same.
 */
export const ORDER_LEASE_MS = 8_000;

/**
 * How long an order whose attempt was killed is left to the fan's own retry, before the worker ends it. The fan's request
 * carries the card, so it can still buy; the worker can only find out what became of the payment, and give up on one that
 * was never begun.
 */
const FAN_FIRST_MS = 10_000;

/**
 * Ends one's own lease, so that whoever comes next, fan or worker, may find out how the payment went. `by`: the id that the order
 * was taken over by, null for whoever began it. This may reach the database late, or twice: whoever has taken the order over
 * meanwhile keeps their own lease.
 */
export async function lapseLease(db: Db, order: string, by: string | null): Promise<void> {
  await db.call(
    (sql) => sql`
      update ticket_order set lease_until = add_milliseconds(${-FAN_FIRST_MS})
      where id = ${order} and state = 'inProgress' and not respond_async
        and lease_by is not distinct from ${by}`,
  );
}

export type UnsettledOrder = {
  order: string;
  seats: number;
  /** Of finding out, this one included. */
  attempts: number;
};

/**
 * Takes orders of which nobody knows how their payment went, and that nobody has worked on for the length of their lease; the
 * longer it cannot be found out, the more seldom.
 */
export const claimUnsettledOrders = (db: Db, limit: number): Promise<readonly UnsettledOrder[]> => {
  // Made before the call: it may be sent again, and then finds what it has taken.
  const claim = newId();
  return db.call<UnsettledOrder>(
    (sql) => sql`
      select ticket_order as "order", seats, attempts
      from claim_unsettled_orders(${limit}, ${ORDER_LEASE_MS}, ${FAN_FIRST_MS}, ${claim})`,
  );
};

/**
 * Leaves to the outbox what attempts that have ended could not tell the provider. Resolves to how many orders that were.
 */
export async function oweByMessage(db: Db, limit: number): Promise<number> {
  const { orders } = await db.callOne<{ orders: number }>(
    (sql) => sql`select owe_by_message(${limit}) as orders`,
  );
  return orders;
}

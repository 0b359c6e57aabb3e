import { setTimeout as delay } from 'node:timers/promises';
import { newId } from '#shared/ids.ts';
import { Problem } from '#shared/problem.ts';
import type { Db } from '../db/client.ts';
import { inOneCall } from '../db/in-one-call.ts';

/**
 * How long one attempt of the worker may work on an order before another may. Longer than asking the provider what became
 * of the payment, authorising it and confirming take at their worst; a worker that is killed delays its orders by as much.
 */
const WAITING_LEASE_MS = 12_000;
/**
 * A claim of which nothing is heard is made again, as the same: otherwise its order would wait until the lease that it may
 * have taken is over. All of these together take less than that.
 */
const CLAIM_TRIES_MAX = 3;
const CLAIM_AGAIN_MS = 200;

/** An order that nobody waits for, taken to work on; or how long it is not to be had; or over. */
export type WaitingOrder =
  | {
      outcome: 'claimed';
      seats: number;
      amount: number;
      currency: string;
      paymentToken: string;
      /** This one included. */
      attempts: number;
    }
  | { outcome: 'busy'; waitMs: number }
  | { outcome: 'over' };

/** `id`: made before the call, so that a claim whose answer was lost finds itself. */
type Claim = { order: string; id: string };

const claimAlone = (db: Db, { order, id }: Claim, withinMs?: number): Promise<WaitingOrder> =>
  db.callOne<WaitingOrder>(
    (sql) => sql`
      select outcome, seats, amount, currency, payment_token as "paymentToken", attempts, wait_ms as "waitMs"
      from claim_waiting_order(${order}, ${WAITING_LEASE_MS}, ${id})`,
    withinMs,
  );

async function claimTogether(db: Db, claims: readonly Claim[]): Promise<(WaitingOrder | null)[]> {
  const rows = await db.call<WaitingOrder | { outcome: null }>(
    (sql) => sql`
      select outcome, seats, amount, currency, payment_token as "paymentToken", attempts
      from claim_waiting_orders(${claims.map(({ order }) => order)}::text[], ${WAITING_LEASE_MS},
        ${claims.map(({ id }) => id)}::text[])`,
  );
  return rows.map((row) => (row.outcome === null ? null : row));
}

const claim = inOneCall<Claim, WaitingOrder>({
  what: 'claim-orders',
  together: claimTogether,
  alone: claimAlone,
  apart: ({ order }) => [order],
});

/** Takes an order to work on, so that nobody else does for the length of the lease. `by`: an id of this attempt's own. */
export async function claimWaitingOrder(db: Db, order: string, by = newId()): Promise<WaitingOrder> {
  const asked = { order, id: by };
  for (let tries = 1; ; tries += 1) {
    try {
      return await claim.do(db, asked);
    } catch (error) {
      if (!(error instanceof Problem) || tries === CLAIM_TRIES_MAX) throw error;
    }
    await delay(CLAIM_AGAIN_MS * tries);
  }
}

/**
 * Gives back an order that was claimed `by` this id, to be had again after `waitMs`. Of one that somebody else has claimed
 * meanwhile it changes nothing, however late or often it comes.
 */
export async function postponeOrder(db: Db, order: string, by: string, waitMs: number): Promise<void> {
  await db.call(
    (sql) => sql`
      update ticket_order set lease_until = add_milliseconds(${waitMs}), lease_by = null
      where id = ${order} and respond_async and state = 'inProgress' and lease_by = ${by}`,
  );
}

/**
 * `idleMs`: for how long it has been to be had. `deathsMax`: so many of its attempts have died at most; 0 where the last one
 * gave it back, for whoever lives through an order is not killed by it.
 */
export type IdleOrder = { order: string; idleMs: number; deathsMax: number };

/**
 * Orders that are to be had and that nobody has; a page of them, by id, behind `after`. One that nobody has ever worked on
 * counts only after `idleMs`: it is on its way.
 */
export async function idleOrders(
  db: Db,
  { after, idleMs, limit }: { after: string; idleMs: number; limit: number },
): Promise<readonly IdleOrder[]> {
  return db.call<IdleOrder>(
    (sql) => sql`
      select id as "order", (extract(epoch from clock_timestamp() - lease_until) * 1000)::float8 as "idleMs",
        case when lease_by is null then 0 else attempts end as "deathsMax"
      from order_work join ticket_order on ticket_order.id = order_work.ticket_order
      where order_work.kind = 'book' and order_work.ticket_order > ${after}
        and lease_until <= add_milliseconds(case when attempts = 0 then ${-idleMs}::float8 else 0 end)
      order by order_work.ticket_order limit ${limit}`,
  );
}

/** How many orders the worker has before it. */
export async function countWaiting(db: Db): Promise<number> {
  const { waiting } = await db.callOne<{ waiting: number }>(
    (sql) => sql`select count(*)::int as waiting from order_work where kind = 'book'`,
  );
  return waiting;
}

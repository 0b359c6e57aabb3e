import { claimUnsettledOrders, oweByMessage, type UnsettledOrder } from './lease.ts';
import { outcomeOf } from './pay.ts';
import { settle, type Till } from './settle.ts';

const ORDERS_PER_RUN_MAX = 20;
const HANDED_OVER_PER_RUN_MAX = 200;

/**
 * Brings to their end the orders that nobody works on any more: their request was killed, its payment's outcome
 * unknown, or the provider out of reach. Whatever crashes, a captured payment ends as an order. What the provider is owed by
 * orders that have ended becomes a message of the outbox. Resolves to whether there are probably more.
 */
export async function reconcileOrders(till: Till): Promise<boolean> {
  const orders = await claimUnsettledOrders(till.db, ORDERS_PER_RUN_MAX);
  await Promise.all(orders.map((order) => reconcile(till, order)));
  const handedOver = await oweByMessage(till.db, HANDED_OVER_PER_RUN_MAX);
  return orders.length === ORDERS_PER_RUN_MAX || handedOver === HANDED_OVER_PER_RUN_MAX;
}

async function reconcile(till: Till, { order, seats, attempts }: UnsettledOrder): Promise<void> {
  const { log } = till;
  try {
    const { state } = await settle(till, { id: order, seats }, await outcomeOf(till, order));
    log.info({ order, state }, 'an abandoned order came to its end');
  } catch (error) {
    log[attempts === 1 ? 'warn' : 'debug']({ err: error, order, attempts }, 'an order cannot be settled yet');
  }
}

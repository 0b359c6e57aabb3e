import { claimUnsettledOrders, type UnsettledOrder } from './lease.ts';
import { outcomeOf } from './pay.ts';
import { payOff, settle, type Till } from './settle.ts';

const ORDERS_PER_RUN_MAX = 20;

/**
 * Brings to their end the orders that nobody works on any more: their request was killed, its payment's outcome
 * unknown, or the provider out of reach. Whatever crashes, a captured payment ends as an order. Resolves to whether there
 * are probably more.
 */
export async function reconcileOrders(till: Till): Promise<boolean> {
  const orders = await claimUnsettledOrders(till.db, ORDERS_PER_RUN_MAX);
  await Promise.all(orders.map((order) => reconcile(till, order)));
  return orders.length === ORDERS_PER_RUN_MAX;
}

async function reconcile(till: Till, { order, seats, payment }: UnsettledOrder): Promise<void> {
  const { log } = till;
  try {
    if (payment !== 'unknown') {
      await payOff(till, order, payment);
      return;
    }
    const { state } = await settle(till, { id: order, seats }, await outcomeOf(till, order));
    log.info({ order, state }, 'an abandoned order came to its end');
  } catch (error) {
    log.warn({ err: error, order }, 'an order cannot be settled yet');
  }
}

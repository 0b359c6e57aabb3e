import type { Till } from '../order/settle.ts';
import { idleOrders } from '../order/waiting.ts';
import { bookWaitingOrder } from './book.ts';

/** A job is on its way within milliseconds. */
const JOB_LOST_AFTER_MS = 3_000;
/** Looked through, and worked on, at once. */
const ORDERS_PER_PAGE = 50;

/** Which of these orders have a job. Throws when it cannot be found out. */
export type HasJob = (orders: string[]) => Promise<ReadonlySet<string>>;

/**
 * Looks through the books for orders that wait and that no job carries: Redis has lost it, or was away, or the booking
 * service was killed before it could make one. They are booked right here, without Redis. Each call looks at one page and
 * resolves to whether there are further ones.
 */
export function searchLostOrders(
  till: Till,
  hasJob: HasJob,
  idleMs = JOB_LOST_AFTER_MS,
  pageSize = ORDERS_PER_PAGE,
): () => Promise<boolean> {
  let after = '';
  return async () => {
    const orders = await idleOrders(till.db, { after, idleMs, limit: pageSize });
    const isLast = orders.length < pageSize;
    after = isLast ? '' : (orders.at(-1) as string);
    if (orders.length === 0) return false;
    // A Redis that is away carries nothing.
    const carried = await hasJob(orders).catch(() => new Set<string>());
    const lost = orders.filter((order) => !carried.has(order));
    await Promise.all(lost.map((order) => bookLost(till, order)));
    return !isLast;
  };
}

async function bookLost(till: Till, order: string): Promise<void> {
  try {
    await bookWaitingOrder(till, order);
  } catch (error) {
    till.log.warn({ err: error, order }, 'a lost order cannot be booked yet');
  }
}

import type { Till } from '../order/settle.ts';
import { type IdleOrder, idleOrders } from '../order/waiting.ts';
import { bookWaitingOrder } from './book.ts';
import { JOB_STUCK_AFTER_MS } from './jobs.ts';

/** A job is on its way within milliseconds. */
const JOB_LOST_AFTER_MS = 3_000;
/** Looked through, and worked on, at once. */
const ORDERS_PER_PAGE = 50;
/** Of an order with so many dead attempts, of the eight that it has (book.ts), the order itself may be the cause. */
const SUSPECT_DEATHS_MIN = 3;
/** Then; half as many after each further one. */
const SUSPECTS_AT_ONCE = 16;

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
    const idle = await idleOrders(till.db, { after, idleMs, limit: pageSize });
    const isLast = idle.length < pageSize;
    after = isLast ? '' : (idle.at(-1)?.order as string);
    if (idle.length === 0) return false;
    // A Redis that is away carries nothing.
    const carried = await hasJob(idle.map(({ order }) => order)).catch(() => new Set<string>());
    const lost = idle.filter((each) => !carried.has(each.order) || each.idleMs >= JOB_STUCK_AFTER_MS);
    for (const group of apart(lost)) await Promise.all(group.map(({ order }) => bookLost(till, order)));
    return !isLast;
  };
}

/** Whether a worker dies of an order or beside it nobody can tell: the more have died of it, the fewer are tried beside it. */
const atOnce = (deaths: number): number =>
  deaths < SUSPECT_DEATHS_MIN
    ? ORDERS_PER_PAGE
    : Math.max(1, SUSPECTS_AT_ONCE >> (deaths - SUSPECT_DEATHS_MIN));

/** Orders to be tried together, the least suspect first: a poisoned one comes to be tried alone, behind all others. */
function apart(orders: readonly IdleOrder[]): IdleOrder[][] {
  const groups: IdleOrder[][] = [];
  for (const each of orders.toSorted((a, b) => a.deathsMax - b.deathsMax)) {
    const last = groups.at(-1);
    if (last && last.length < atOnce(each.deathsMax)) last.push(each);
    else groups.push([each]);
  }
  return groups;
}

async function bookLost(till: Till, order: string): Promise<void> {
  try {
    await bookWaitingOrder(till, order);
  } catch (error) {
    till.log.warn({ err: error, order }, 'a lost order cannot be booked yet');
  }
}

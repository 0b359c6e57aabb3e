import type { Log } from '#shared/log.ts';
import type { Db } from '../db/client.ts';
import type { ToWorker } from '../order/routes.ts';
import { createBacklog } from './backlog.ts';
import { connectFailingFast } from './connection.ts';
import { type CarriedOrder, openJobs, putJobs } from './jobs.ts';

/** Orders that travel together: those that came while the ones before were on their way. */
const ORDERS_PER_CALL_MAX = 500;
/** Beyond it orders go without a job: they are found in the books. */
const ORDERS_UNSENT_MAX = 10_000;

export type OrderQueue = ToWorker & {
  /** Resolves when what was put has been sent, or could not be. */
  close: () => Promise<void>;
};

/**
 * The jobs that carry orders to the worker: an order each, or several (jobs.ts). A job that gets lost, or never comes to be, is
 * made up for by the worker, who looks through the books.
 */
export function createOrderQueue(options: {
  db: Db;
  redisUrl: string;
  /** Beyond as many waiting orders the queue is full. */
  waitingMax: number;
  log: Log;
}): OrderQueue {
  const { db, redisUrl, waitingMax, log } = options;
  const backlog = createBacklog(db, waitingMax);
  const redis = connectFailingFast(redisUrl, log);
  const queue = openJobs(redis);

  let unsent: CarriedOrder[] = [];
  let sending: Promise<void> | null = null;

  const send = async (): Promise<void> => {
    while (unsent.length > 0) {
      const orders = unsent.slice(0, ORDERS_PER_CALL_MAX);
      unsent = unsent.slice(ORDERS_PER_CALL_MAX);
      try {
        await putJobs(queue, redis, orders);
      } catch (error) {
        log.warn({ err: error, orders: orders.length }, 'orders wait in the books without a job');
      }
    }
    sending = null;
  };

  return {
    isFull: backlog.isFull,
    put: (order, requestId) => {
      backlog.add();
      if (unsent.length < ORDERS_UNSENT_MAX) unsent.push({ order, requestId });
      sending ??= Promise.resolve().then(send);
    },
    close: async () => {
      await sending;
      await queue.close();
      redis.disconnect();
    },
  };
}

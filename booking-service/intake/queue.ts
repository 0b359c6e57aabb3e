import { Queue } from 'bullmq';
import type { Log } from '#shared/log.ts';
import type { Db } from '../db/client.ts';
import type { ToWorker } from '../order/routes.ts';
import { createBacklog } from './backlog.ts';
import { connectFailingFast, ORDER_JOBS } from './connection.ts';

/** Jobs that travel together: those that came while the ones before were on their way. */
const JOBS_PER_CALL_MAX = 500;
/** Beyond it jobs are dropped: their orders are found in the books. */
const JOBS_UNSENT_MAX = 10_000;
/** When the worker cannot reach the books, a job comes again: twice as late each time, for about two minutes in all. */
const JOB_ATTEMPTS_MAX = 8;
const JOB_FIRST_RETRY_MS = 1_000;
/** BullMQ keeps a stream of what happened to jobs; nobody reads it. */
const EVENTS_KEPT = 1_000;

export type OrderQueue = ToWorker & {
  /** Resolves when what was put has been sent, or could not be. */
  close: () => Promise<void>;
};

/**
 * The jobs that carry orders to the worker. A job is the order's id, and whose request it was, for the log; the same order
 * makes one job. A job
 * that gets lost, or never comes to be, is made up for by the worker, who looks through the books.
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
  const queue = new Queue(ORDER_JOBS.name, {
    prefix: ORDER_JOBS.prefix,
    connection: redis,
    // A check that Redis is too busy to answer in time would be the end of this queue.
    skipVersionCheck: true,
    streams: { events: { maxLen: EVENTS_KEPT } },
    defaultJobOptions: {
      attempts: JOB_ATTEMPTS_MAX,
      backoff: { type: 'exponential', delay: JOB_FIRST_RETRY_MS },
      // A job that stayed behind would keep the next one of its order out.
      removeOnComplete: true,
      removeOnFail: true,
    },
  });
  queue.on('error', () => undefined); // The connection says so itself.

  let unsent: { order: string; requestId: string }[] = [];
  let sending: Promise<void> | null = null;

  const send = async (): Promise<void> => {
    while (unsent.length > 0) {
      const orders = unsent.slice(0, JOBS_PER_CALL_MAX);
      unsent = unsent.slice(JOBS_PER_CALL_MAX);
      try {
        // BullMQ itself would wait for a Redis that is away.
        if (redis.status !== 'ready') throw new Error('Redis is away.');
        await queue.addBulk(
          orders.map(({ order, requestId }) => ({
            name: 'book',
            data: { requestId },
            opts: { jobId: order },
          })),
        );
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
      if (unsent.length < JOBS_UNSENT_MAX) unsent.push({ order, requestId });
      sending ??= Promise.resolve().then(send);
    },
    close: async () => {
      await sending;
      await queue.close();
      redis.disconnect();
    },
  };
}

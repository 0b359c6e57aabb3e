import { setTimeout as delay } from 'node:timers/promises';
import { DelayedError, type Job, Worker } from 'bullmq';
import type { Log } from '#shared/log.ts';
import type { Till } from '../order/settle.ts';
import { bookWaitingOrder } from './book.ts';
import { connectFailingFast, connectWaiting, type JobsConnection, ORDER_JOBS } from './connection.ts';
import type { HasJob } from './lost.ts';

/**
 * Orders that one worker works on at once. Most of their time they wait for the provider, so it is more than there are
 * connections; the rest of the queue waits in Redis and not in this process.
 */
export const ORDERS_AT_ONCE = 400;
/** A worker that has not been heard of for so long has lost its jobs; how often each looks for such jobs. */
const JOB_LOCK_MS = 6_000;
const STALLED_LOOK_MS = 3_000;
/** A job that was in the hands of so many workers as they died is left to the search through the books. */
const STALLED_MAX = 3;
const RETRY_AFTER_MS = 500;
/** How long Redis may take to hear that the worker ends. */
const CLOSE_MS_MAX = 8_000;

export type OrderJobs = {
  hasJob: HasJob;
  /** Resolves when the jobs under way are done. */
  stop: () => Promise<void>;
};

/** Takes the jobs out of Redis and books their orders; `onBooked`: there may be mail. */
export function startOrderJobs(options: {
  redisUrl: string;
  till: Till;
  onBooked: () => void;
  log: Log;
  ordersAtOnce?: number;
}): OrderJobs {
  const { redisUrl, till, onBooked, log, ordersAtOnce = ORDERS_AT_ONCE } = options;
  const redis = connectWaiting(redisUrl, log);
  const asking = connectFailingFast(redisUrl, log);

  const underWay = new Set<Promise<unknown>>();

  const book = async (job: Job, token?: string): Promise<void> => {
    // Jobs of an earlier version carry none.
    const requestId = (job.data as { requestId?: string } | null)?.requestId;
    const log = till.log.child({ requestId });
    const booking = bookWaitingOrder({ ...till, log }, job.id as string);
    underWay.add(booking);
    const againMs = await booking.finally(() => underWay.delete(booking));
    onBooked();
    if (againMs === null) return;
    await job.moveToDelayed(Date.now() + againMs, token);
    throw new DelayedError();
  };

  const worker = new Worker(ORDER_JOBS.name, book, {
    prefix: ORDER_JOBS.prefix,
    connection: redis,
    concurrency: ordersAtOnce,
    lockDuration: JOB_LOCK_MS,
    stalledInterval: STALLED_LOOK_MS,
    maxStalledCount: STALLED_MAX,
    runRetryDelay: RETRY_AFTER_MS,
    // Of jobs that nobody of ours has put there as well: Redis has the fans' queues to keep.
    removeOnComplete: { count: 0 },
    removeOnFail: { count: 0 },
  });
  worker.on('error', (error) => log.debug({ err: error }, 'BullMQ will try again'));
  worker.on('failed', (job, error) => {
    log.warn({ err: error, order: job?.id, attempts: job?.attemptsMade }, 'an order could not be worked on');
  });

  return {
    hasJob: (orders) => withJob(asking, orders, (order) => worker.toKey(order)),
    stop: async () => {
      // BullMQ would wait for a Redis that is away, and waits for the jobs only if it does not.
      const closing = worker.close(redis.status !== 'ready');
      await Promise.race([closing, delay(CLOSE_MS_MAX, undefined, { ref: false })]);
      await Promise.allSettled(underWay);
      asking.disconnect();
      redis.disconnect();
    },
  };
}

async function withJob(
  redis: JobsConnection,
  orders: string[],
  keyOf: (order: string) => string,
): Promise<ReadonlySet<string>> {
  const replies = await redis.pipeline(orders.map((order) => ['exists', keyOf(order)])).exec();
  if (replies === null) throw new Error('Redis gave no answer.');
  return new Set(
    orders.filter((_, index) => {
      const [error, exists] = replies[index] as [Error | null, unknown];
      if (error) throw error;
      return exists === 1;
    }),
  );
}

import { setTimeout as delay } from 'node:timers/promises';
import { DelayedError, type Job, Worker } from 'bullmq';
import type { Log } from '#shared/log.ts';
import { createLine } from '../db/line.ts';
import type { Till } from '../order/settle.ts';
import { bookWaitingOrder } from './book.ts';
import { connectFailingFast, connectWaiting, ORDER_JOBS } from './connection.ts';
import {
  type CarriedOrder,
  carriedAmong,
  JOB_FIRST_RETRY_MS,
  openJobs,
  ordersOf,
  putOwnJobs,
  shareKeyOf,
} from './jobs.ts';
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
/** An order that came in a job with others waits no longer for its place among the ones at once, and comes again by itself. */
const PLACE_WAIT_MS_MAX = 30_000;
/** A job is taken while there is one place left, so that all but one of its orders may wait for theirs. */
const PLACES_WAITING_MAX = 1_000;
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

  const queue = openJobs(asking);
  const places = createLine([...Array(ordersAtOnce).keys()], PLACES_WAITING_MAX);
  const underWay = new Set<Promise<unknown>>();

  /** Works on an order; how many milliseconds from now it is to be tried again, null when it is over. */
  const bookOne = async ({ order, requestId }: CarriedOrder): Promise<number | null> => {
    const place = await places.take(PLACE_WAIT_MS_MAX);
    const { db, payments } = till;
    const booking = bookWaitingOrder({ db, payments, log: till.log.child({ requestId }) }, order);
    underWay.add(booking);
    try {
      const againMs = await booking;
      onBooked();
      return againMs;
    } finally {
      underWay.delete(booking);
      places.giveBack(place);
    }
  };

  /** An order of a job that has others in it, which are none the worse for it: it comes again in a job of its own. */
  const bookAmongOthers = async (one: CarriedOrder): Promise<void> => {
    const againMs = await bookOne(one).catch((error) => {
      log.warn({ err: error, order: one.order }, 'an order could not be worked on');
      return JOB_FIRST_RETRY_MS;
    });
    if (againMs === null) return;
    await putOwnJobs(queue, asking, [{ ...one, delayMs: againMs }]).catch((error) => {
      log.warn({ err: error, order: one.order }, 'an order waits in the books without a job');
    });
  };

  const book = async (job: Job, token?: string): Promise<void> => {
    const orders = ordersOf(job);
    if (orders.length === 1) {
      const againMs = await bookOne(orders[0] as CarriedOrder);
      if (againMs === null) return;
      await job.moveToDelayed(Date.now() + againMs, token);
      throw new DelayedError();
    }
    // A worker has died of one of them, or beside them all: who it was only the search finds out, which tries them apart.
    if (job.stalledCounter > 0)
      log.warn({ orders: orders.length }, 'a worker died with orders that share a job');
    else await Promise.all(orders.map((one) => bookAmongOthers(one).finally(() => shared.endOne(job))));
    shared.end(job);
    await asking.unlink(...orders.map(({ order }) => shareKeyOf(order))).catch((error) => {
      log.debug({ err: error }, 'marks of a job that is over end by themselves');
    });
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
  const shared = countShared((beyond) => {
    worker.concurrency = Math.max(1, ordersAtOnce - beyond);
  });
  worker.on('active', shared.begin);
  worker.on('error', (error) => log.debug({ err: error }, 'BullMQ will try again'));
  worker.on('failed', (job, error) => {
    if (job) shared.end(job);
    log.warn({ err: error, order: job?.id, attempts: job?.attemptsMade }, 'an order could not be worked on');
  });

  return {
    hasJob: (orders) => carriedAmong(asking, orders),
    stop: async () => {
      // BullMQ would wait for a Redis that is away, and waits for the jobs only if it does not.
      const closing = worker.close(redis.status !== 'ready');
      await Promise.race([closing, delay(CLOSE_MS_MAX, undefined, { ref: false })]);
      await Promise.allSettled(underWay);
      await Promise.race([queue.close(), delay(CLOSE_MS_MAX, undefined, { ref: false })]);
      asking.disconnect();
      redis.disconnect();
    },
  };
}

/**
 * Jobs that carry several orders each count as one for BullMQ: `tell` hears of how many more orders than jobs are under way.
 */
function countShared(tell: (beyond: number) => void) {
  const left = new Map<string, number>();
  let beyond = 0;
  const set = (job: Job, orders: number): void => {
    const id = job.id as string;
    const before = left.get(id) ?? 0;
    if (orders > 0) left.set(id, orders);
    else left.delete(id);
    beyond += Math.max(0, orders - 1) - Math.max(0, before - 1);
    tell(beyond);
  };
  return {
    begin: (job: Job): void => {
      const orders = ordersOf(job).length;
      if (orders > 1) set(job, orders);
    },
    endOne: (job: Job): void => set(job, (left.get(job.id as string) ?? 1) - 1),
    end: (job: Job): void => {
      if (left.has(job.id as string)) set(job, 0);
    },
  };
}

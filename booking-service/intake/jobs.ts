import { type Job, type JobsOptions, Queue } from 'bullmq';
import { newId } from '#shared/ids.ts';
import { type JobsConnection, ORDER_JOBS } from './connection.ts';

/**
 * A job costs Redis and both who put and take it several times what is done for the order in it. In a crush, from so many that
 * are put at once, each job carries several; of fewer each has one of its own, which any worker may take.
 */
const SHARED_FROM = 32;
const ORDERS_PER_JOB_MAX = 16;
/** When the worker cannot reach the books, a job comes again: twice as late each time, for about two minutes in all. */
const JOB_ATTEMPTS_MAX = 8;
export const JOB_FIRST_RETRY_MS = 1_000;
/** A job that has not moved for so long is none: a Redis that takes no writes shows jobs that nobody can take. */
export const JOB_STUCK_AFTER_MS = 20_000;
/** Longer than any order waits for a worker; the job takes its marks along. */
const SHARE_MARK_MS = 600_000;
/** BullMQ keeps a stream of what happened to jobs; nobody reads it. */
const EVENTS_KEPT = 1_000;

/** An order on its way, and whose request it was, for the log. `delayMs`: how much later it is to be worked on. */
export type CarriedOrder = { order: string; requestId: string | undefined; delayMs?: number };

export const openJobs = (redis: JobsConnection): Queue => {
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
  return queue;
};

/** Of the order's own job: the same order makes one. */
export const jobKeyOf = (order: string): string => `${ORDER_JOBS.prefix}:${ORDER_JOBS.name}:${order}`;
/** Which job carries the order with others: it counts for as long as that job is there. */
export const shareKeyOf = (order: string): string => jobKeyOf(`shared:${order}`);

/** Puts each order into a job of its own. Throws when Redis did not say that it has all of them. */
export async function putOwnJobs(
  queue: Queue,
  redis: JobsConnection,
  orders: readonly CarriedOrder[],
): Promise<void> {
  await putAll(queue, redis, orders.map(ownJob));
}

/** Puts orders into jobs of their own, or, where they are many, together. Throws when Redis did not say that it has all of them. */
export async function putJobs(
  queue: Queue,
  redis: JobsConnection,
  orders: readonly CarriedOrder[],
): Promise<void> {
  if (orders.length < SHARED_FROM) return putOwnJobs(queue, redis, orders);
  const jobs = sharedJobs(orders);
  await putAll(queue, redis, jobs);
  const marks = jobs.flatMap(({ data, opts }) =>
    data.orders.map(({ order }) => ['set', shareKeyOf(order), opts.jobId, 'PX', String(SHARE_MARK_MS)]),
  );
  await repliesOf(redis, marks);
}

/** Which of the orders a job carries, of their own or with others. Throws when that cannot be found out. */
export async function carriedAmong(redis: JobsConnection, orders: string[]): Promise<ReadonlySet<string>> {
  const marks = await repliesOf<string | null>(
    redis,
    orders.map((order) => ['get', shareKeyOf(order)]),
  );
  const counts = await repliesOf<number>(
    redis,
    orders.map((order, index) => {
      const job = marks[index];
      return ['exists', jobKeyOf(order), ...(job ? [jobKeyOf(job)] : [])];
    }),
  );
  return new Set(orders.filter((_, index) => Number(counts[index]) > 0));
}

async function repliesOf<Reply>(redis: JobsConnection, commands: string[][]): Promise<Reply[]> {
  const replies = await redis.pipeline(commands).exec();
  if (replies === null) throw new Error('Redis gave no answer.');
  return replies.map(([error, reply]) => {
    if (error) throw error;
    return reply as Reply;
  });
}

async function putAll(queue: Queue, redis: JobsConnection, jobs: NewJob[]): Promise<void> {
  // BullMQ itself would wait for a Redis that is away.
  if (redis.status !== 'ready') throw new Error('Redis is away.');
  await queue.addBulk(jobs);
}

type NewJob<Data = unknown> = { name: string; data: Data; opts: JobsOptions & { jobId: string } };
type SharedData = { orders: { order: string; requestId: string | undefined }[] };

const ownJob = ({ order, requestId, delayMs }: CarriedOrder): NewJob => ({
  name: 'book',
  data: { requestId },
  opts: delayMs === undefined ? { jobId: order } : { jobId: order, delay: delayMs },
});

function sharedJobs(orders: readonly CarriedOrder[]): NewJob<SharedData>[] {
  const jobs: NewJob<SharedData>[] = [];
  for (let from = 0; from < orders.length; from += ORDERS_PER_JOB_MAX) {
    const carried = orders.slice(from, from + ORDERS_PER_JOB_MAX);
    const data = { orders: carried.map(({ order, requestId }) => ({ order, requestId })) };
    jobs.push({ name: 'book', data, opts: { jobId: newId() } });
  }
  return jobs;
}

/** What a job carries, whoever has put it there: an earlier version, or nobody of ours. */
export function ordersOf(job: Job): CarriedOrder[] {
  const data = job.data as { requestId?: string; orders?: unknown } | null;
  const shared = Array.isArray(data?.orders) ? data.orders.slice(0, ORDERS_PER_JOB_MAX) : [];
  const orders = (shared as (Partial<CarriedOrder> | null)[]).flatMap((one) =>
    typeof one?.order === 'string' ? [{ order: one.order, requestId: one.requestId }] : [],
  );
  return orders.length > 0 ? orders : [{ order: job.id as string, requestId: data?.requestId }];
}

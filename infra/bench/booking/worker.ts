import { Worker } from 'bullmq';
import { createLog } from '#shared/log.ts';
import { createDb } from '../../../booking-service/db/client.ts';
import { connectWaiting } from '../../../booking-service/intake/connection.ts';
import { ORDERS_AT_ONCE, startOrderJobs } from '../../../booking-service/intake/worker.ts';
import { createTestProvider } from '../../../booking-service/payment/test-provider.ts';
import { EMPTY_JOBS, type WorkerKind } from './settings.ts';

/**
 * Takes jobs out of Redis: `together` as the worker does, `oneByOne` an order after the other with each step a call of its
 * own, `empty` BullMQ's own with nothing to do. Tells when as many jobs are done as a message asks for.
 */
const kind = process.env.KIND as WorkerKind;
const redisUrl = String(process.env.REDIS_URL);
const log = createLog('worker', 'error');
let done = 0;
let wanted = Number.POSITIVE_INFINITY;
const noteDone = () => {
  done += 1;
  if (done >= wanted) process.send?.({ done });
};

if (kind === 'empty') {
  const { name, prefix } = EMPTY_JOBS;
  const connection = connectWaiting(redisUrl, log);
  new Worker(name, async () => noteDone(), { prefix, connection, concurrency: ORDERS_AT_ONCE });
} else {
  const db = createDb(String(process.env.DATABASE_URL), {
    applicationName: 'bench-worker',
    isOneByOne: kind === 'oneByOne',
    report: (error, what) => log.error({ err: error }, what),
  });
  await db.call((sql) => sql`select`);
  const till = { db, payments: createTestProvider(db), log };
  const ordersAtOnce = kind === 'oneByOne' ? 1 : ORDERS_AT_ONCE;
  startOrderJobs({ redisUrl, till, onBooked: noteDone, log, ordersAtOnce });
}

process.on('message', (asked: { jobs: number }) => {
  done = 0;
  wanted = asked.jobs;
});
process.once('SIGTERM', () => process.exit(0));

import { Queue } from 'bullmq';
import type postgres from 'postgres';
import { newId, newSecretId } from '#shared/ids.ts';
import { createLog } from '#shared/log.ts';
import { createDb, type Db } from '../../../booking-service/db/client.ts';
import { takeSeats } from '../../../booking-service/hold/take.ts';
import { connectFailingFast } from '../../../booking-service/intake/connection.ts';
import { createOrderQueue } from '../../../booking-service/intake/queue.ts';
import type { OrderAttempt } from '../../../booking-service/order/begin.ts';
import { takeOrder } from '../../../booking-service/order/place.ts';
import { createTestProvider } from '../../../booking-service/payment/test-provider.ts';
import { type Figure, median } from '../figures.ts';
import { ask, type Child, startChild } from '../processes.ts';
import { EMPTY_JOBS, IN_FLIGHT, ROUNDS, SEATS, SEATS_PER_FAN, say, type WorkerKind } from './settings.ts';
import { type House, makeHouse } from './shop.ts';

const ORDERS = Number(process.env.ORDERS ?? 4_000);
/** The baseline takes that much longer for each. */
const ORDERS_ONE_BY_ONE = Math.ceil(ORDERS / 8);
const JOBS_PER_CALL = 500;

/** Orders that nobody waits for: from the first that is taken to the last that is booked. */
export async function measureIntake(
  sql: postgres.Sql,
  urls: { databaseUrl: string; redisUrl: string },
  port: number,
): Promise<Figure[]> {
  const log = createLog('bench', 'error');
  const withWorker = async <Result>(
    kind: WorkerKind,
    use: (worker: Child) => Promise<Result>,
  ): Promise<Result> => {
    const worker = startChild(new URL('./worker.ts', import.meta.url), {
      KIND: kind,
      DATABASE_URL: urls.databaseUrl,
      REDIS_URL: urls.redisUrl,
    });
    return use(worker).finally(worker.stop);
  };

  /** Orders a second, taken and booked. */
  const book = async (kind: 'together' | 'oneByOne', db: Db, orders: number): Promise<number> => {
    const attempts = await heldOrders(db, await makeHouse(sql, port, SEATS), orders);
    const queue = createOrderQueue({ db, redisUrl: urls.redisUrl, waitingMax: 1_000_000, log });
    const till = { db, payments: createTestProvider(db), log };
    const ms = await withWorker(kind, async ({ child }) => {
      await connected(sql, 'bench-worker');
      const booked = ask<{ done: number }>(child, { jobs: orders });
      const startedAt = performance.now();
      let next = 0;
      const take = async () => {
        while (next < attempts.length) {
          const attempt = attempts[next] as OrderAttempt;
          next += 1;
          const taken = await takeOrder(till, attempt, await queue.isFull());
          if (taken.isNew) queue.put(taken.order, 'bench');
        }
      };
      await Promise.all([...Array.from({ length: IN_FLIGHT }, take), booked]);
      return performance.now() - startedAt;
    }).finally(queue.close);
    const ids = attempts.map(({ order }) => order);
    const [counted] = await sql<{ confirmed: number }[]>`
      select count(*)::int as confirmed from ticket_order where id = any (${ids}) and state = 'confirmed'`;
    if (counted?.confirmed !== orders)
      throw new Error(`${counted?.confirmed} of ${orders} orders were booked`);
    return (orders * 1000) / ms;
  };

  /** BullMQ's own jobs a second, put and done, with nothing in them. */
  const empty = async (): Promise<number> => {
    const connection = connectFailingFast(urls.redisUrl, log);
    const { name, prefix } = EMPTY_JOBS;
    const queue = new Queue(name, { prefix, connection, defaultJobOptions: { removeOnComplete: true } });
    await queue.waitUntilReady();
    const ms = await withWorker('empty', async ({ child }) => {
      await until(async () => (await queue.getWorkersCount()) > 0);
      const done = ask<{ done: number }>(child, { jobs: ORDERS });
      const startedAt = performance.now();
      for (let from = 0; from < ORDERS; from += JOBS_PER_CALL)
        await queue.addBulk(
          Array.from({ length: JOBS_PER_CALL }, (_, i) => ({
            ...{ name: 'empty', data: null, opts: { jobId: `j${from + i}` } },
          })),
        );
      await done;
      return performance.now() - startedAt;
    });
    await queue.obliterate({ force: true });
    await queue.close();
    connection.disconnect();
    return (ORDERS * 1000) / ms;
  };

  const own = createDb(urls.databaseUrl, { applicationName: 'bench' });
  const plain = createDb(urls.databaseUrl, { applicationName: 'bench', isOneByOne: true });
  try {
    await book('together', own, ORDERS_ONE_BY_ONE);
    const rates: [number, number, number][] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      rates.push([
        await book('oneByOne', plain, ORDERS_ONE_BY_ONE),
        await empty(),
        await book('together', own, ORDERS),
      ]);
      const [one, none, all] = (rates.at(-1) as number[]).map(Math.round);
      say(`taken and booked, round ${round + 1}: ${all}/s, one by one ${one}/s, empty jobs ${none}/s`);
    }
    const rate = (index: 0 | 1 | 2) => Math.round(median(rates.map((all) => all[index])));
    return [
      {
        what: 'orders taken and booked later, against one by one',
        rounds: rates.map(([one, , all]) => all / one),
        ...{ unit: ' ×', bound: 4, side: 'at least', note: `${rate(2)}/s of ${rate(0)}/s` },
      },
      {
        what: 'the same, against BullMQ’s empty jobs',
        rounds: rates.map(([, none, all]) => all / none),
        ...{ unit: ' ×', bound: 0.4, side: 'at least', note: `${rate(1)}/s empty` },
      },
    ];
  } finally {
    await Promise.all([own.close(), plain.close()]);
  }
}

/** Orders of as many fans, each with a seat on hold. */
async function heldOrders(db: Db, house: House, orders: number): Promise<OrderAttempt[]> {
  const { event, sale } = house;
  const made: OrderAttempt[] = [];
  for (let i = 0; i < orders; i += 1) {
    const [hold, fan, admission] = [newSecretId(), newId(), newId()];
    const email = `${fan.toLowerCase()}@example.org`;
    made.push({
      ...{ order: newSecretId(), sale, event, fan, admission, token: { iat: 1 }, idempotencyKey: 'key' },
      ...{ requestDigest: '', emailKey: email, currency: 'EUR', mayBegin: true, paymentMs: 300_000 },
      ...{ request: { hold, buyer: { name: 'Ada', email }, payment: { token: 'tok_ok' } } },
      seatsPerFan: SEATS_PER_FAN,
    });
  }
  let next = 0;
  const hold = async () => {
    for (let seat = next; seat < orders; seat = next) {
      next += 1;
      const { fan, admission, request } = made[seat] as OrderAttempt;
      await takeSeats(db, {
        ...{ hold: request.hold, sale, event, fan, admission, idempotencyKey: null, requestDigest: '' },
        ...{ seats: [seat], quantity: 1, sections: [], holdMs: 600_000, seatsPerFan: SEATS_PER_FAN },
      });
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, hold));
  return made;
}

async function connected(sql: postgres.Sql, name: string): Promise<void> {
  await until(async () => {
    const rows = await sql`select from pg_stat_activity where application_name = ${name} limit 1`;
    return rows.length > 0;
  });
}

const READY_TIMEOUT_MS = 20_000;

async function until(isSo: () => Promise<boolean>): Promise<void> {
  const endsAt = performance.now() + READY_TIMEOUT_MS;
  while (!(await isSo())) {
    if (performance.now() > endsAt) throw new Error('A worker did not become ready.');
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

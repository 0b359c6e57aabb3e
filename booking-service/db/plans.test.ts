import postgres from 'postgres';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { newId, newSecretId } from '#shared/ids.ts';
import { createLog } from '#shared/log.ts';
import { type TestDatabase, testDatabase } from '../../infra/testing/stores.ts';
import { holdsOfFanEnd } from '../hold/read-holds.ts';
import { takeSeats } from '../hold/take.ts';
import { bookWaitingOrder } from '../intake/book.ts';
import { createAnswerTime } from '../order/answer-time.ts';
import type { OrderAttempt } from '../order/begin.ts';
import { placeOrder, takeOrder } from '../order/place.ts';
import { readOrders } from '../order/read-orders.ts';
import type { Till } from '../order/settle.ts';
import { createTestProvider } from '../payment/test-provider.ts';
import { createDb } from './client.ts';

const SEATS = 20_000;
const FANS = 1_500;
const AT_ONCE = 200;
/** What a fan's hold, order and reads look up, each seat, hold, order and payment several times; found by their keys it is some 25. */
const ROWS_READ_PER_FAN_MAX = 60;
const TABLES = ['seat', 'hold', 'ticket_order', 'ticket', 'test_payment'];

let database: TestDatabase;
let admin: postgres.Sql;

beforeEach(async () => {
  database = await testDatabase();
  admin = postgres(database.url, { max: 1, onnotice: () => undefined });
  // What PostgreSQL knows of the tables stays what it is told here.
  for (const table of TABLES) await admin`alter table ${admin(table)} set (autovacuum_enabled = false)`;
});

afterEach(async () => {
  await admin.end();
  await database.drop();
});

async function makeEvent(): Promise<string> {
  const event = newId();
  const sections = [{ ordinal: 0, name: 'A', rows: 100, seats_per_row: SEATS / 100, amount: 5_000 }];
  await admin`select create_event(${event}, 'x', 'x', now(), 'UTC', 'EUR', 'Ada', ${admin.json(sections)})`;
  return event;
}

/** Rows read so far, by what each session says when it ends. */
async function rowsRead(): Promise<number> {
  const [read] = await admin<{ rows: number }[]>`
    select sum(seq_tup_read + coalesce(idx_tup_fetch, 0))::int as rows from pg_stat_user_tables
    where relname = any (${TABLES})`;
  return read?.rows ?? 0;
}

/** A fan holds a seat and buys it, waiting for it or not, and looks at what became of it. */
async function buy(till: Till, { event, seat }: { event: string; seat: number }): Promise<void> {
  const { db } = till;
  const [hold, fan, admission, order] = [newSecretId(), newId(), newId(), newSecretId()];
  const of = { sale: event, event, fan, admission, requestDigest: '', seatsPerFan: 4 };
  const { outcome } = await takeSeats(db, {
    ...{ ...of, hold, idempotencyKey: null },
    ...{ seats: [seat], quantity: 1, sections: [], holdMs: 600_000 },
  });
  expect(outcome).toBe('held');
  const email = `${fan.toLowerCase()}@example.org`;
  const attempt: OrderAttempt = {
    ...{ ...of, order, token: { iat: 1 }, idempotencyKey: 'one', emailKey: email, currency: 'EUR' },
    ...{ mayBegin: true, paymentMs: 300_000 },
    request: { hold, buyer: { name: 'Ada', email }, payment: { token: 'tok_ok' } },
  } as OrderAttempt;
  if (seat % 2 === 0) {
    await placeOrder(till, attempt, createAnswerTime());
  } else {
    await takeOrder(till, attempt, false);
    await bookWaitingOrder(till, order);
  }
  expect(await readOrders(db, { sale: event, fan })).toMatchObject([{ state: 'confirmed' }]);
  expect(await holdsOfFanEnd(db, { sale: event, fan })).toBeNull();
}

test.each([
  { known: 'nothing', before: async () => undefined },
  { known: 'that the tables are empty', before: () => admin.unsafe('vacuum (analyze)') },
  {
    known: 'many seats of other events, and none of this one',
    before: async () => {
      for (let i = 0; i < 5; i += 1) await makeEvent();
      await admin.unsafe('vacuum (analyze)');
    },
  },
])('where PostgreSQL knows $known, an on-sale reads what it needs and no more', async ({ before }) => {
  await before();
  const event = await makeEvent();
  const readBefore = await rowsRead();
  const db = createDb(database.url, { applicationName: 'plans-test' });
  const till: Till = { db, payments: createTestProvider(db), log: createLog('plans-test', 'silent') };
  let next = 0;
  const fans = async () => {
    for (let seat = next; seat < FANS; seat = next) {
      next += 1;
      await buy(till, { event, seat });
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, fans));
  await db.close();
  await expect.poll(async () => (await rowsRead()) - readBefore).toBeGreaterThan(4 * FANS);
  expect((await rowsRead()) - readBefore).toBeLessThan(ROWS_READ_PER_FAN_MAX * FANS);
});

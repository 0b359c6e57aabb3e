import postgres from 'postgres';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { startProxy, type TcpProxy } from '../../infra/testing/proxy.ts';
import { type TestDatabase, testDatabase } from '../../infra/testing/stores.ts';
import { createDb, type Db } from './client.ts';

const ANSWER_MS_MAX = 3_000;
const CONNECTIONS = 10;
const WAITING_MAX = 4_000;
/** More than have a connection or a place in the line. */
const CALLS = 5_000;
/** Of those who have time: how fast a machine is, is not asked. */
const PATIENCE_MS = 60_000;
/** How many calls end between one death of all backends and the next. */
const CALLS_A_DEATH = 20;

let database: TestDatabase;
let admin: postgres.Sql;
let db: Db;

beforeAll(async () => {
  database = await testDatabase();
  admin = postgres(database.url, { max: 2, onnotice: () => undefined });
  await admin`create table tally (id text primary key)`;
});

beforeEach(() => {
  db = createDb(database.url, { applicationName: 'client-test' });
});

afterEach(() => db.close());

afterAll(async () => {
  await admin.end();
  await database.drop();
});

const one = (client: Db) => client.callOne<{ one: number }>((sql) => sql`select ${1}::int as one`);

/** How a call ended and how long it took. */
async function timed(call: Promise<unknown>): Promise<{ code: string; ms: number }> {
  const startedMs = performance.now();
  const code = await call.then(
    () => 'answered',
    (error) => error.code as string,
  );
  return { code, ms: performance.now() - startedMs };
}

describe('a call', () => {
  test('that would take longer than a fan may wait ends as unavailable, and frees its connection', async () => {
    const calls = await Promise.all(
      Array.from({ length: CONNECTIONS }, () => timed(db.call((sql) => sql`select pg_sleep(30)`))),
    );
    expect(new Set(calls.map(({ code }) => code))).toEqual(new Set(['unavailable']));
    expect(Math.max(...calls.map(({ ms }) => ms))).toBeLessThan(ANSWER_MS_MAX);
    expect(await one(db)).toEqual({ one: 1 });
  });

  test('that waits for a lock somebody else keeps ends as unavailable within 3 s', async () => {
    const foreign = postgres(database.url, { max: 1 });
    await foreign`begin`;
    await foreign`lock table tally`;
    const call = await timed(db.call((sql) => sql`select count(*) from tally`));
    await foreign`rollback`;
    await foreign.end();
    expect(call.code).toBe('unavailable');
    expect(call.ms).toBeLessThan(ANSWER_MS_MAX);
  });

  test('does not wait behind a slow one while there is a free connection', async () => {
    const slow = timed(db.call((sql) => sql`select pg_sleep(1)`));
    await Promise.all(Array.from({ length: 100 }, () => one(db)));
    const stillSlow = await Promise.race([slow.then(() => false), one(db).then(() => true)]);
    expect(stillSlow).toBe(true);
    await slow;
  });

  test('with a fault of its own fails with that, and no other call suffers', async () => {
    const [faulty, sound] = await Promise.allSettled([db.call((sql) => sql`select 1 / ${0}::int`), one(db)]);
    expect(faulty).toMatchObject({ status: 'rejected', reason: { code: '22012' } });
    expect(sound).toMatchObject({ status: 'fulfilled', value: { one: 1 } });
  });
});

test('more calls than may wait are refused before any other is answered, and all others are answered', async () => {
  const ended: { i: number; code: string }[] = [];
  const calls = Array.from({ length: CALLS }, async (_, i) => {
    const { code } = await timed(db.call((sql) => sql`select pg_sleep(0.001)`, PATIENCE_MS));
    ended.push({ i, code });
  });
  expect(db.waiting()).toBe(WAITING_MAX);
  await Promise.all(calls);
  const taken = CONNECTIONS + WAITING_MAX;
  // Whoever comes first is in, and the line's end is known without asking anybody.
  expect(ended.slice(0, CALLS - taken)).toEqual(
    Array.from({ length: CALLS - taken }, (_, i) => ({ i: taken + i, code: 'unavailable' })),
  );
  expect(ended.slice(CALLS - taken).map(({ code }) => code)).toEqual(new Array(taken).fill('answered'));
  expect(db.waiting()).toBe(0);
});

test('backends that die every moment lose nothing, do nothing twice, and never end the process', async () => {
  const kill = () => admin`
    select pg_terminate_backend(pid) from pg_stat_activity
    where datname = current_database() and application_name = 'client-test'`;
  const done: string[] = [];
  let ended = 0;
  await Promise.all(
    Array.from({ length: 20 }, async (_, worker) => {
      for (let round = 0; round < 15; round += 1) {
        const id = `${worker}-${round}`;
        const { code } = await timed(
          db.call(
            (sql) => sql`
            insert into tally (id) select ${id} from pg_sleep(0.005) on conflict do nothing returning id`,
          ),
        );
        if (code === 'answered') done.push(id);
        ended += 1;
        if (ended % CALLS_A_DEATH === 0) await kill();
      }
    }),
  );
  const rows = await admin<{ id: string }[]>`select id from tally`;
  const kept = new Set(rows.map(({ id }) => id));
  expect(done.filter((id) => !kept.has(id))).toEqual([]);
  expect(done.length).toBeGreaterThan(150);
  await vi.waitFor(() => one(db), { timeout: 5_000 });
});

describe('a network that', () => {
  let proxy: TcpProxy;
  let through: Db;

  beforeEach(async () => {
    proxy = await startProxy(database.url);
    through = createDb(proxy.url, { applicationName: 'proxied' });
    await Promise.all(Array.from({ length: CONNECTIONS }, () => one(through)));
  });

  afterEach(async () => {
    await through.close();
    proxy.close();
  });

  test('says nothing any more leaves nobody waiting, and is got over when it is back', async () => {
    proxy.stall();
    const calls = await Promise.all(Array.from({ length: 2 * CONNECTIONS }, () => timed(one(through))));
    expect(new Set(calls.map(({ code }) => code))).toEqual(new Set(['unavailable']));
    expect(Math.max(...calls.map(({ ms }) => ms))).toBeLessThan(ANSWER_MS_MAX);
    proxy.cut();
    await vi.waitFor(() => one(through), { timeout: 5_000 });
  });

  test('cuts answers off is got over at once', async () => {
    const calls = Array.from({ length: CONNECTIONS }, () =>
      timed(through.call((sql) => sql`select pg_sleep(0.2)`)),
    );
    await one(db);
    proxy.cut();
    expect((await Promise.all(calls)).map(({ code }) => code)).toEqual(
      new Array(CONNECTIONS).fill('answered'),
    );
  });
});

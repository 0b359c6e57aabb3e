import { readFile } from 'node:fs/promises';
import postgres from 'postgres';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Problem } from '#shared/problem.ts';
import { type OwnPgbouncer, ownPgbouncer } from '../../infra/testing/pgbouncer-server.ts';
import { startProxy } from '../../infra/testing/proxy.ts';
import { type TestDatabase, testDatabase } from '../../infra/testing/stores.ts';
import { startBooking } from '../testing/booking.ts';
import { setStrangely } from '../testing/set-strangely.ts';
import { createDb, type Db } from './client.ts';
import { refuseLaxSessions, sessionSettings } from './session.ts';

const ANSWER_MS_MAX = 3_000;
/** PostgreSQL ends a statement by itself in 2.5 s; the rest is what this machine is busy with otherwise. */
const ENDED_MS_MAX = 4_000;
const WELL_AGAIN_MS_MAX = 5_000;
const OTHERS_ANSWERED_MS_MAX = 1_000;
const CONNECTIONS = 10;
const FEW_SESSIONS = 2;
const CALLERS = 20;
const LOGINS = 50;
/** With a password it would derive keys, which takes 7 ms and more. */
const LOGIN_MS_MAX = 3;
/** Of Linux' times of processes (USER_HZ). */
const TICK_MS = 10;
const LOCK_NOT_AVAILABLE = '55P03';
const QUERY_CANCELED = '57014';

const one = (client: Db) => client.callOne<{ one: number }>((sql) => sql`select ${1}::int as one`);

/** How a call ended, what PostgreSQL said of it, and how long it took. */
async function timed(call: Promise<unknown>): Promise<{ code: string; why: unknown; ms: number }> {
  const startedMs = performance.now();
  const problem = await call.then(
    () => null,
    (error: Problem) => error,
  );
  const ms = performance.now() - startedMs;
  if (problem === null) return { code: 'answered', why: null, ms };
  return { code: problem.code, why: (problem.cause as { code?: string }).code ?? problem.cause, ms };
}

describe.skipIf(!process.env.TEST_PGBOUNCER_BINARIES)('by way of PgBouncer', () => {
  let database: TestDatabase;
  let admin: postgres.Sql;
  let pooler: OwnPgbouncer;
  const dbs: Db[] = [];

  const dbAt = (url: string, options: { connections?: number; isPrepared?: boolean } = {}): Db => {
    const db = createDb(url, {
      isPrepared: pooler.prepares,
      ...options,
      isPooled: true,
      applicationName: 'x',
    });
    dbs.push(db);
    return db;
  };
  /** Statements with this word in them that PostgreSQL is at, but for those that ask so. */
  const underWay = async (word: string): Promise<number> => {
    const [row] = await admin<{ n: number }[]>`
      select count(*)::int as n from pg_stat_activity
      where datname = current_database() and state = 'active' and pid <> pg_backend_pid() and query like ${`%${word}%`}`;
    return row?.n ?? 0;
  };
  const isUnderWay = (word: string, times = 1) =>
    vi.waitFor(async () => expect(await underWay(word)).toBe(times), { timeout: 1_000, interval: 20 });
  const isOver = (word: string) =>
    vi.waitFor(async () => expect(await underWay(word)).toBe(0), { timeout: ENDED_MS_MAX, interval: 50 });

  beforeAll(async () => {
    database = await testDatabase();
    admin = postgres(database.url, { max: 2, onnotice: () => undefined });
    await admin`create table tally (id text primary key)`;
    await setStrangely(database.url);
    pooler = await ownPgbouncer(database.url);
  });

  afterEach(() => Promise.all(dbs.splice(0).map((db) => db.close())));

  afterAll(async () => {
    await admin?.end();
    await pooler?.stop();
    await database?.drop();
  });

  test('sessions have the settings that are asked of them, and others are refused by name', async () => {
    await expect(refuseLaxSessions(dbAt(pooler.url))).resolves.toBeUndefined();
    const faults = await refuseLaxSessions(dbAt(database.url)).then(
      () => [],
      (error) => error.faults as string[],
    );
    expect(faults).toHaveLength(Object.keys(sessionSettings).length);
    expect(faults).toContain(
      'DATABASE_URL: its sessions have statement_timeout = 0; let its pooler give them statement_timeout = 2500 (PgBouncer: connect_query)',
    );
  });

  test.skipIf(process.platform !== 'linux')(
    'a login takes next to none of the pooler’s one thread',
    async () => {
      const cpuMs = async () => {
        const stat = await readFile(`/proc/${pooler.pid()}/stat`, 'utf8');
        const [user, system] = stat.slice(stat.lastIndexOf(')')).split(' ').slice(12, 14);
        return (Number(user) + Number(system)) * TICK_MS;
      };
      const before = await cpuMs();
      for (let i = 0; i < LOGINS; i += 1) {
        const client = postgres(pooler.url, { max: 1, fetch_types: false, prepare: false });
        await client`select 1`;
        await client.end();
      }
      expect((await cpuMs()) - before).toBeLessThan(LOGINS * LOGIN_MS_MAX);
    },
  );

  test('a renewal ends every session and every connection, and no call that is under way fails', async () => {
    const db = dbAt(pooler.url);
    const sessions = async () => {
      const rows = await admin<{ pid: number }[]>`
        select pid from pg_stat_activity where datname = current_database() and application_name = 'admit-one/pooled'`;
      return rows.map(({ pid }) => pid);
    };
    let isOver = false;
    const callers = Promise.all(
      Array.from({ length: CALLERS }, async () => {
        let calls = 0;
        for (; !isOver; calls += 1) expect(await one(db)).toEqual({ one: 1 });
        return calls;
      }),
    );
    await vi.waitFor(async () => expect((await sessions()).length).toBeGreaterThanOrEqual(CONNECTIONS), {
      timeout: WELL_AGAIN_MS_MAX,
    });
    const before = await sessions();
    await pooler.renew();
    await vi.waitFor(async () => expect((await sessions()).length).toBeGreaterThanOrEqual(CONNECTIONS), {
      timeout: WELL_AGAIN_MS_MAX,
    });
    expect((await sessions()).filter((pid) => before.includes(pid))).toEqual([]);
    isOver = true;
    expect(Math.min(...(await callers))).toBeGreaterThan(0);
  });

  describe.each([false, true])('with statements prepared: %s', (isPrepared) => {
    let db: Db;
    beforeEach((context) => {
      // Before PgBouncer 1.21 there is one way only.
      if (isPrepared && !pooler.prepares) context.skip();
      db = dbAt(pooler.url, { isPrepared });
    });

    test('what is asked many times at once is answered, whichever session it comes to', async () => {
      const asked = Array.from({ length: 400 }, (_, i) => i);
      const answers = await Promise.all(
        asked.map((i) =>
          db.callOne<{ i: number; text: string }>(
            (sql) =>
              sql`select ${i}::int as i, ${`of ${i}`} as text, ${'x'.repeat(i % 7)} as ${sql(`c${i % 5}`)}`,
          ),
        ),
      );
      expect(answers.map(({ i, text }) => ({ i, text }))).toEqual(asked.map((i) => ({ i, text: `of ${i}` })));
    });

    test('a call that would take too long is ended by PostgreSQL, and its connection serves the next', async () => {
      // Each has a session then, and what it takes to open one is not asked.
      await Promise.all(
        Array.from({ length: CONNECTIONS }, () => db.call((sql) => sql`select pg_sleep(0.2)`)),
      );
      const calls = await Promise.all(
        Array.from({ length: CONNECTIONS }, () => timed(db.call((sql) => sql`select pg_sleep(${30}::int)`))),
      );
      expect(calls.map(({ code, why }) => ({ code, why }))).toEqual(
        calls.map(() => ({ code: 'unavailable', why: QUERY_CANCELED })),
      );
      expect(Math.max(...calls.map(({ ms }) => ms))).toBeLessThan(ANSWER_MS_MAX);
      expect(await underWay('pg_sleep')).toBe(0);
      expect(await one(db)).toEqual({ one: 1 });
    });

    test('a lock that somebody else keeps is given up before the statement is', async () => {
      const foreign = postgres(database.url, { max: 1 });
      await foreign`begin`;
      await foreign`lock table tally`;
      const call = await timed(db.call((sql) => sql`select count(*) from tally where id <> ${'x'}`));
      await foreign`rollback`;
      await foreign.end();
      expect(call).toMatchObject({ code: 'unavailable', why: LOCK_NOT_AVAILABLE });
      expect(call.ms).toBeLessThan(ANSWER_MS_MAX);
    });

    test('killed again and again, it costs nothing that was answered, and is got over in seconds', async () => {
      const done: string[] = [];
      let isEnough = false;
      const working = Promise.all(
        Array.from({ length: 2 * CONNECTIONS }, async (_, worker) => {
          for (let round = 0; !isEnough; round += 1) {
            const id = `${isPrepared}-${worker}-${round}`;
            const { code } = await timed(
              db.call(
                (sql) => sql`
                insert into tally (id) select ${id} from pg_sleep(0.005) on conflict do nothing returning id`,
              ),
            );
            if (code === 'answered') done.push(id);
          }
        }),
      );
      for (let deaths = 0; deaths < 3; deaths += 1) {
        const before = done.length;
        await vi.waitFor(() => expect(done.length).toBeGreaterThan(before + CONNECTIONS), {
          timeout: WELL_AGAIN_MS_MAX,
        });
        await pooler.kill();
        await pooler.start();
      }
      await vi.waitFor(() => one(db), { timeout: WELL_AGAIN_MS_MAX });
      isEnough = true;
      await working;
      const kept = new Set((await admin<{ id: string }[]>`select id from tally`).map(({ id }) => id));
      expect(done.filter((id) => !kept.has(id))).toEqual([]);
    });
  });

  test('a statement whose caller is thrown away, or whose pooler dies, ends by itself', async () => {
    const proxy = await startProxy(pooler.url);
    const db = dbAt(proxy.url);
    await Promise.all(Array.from({ length: CONNECTIONS }, () => one(db)));
    const calls = Promise.all(
      Array.from({ length: CONNECTIONS }, () => timed(db.call((sql) => sql`select pg_sleep(20), 'orphan'`))),
    );
    await isUnderWay('orphan', CONNECTIONS);
    proxy.stall();
    for (const { code, ms } of await calls) {
      expect(code).toBe('unavailable');
      expect(ms).toBeLessThan(ANSWER_MS_MAX);
    }
    await isOver('orphan');
    proxy.cut();
    await vi.waitFor(() => one(db), { timeout: WELL_AGAIN_MS_MAX });
    proxy.close();

    const direct = dbAt(pooler.url);
    const call = timed(direct.call((sql) => sql`select pg_sleep(20), 'abandoned'`));
    await isUnderWay('abandoned');
    await pooler.kill();
    expect(await call).toMatchObject({ code: 'unavailable' });
    await isOver('abandoned');
    await pooler.start();
    await vi.waitFor(() => one(direct), { timeout: WELL_AGAIN_MS_MAX });
  });

  test('when there are fewer sessions than calls, whoever waits for one is told in time, and none stays behind', async () => {
    const narrow = await ownPgbouncer(database.url, { poolSize: FEW_SESSIONS });
    const db = dbAt(narrow.url);
    try {
      const calls = Promise.all(
        Array.from({ length: CONNECTIONS }, () =>
          timed(db.call((sql) => sql`select pg_sleep(20), 'narrow'`)),
        ),
      );
      await isUnderWay('narrow', FEW_SESSIONS);
      for (const { code, ms } of await calls) {
        expect(code).toBe('unavailable');
        expect(ms).toBeLessThan(ANSWER_MS_MAX);
      }
      await isOver('narrow');
      await vi.waitFor(() => one(db), { timeout: WELL_AGAIN_MS_MAX });
    } finally {
      await db.close();
      await narrow.stop();
    }
  });

  test('while the way from it to PostgreSQL hangs, everybody is told in time, and it is got over', async () => {
    const proxy = await startProxy(database.url);
    const behind = await ownPgbouncer(proxy.url);
    const db = dbAt(behind.url);
    try {
      await Promise.all(Array.from({ length: CONNECTIONS }, () => one(db)));
      proxy.stall();
      const calls = await Promise.all(Array.from({ length: 2 * CONNECTIONS }, () => timed(one(db))));
      expect(new Set(calls.map(({ code }) => code))).toEqual(new Set(['unavailable']));
      expect(Math.max(...calls.map(({ ms }) => ms))).toBeLessThan(ANSWER_MS_MAX);
      proxy.cut();
      await vi.waitFor(() => one(db), { timeout: WELL_AGAIN_MS_MAX });
    } finally {
      await db.close();
      await behind.stop();
      proxy.close();
    }
  });

  test('a fan on a seat that somebody else has locked is told in time, and fans of other seats are served', async () => {
    const pooling = { isPooled: true, isPrepared: pooler.prepares };
    const booking = await startBooking({ databaseUrl: pooler.url, pooling });
    const foreign = postgres(database.url, { max: 1 });
    try {
      const { event } = await booking.makeEvent([{ name: 'A', rows: 2, seatsPerRow: 20, amount: 1_000 }]);
      const { sale } = await booking.makeSale(event);
      await foreign`begin`;
      await foreign`select from seat where event = ${event} and seat = 0 for update`;
      const take = async (seat: string) => {
        const startedMs = performance.now();
        const { status } = await (await booking.admit(sale)).request('POST', '/holds', {
          json: { seats: [seat] },
        });
        return { status, ms: performance.now() - startedMs };
      };
      const locked = Array.from({ length: 2 * CONNECTIONS }, () => take('A-1-1'));
      const others = await Promise.all(Array.from({ length: 20 }, (_, i) => take(`A-2-${i + 1}`)));
      expect(others.map(({ status }) => status)).toEqual(others.map(() => 201));
      expect(Math.max(...others.map(({ ms }) => ms))).toBeLessThan(OTHERS_ANSWERED_MS_MAX);
      const told = await Promise.all(locked);
      expect(told.map(({ status }) => status)).toEqual(told.map(() => 503));
      expect(Math.max(...told.map(({ ms }) => ms))).toBeLessThan(ANSWER_MS_MAX);
      await foreign`rollback`;
      await vi.waitFor(async () => expect((await take('A-1-1')).status).toBe(201), { timeout: 2_000 });
    } finally {
      await foreign.end();
      await booking.stop();
    }
  });
});

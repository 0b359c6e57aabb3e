import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import postgres from 'postgres';
import { afterAll, afterEach, beforeAll, expect, inject, test } from 'vitest';
import { freePort } from '../local/ports.mjs';
import { endProcess, until } from '../local/processes.mjs';
import { isAlive, type Launched, launch } from './launched.ts';

const FILE_MODE_MASK = 0o777;
/** As home folders often are; root's PostgreSQL runs under another account. */
const PRIVATE_MODE = 0o700;
const PASSABLE_MODE = 0o711;
const isRoot = process.getuid?.() === 0;
const STOP_STEPS = [{ signal: 'SIGINT', timeoutMs: 30_000 } as const];
const GONE_TIMEOUT_MS = 5_000;

let env: Record<'DATA_DIR' | 'PORT' | 'BOOKING_PORT', string>;
let launches: Launched[] = [];

const start = async (more: Record<string, string> = {}): Promise<Launched> => {
  const launched = await launch({ ...env, ...more });
  launches.push(launched);
  return launched;
};

/** What the stand-in gateway was given by the launcher. */
const given = async (): Promise<Record<string, string>> =>
  (await fetch(`http://127.0.0.1:${env.PORT}/`)).json() as Promise<Record<string, string>>;

beforeAll(async () => {
  const folder = await mkdtemp(join(tmpdir(), 'admit-one-start-'));
  env = {
    DATA_DIR: join(folder, 'data'),
    PORT: String(await freePort()),
    BOOKING_PORT: String(await freePort()),
  };
  // Fetched once for all tests; where Redis is installed there is nothing to fetch.
  const binaries = process.env.TEST_REDIS_BINARIES;
  mkdirSync(env.DATA_DIR);
  chmodSync(folder, PASSABLE_MODE);
  if (binaries && existsSync(binaries)) symlinkSync(binaries, join(env.DATA_DIR, 'redis-server'));
});

afterEach(async () => {
  await Promise.all(launches.map((launched) => endProcess(launched.process, STOP_STEPS)));
  launches = [];
});

afterAll(() => rm(join(env.DATA_DIR, '..'), { recursive: true, force: true }));

test('Ctrl-C ends everything that was started, and the start exits with 0', async () => {
  const launched = await start();
  await launched.printed('Ctrl-C stops everything');
  const started = launched.started();
  expect(started.map(({ name }) => name).sort()).toEqual([
    ...['PostgreSQL', 'Redis', 'The booking service', 'The gateway', 'The worker'],
  ]);
  launched.process.child.kill('SIGINT');
  launched.process.child.kill('SIGINT'); // as npm passes it on a second time
  expect(await launched.ended()).toEqual({ code: 0, signal: null });
  expect(started.filter(isAlive)).toEqual([]);
  expect(existsSync(join(env.DATA_DIR, 'launcher.json'))).toBe(false);
});

test('a second start finds the secrets and the database of the first', async () => {
  const first = await start();
  await first.printed('Ctrl-C stops everything');
  const before = await given();
  expect(statSync(join(env.DATA_DIR, 'secrets.json')).mode & FILE_MODE_MASK).toBe(0o600);
  await withDatabase(before.DATABASE_URL, (sql) => sql`create table kept ()`);
  first.process.child.kill('SIGTERM');
  expect((await first.ended()).code).toBe(0);

  const second = await start();
  await second.printed('Ctrl-C stops everything');
  const after = await given();
  for (const name of ['ORGANISER_KEY', 'SIGNING_KEYS', 'QUEUE_TICKET_SECRET', 'INTERNAL_SECRET']) {
    expect(after[name]).toBe(before[name]);
  }
  await withDatabase(after.DATABASE_URL, (sql) => sql`drop table kept`);
});

test('what the environment sets is passed on and written nowhere', async () => {
  const key = 'an-organiser-key-of-my-own-with-enough-characters';
  const launched = await start({ ORGANISER_KEY: key, MAIL_FROM: 'me@example.org', LOG_LEVEL: 'debug' });
  await launched.printed(key);
  expect(await given()).toMatchObject({
    ORGANISER_KEY: key,
    MAIL_FROM: 'me@example.org',
    LOG_LEVEL: 'debug',
  });
  expect(readFileSync(join(env.DATA_DIR, 'secrets.json'), 'utf8')).not.toContain(key);
});

test('a second start beside a running one is refused with a sentence and disturbs nothing', async () => {
  const running = await start();
  await running.printed('Ctrl-C stops everything');
  const refused = await start({ PORT: String(await freePort()), BOOKING_PORT: String(await freePort()) });
  expect((await refused.ended()).code).toBe(1);
  expect(refused.output()).toBe(
    `Admit One already runs here (pid ${running.process.pid}); stop it with Ctrl-C, or set DATA_DIR and other ports for a second one.\n`,
  );
  expect(running.started().every(isAlive)).toBe(true);
});

test.each(['PORT', 'BOOKING_PORT'] as const)(
  'a taken %s is named before anything is started',
  async (variable) => {
    const other = createServer().listen(Number(env[variable]), '127.0.0.1');
    try {
      const launched = await start();
      expect((await launched.ended()).code).toBe(1);
      expect(launched.output()).toMatch(
        new RegExp(`^Port ${env[variable]} is taken .* set ${variable} .*\n$`),
      );
    } finally {
      await new Promise((resolve) => other.close(resolve));
    }
  },
);

test('a launcher that was killed leaves nothing in the way: the next start ends its processes', async () => {
  const killed = await start();
  await killed.printed('Ctrl-C stops everything');
  const leftovers = killed.started();
  await endProcess(killed.process, []);
  expect(leftovers.every(isAlive)).toBe(true);

  const next = await start();
  await next.printed('Ctrl-C stops everything');
  expect(leftovers.filter(isAlive)).toEqual([]);
  expect(next.output()).toContain('Ending what an earlier run left behind');
});

test('an interrupted initdb and a pid file that names somebody else do not stop a start', async () => {
  const first = await start();
  await first.printed('PostgreSQL 17 ready');
  const { DATA_DIR } = env;
  const postmaster = first.started().find(({ name }) => name === 'PostgreSQL');
  const pidFile = readFileSync(join(DATA_DIR, 'postgres', 'cluster', 'postmaster.pid'), 'utf8');
  first.process.child.kill('SIGINT');
  await first.ended();
  // As after a crash in a container, where the next process got the same pid.
  const foreign = pidFile.replace(String(postmaster?.pid), String(process.pid));
  writeFileSync(join(DATA_DIR, 'postgres', 'cluster', 'postmaster.pid'), foreign);
  mkdirSync(join(DATA_DIR, 'postgres.new', 'cluster', 'base'), { recursive: true });
  writeFileSync(join(DATA_DIR, 'launcher.json'), '{"pid":');

  const second = await start();
  await second.printed('Ctrl-C stops everything');
});

test.runIf(isRoot)(
  'from a folder that only root may enter, the database lies outside and is found again',
  async () => {
    const folder = await mkdtemp(join(tmpdir(), 'admit-one-private-'));
    const inside = { DATA_DIR: folder, REDIS_URL: inject('redisUrl') };
    chmodSync(folder, PRIVATE_MODE);
    const first = await start(inside);
    await first.printed('Ctrl-C stops everything');
    const place = readFileSync(join(folder, 'postgres-place'), 'utf8');
    try {
      await withDatabase((await given()).DATABASE_URL, (sql) => sql`create table kept ()`);
      first.process.child.kill('SIGINT');
      await first.ended();
      expect(existsSync(join(folder, 'postgres'))).toBe(false);

      const second = await start(inside);
      await second.printed('Ctrl-C stops everything');
      await withDatabase((await given()).DATABASE_URL, (sql) => sql`drop table kept`);
      second.process.child.kill('SIGINT');
      await second.ended();
    } finally {
      for (const path of [place, folder]) await rm(path, { recursive: true, force: true });
    }
  },
);

test('Ctrl-C in the middle of starting ends what is there already, and exits with 0', async () => {
  const launched = await start();
  await launched.printed('ready');
  const started = launched.started();
  launched.process.child.kill('SIGINT');
  expect((await launched.ended()).code).toBe(0);
  expect(started.filter(isAlive)).toEqual([]);
});

test.each(['PostgreSQL', 'Redis', 'The gateway', 'The worker'])(
  '%s, killed, is started again',
  async (name) => {
    const launched = await start();
    await launched.printed('Ctrl-C stops everything');
    const { DATABASE_URL } = await given();
    const killed = launched.started().find((each) => each.name === name);
    process.kill(Number(killed?.pid), 'SIGKILL');
    await launched.printed(`${name} ended unexpectedly (SIGKILL); it is started again.`);
    await launched.printed(`${name} is back.`);
    expect(launched.started().map((each) => each.name)).toContain(name);
    await withDatabase(DATABASE_URL, (sql) => sql`select 1`);
  },
);

test('a service that does not stay up ends everything with exit code 1', async () => {
  const launched = await start({ STAND_IN_CRASHES: 'yes' });
  await launched.printed('The booking service ended unexpectedly');
  const started = launched.started();
  expect((await launched.ended()).code).toBe(1);
  expect(launched.output()).toContain('The booking service does not stay up');
  expect(await until(() => started.filter(isAlive).length === 0, GONE_TIMEOUT_MS)).toBe(true);
});

test('faults of the environment are reported together, and an address where nothing answers is one sentence', async () => {
  // Several booking services need something in front of them.
  const wrong = await start({
    PORT: 'abc',
    GATEWAY_PROCESSES: '0',
    BOOKING_PROCESSES: '2',
    WORKER_PROCESSES: '65',
  });
  expect((await wrong.ended()).code).toBe(1);
  expect(wrong.output().trim().split('\n')).toHaveLength(4);

  const port = await freePort();
  const absent = await start({ DATABASE_URL: `postgres://somebody@127.0.0.1:${port}/shop` });
  expect((await absent.ended()).code).toBe(1);
  expect(absent.output()).toContain(
    `Nothing answers at DATABASE_URL, 127.0.0.1 port ${port} (ECONNREFUSED).\n`,
  );
});

async function withDatabase(
  url: string | undefined,
  work: (sql: postgres.Sql) => Promise<unknown>,
): Promise<void> {
  const sql = postgres(String(url), { max: 1 });
  try {
    await work(sql);
  } finally {
    await sql.end();
  }
}

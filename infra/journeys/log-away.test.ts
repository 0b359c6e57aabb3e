import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, openSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { nodeArgs } from '../local/built-services.mjs';
import { freePort, LOOPBACK } from '../local/ports.mjs';
import { newSecrets } from '../local/secrets.mjs';
import { builtServices } from '../testing/built.ts';
import { type TestDatabase, type TestRedis, testDatabase, testRedis } from '../testing/stores.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const FULL = '/dev/full';
const READY_MS_MAX = 20_000;
/** More lines than a pipe holds (64 KB on Linux) and than are kept (256 KB). */
const MANY = 4_500;
/** More than a pipe holds. */
const SOME = 1_000;
const AT_ONCE = 50;

let database: TestDatabase;
let redis: TestRedis;
let child: ChildProcess;
beforeAll(async () => {
  [database, redis] = await Promise.all([testDatabase(), testRedis()]);
});
afterEach(async () => {
  if (child.exitCode === null && child.signalCode === null) {
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
});
afterAll(() => Promise.all([database.drop(), redis.flush()]));

/** A booking service that says everything on that; where it is reached. */
async function start(stdout: number | 'pipe'): Promise<string> {
  const port = await freePort();
  const stores = { DATABASE_URL: database.url, REDIS_URL: redis.url };
  const env = { PATH: process.env.PATH, HOME: process.env.HOME, ...stores, ...newSecrets() };
  const { booking } = await builtServices();
  child = spawn(process.execPath, nodeArgs(booking), {
    cwd: root,
    env: { ...env, HOST: LOOPBACK, BOOKING_PORT: String(port), LOG_LEVEL: 'debug' },
    stdio: ['ignore', stdout, 'inherit'],
  });
  const url = `http://${LOOPBACK}:${port}`;
  const status = () =>
    fetch(`${url}/readyz`).then(
      (answer) => answer.status,
      () => 0,
    );
  await expect.poll(status, { timeout: READY_MS_MAX }).toBe(200);
  return url;
}

async function ask(url: string, requests = SOME): Promise<void> {
  for (let i = 0; i < requests; i += AT_ONCE) {
    const answers = await Promise.all(Array.from({ length: AT_ONCE }, () => fetch(`${url}/readyz`)));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    await Promise.all(answers.map((answer) => answer.body?.cancel()));
  }
}

async function endsByItself(): Promise<void> {
  child.kill('SIGTERM');
  expect(await once(child, 'exit')).toEqual([0, null]);
}

describe('a log that cannot be written costs lines and nothing else', () => {
  test.skipIf(!existsSync(FULL))(
    'its disk is full: requests are answered, and the service ends when it is told to',
    async () => {
      const full = openSync(FULL, 'w');
      const url = await start(full);
      closeSync(full);
      await ask(url);
      await endsByItself();
    },
    60_000,
  );

  test('nobody reads it: the same; and whoever reads on then hears how much was lost', async () => {
    const url = await start('pipe');
    await ask(url, MANY);
    let text = '';
    child.stdout?.setEncoding('utf8').on('data', (part: string) => {
      text += part;
    });
    await expect.poll(() => text, { timeout: READY_MS_MAX }).toContain('lines of this log were lost');
    const { lost } = text
      .split('\n')
      .filter((line) => line.includes('were lost'))
      .map((line) => JSON.parse(line) as { lost: number })[0] ?? { lost: 0 };
    expect(lost).toBeGreaterThan(0);
    await endsByItself();
  }, 60_000);

  test('nobody reads it, and the service is told to end: it does', async () => {
    const url = await start('pipe');
    await ask(url);
    child.kill('SIGTERM');
    // Closed it is not before its pipe was read to the end.
    await expect.poll(() => child.exitCode, { timeout: READY_MS_MAX }).toBe(0);
  }, 60_000);

  test('its reader is gone: the same', async () => {
    const url = await start('pipe');
    child.stdout?.destroy();
    await ask(url);
    await endsByItself();
  }, 60_000);
});

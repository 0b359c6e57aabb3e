import { chmodSync, existsSync, mkdirSync, statSync, symlinkSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { freePort } from '../local/ports.mjs';
import { endProcess } from '../local/processes.mjs';
import { isAlive, type Launched, launch } from './launched.ts';
import { findRunningShop } from './running-shop.mjs';

const PASSABLE_MODE = 0o711;
/** The data folder's: a shell, PostgreSQL, Redis, Node and URLs each take something of it for more than a name. */
const ODD_NAME = `a b #1 50%25 'q' "d" é [x]*? $& $$ & ~`;

const status = async (url: string): Promise<number> => (await fetch(url, { redirect: 'manual' })).status;

/** Starts, looks, and ends; resolves to what was seen. */
async function visit(env: Record<string, string>, look: (started: Launched) => Promise<void>): Promise<void> {
  const started = await launch(env, 'infra/start.mjs');
  try {
    await started.printed('Ctrl-C stops everything');
    await look(started);
    const processes = started.started();
    started.process.child.kill('SIGINT');
    expect(await started.ended()).toEqual({ code: 0, signal: null });
    expect(processes.filter(isAlive)).toEqual([]);
  } finally {
    await endProcess(started.process, [{ signal: 'SIGTERM', timeoutMs: 30_000 }]);
  }
}

test('one command opens a demo sale that a fan can join, wherever it lies, and the fan is still known after a restart', async () => {
  const outside = await mkdtemp(join(tmpdir(), 'admit-one-real-start-'));
  const folder = join(outside, ODD_NAME);
  mkdirSync(folder);
  for (const each of [outside, folder]) chmodSync(each, PASSABLE_MODE);
  const binaries = process.env.TEST_REDIS_BINARIES;
  if (binaries && existsSync(binaries)) symlinkSync(binaries, join(folder, 'redis-server'));
  const env = {
    DATA_DIR: folder,
    PORT: String(await freePort()),
    BOOKING_PORT: String(await freePort()),
  };
  const gateway = `http://127.0.0.1:${env.PORT}`;
  try {
    let ticket = '';
    await visit(env, async (started) => {
      for (const path of ['/sales/demo', '/dev/mail']) {
        expect(started.output()).toContain(`${gateway}${path}`);
        expect([200, 302, 303]).toContain(await status(`${gateway}${path}`));
      }
      // Tools beside the shop find it, and nobody else reads how.
      expect(findRunningShop({ root: '/', env })).toMatchObject({
        running: true,
        gatewayUrl: gateway,
        gatewayUrls: [gateway],
        gatewaysBehind: 1,
        databaseUrl: expect.stringMatching(/^postgres:/),
        redisUrl: expect.stringMatching(/^redis:/),
        organiserKey: expect.stringMatching(/.{32}/),
      });
      const named = (url: string) => findRunningShop({ root: '/', env: { ...env, GATEWAY_URL: url } });
      expect(named(gateway)).toMatchObject({ gatewayUrls: [gateway], gatewaysBehind: 1 });
      expect(named('https://elsewhere.example')).toMatchObject({ gatewaysBehind: null });
      expect(statSync(join(folder, 'launcher.json')).mode & 0o077).toBe(0);
      const joined = await fetch(`${gateway}/api/sales/demo/queue`, { method: 'POST' });
      expect(joined.status).toBe(201);
      ({ queueTicket: ticket } = (await joined.json()) as { queueTicket: string });
    });
    await visit(env, async () => {
      const headers = { authorization: `Bearer ${ticket}` };
      const me = await fetch(`${gateway}/api/sales/demo/queue/me`, { headers });
      expect(await me.json()).toMatchObject({ sale: 'demo', queueNumber: 1 });
    });
    expect(findRunningShop({ root: '/', env })).toMatchObject({ running: false, databaseUrl: null });
  } finally {
    await rm(outside, { recursive: true, force: true });
  }
}, 90_000);

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import postgres from 'postgres';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { nodeArgs } from '../local/built-services.mjs';
import { freePort, LOOPBACK } from '../local/ports.mjs';
import { newSecrets } from '../local/secrets.mjs';
import { builtServices } from '../testing/built.ts';
import { startProxy } from '../testing/proxy.ts';
import { type OwnRedis, ownRedis } from '../testing/redis-server.ts';
import { type TestDatabase, testDatabase } from '../testing/stores.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
type Name = 'gateway' | 'booking' | 'worker';

const secrets = newSecrets();
let database: TestDatabase;
let forgetful: OwnRedis;
/** An environment for production in which nothing but the Redis is wrong; key-rotation.test.ts starts in such a one. */
let complete: Record<string, string>;

beforeAll(async () => {
  database = await testDatabase();
  forgetful = await ownRedis({ appendonly: 'no', 'maxmemory-policy': 'allkeys-lru' });
  complete = {
    NODE_ENV: 'production',
    LOG_LEVEL: 'warn',
    HOST: LOOPBACK,
    PORT: String(await freePort()),
    BOOKING_PORT: String(await freePort()),
    PUBLIC_URL: 'https://tickets.somewhere.net',
    TRUSTED_PROXIES: '127.0.0.1,10.0.0.0/8',
    DATABASE_URL: database.url,
    REDIS_URL: forgetful.url,
    SMTP_URL: 'smtp://127.0.0.1:1',
    MAIL_FROM: 'Tickets <tickets@somewhere.net>',
    TEST_PAYMENTS: 'on',
    ...secrets,
  };
});

afterAll(() => Promise.all([database.drop(), forgetful.stop()]));

/** Runs a service that is to refuse, at its start or, where that is given, only after it has said that it serves; what it said. */
async function refusal(
  service: Name,
  changes: Record<string, string | undefined>,
  onceItServes?: () => void,
): Promise<string> {
  const given = Object.entries({ PATH: process.env.PATH, HOME: process.env.HOME, ...complete, ...changes });
  const env = Object.fromEntries(given.filter(([, value]) => value !== undefined));
  const { [service]: script } = await builtServices();
  const child = spawn(process.execPath, nodeArgs(script), { cwd: root, env });
  try {
    if (onceItServes) {
      for await (const line of createInterface(child.stdout)) {
        if (/"msg":"[^"]*(listening|working)"/.test(line)) break;
      }
      child.stdout.resume();
      expect(child.exitCode).toBe(null);
      onceItServes();
    }
    const [stderr, [code]] = await Promise.all([text(child.stderr), once(child, 'exit')]);
    expect(code).toBe(1);
    expect(stderr).not.toMatch(/^\s+at /m);
    return stderr;
  } finally {
    child.kill('SIGKILL');
  }
}

const long = 'x'.repeat(43);

const worst: Record<Name, { changes: Record<string, string | undefined>; sentences: string[] }> = {
  gateway: {
    changes: {
      PORT: 'eighty',
      PUBLIC_URL: undefined,
      TRUSTED_PROXIES: undefined,
      RATE_LIMITS: 'off',
      SMTP_URL: undefined,
      SIGNING_KEYS: undefined,
      QUEUE_TICKET_SECRET: long,
      INTERNAL_SECRET: 'short',
      ORGANISER_KEY: 'change-me-change-me-change-me-change-me',
      ORGANISER_KEYS: `nora:${secrets.ORGANISER_KEY},sam:brief`,
      NODE_DEBUG: 'http',
      DEBUG: 'ioredis:*',
      NODE_TLS_REJECT_UNAUTHORIZED: '0',
    },
    sentences: [
      'PORT: ',
      'PUBLIC_URL: must be the https address',
      'TRUSTED_PROXIES: must name the proxies',
      'RATE_LIMITS: must not switch limits off',
      'SMTP_URL: must be set in production',
      'SIGNING_KEYS: must be a JSON array of private Ed25519 JWKs',
      'QUEUE_TICKET_SECRET: can be guessed',
      'INTERNAL_SECRET: must have at least 32 characters',
      'ORGANISER_KEY: can be guessed',
      'ORGANISER_KEYS, pair 2: the key must have at least 32 characters',
      'NODE_DEBUG: must not be set',
      'DEBUG: must not be set',
      'NODE_TLS_REJECT_UNAUTHORIZED: must not be 0',
    ],
  },
  booking: {
    changes: { INTERNAL_SECRET: undefined, SMTP_URL: undefined, TEST_PAYMENTS: undefined },
    sentences: [
      'INTERNAL_SECRET: must be set to a secret',
      'SMTP_URL: must be set in production',
      'TEST_PAYMENTS: only the test provider is built in',
    ],
  },
  worker: {
    changes: {
      INTERNAL_SECRET: long,
      SMTP_URL: undefined,
      MAIL_FROM: undefined,
      TEST_PAYMENTS: undefined,
      PUBLIC_URL: 'http://tickets.somewhere.net',
    },
    sentences: [
      'INTERNAL_SECRET: can be guessed',
      'SMTP_URL: must be set in production',
      'MAIL_FROM: must be a sender of your own domain',
      'TEST_PAYMENTS: only the test provider is built in',
      'PUBLIC_URL: must be the https address',
    ],
  },
};

test.concurrent.each(Object.keys(worst) as Name[])(
  'in production the %s tells everything that is wrong at once, and no secret',
  async (service) => {
    const { changes, sentences } = worst[service];
    const told = await refusal(service, changes);
    for (const sentence of sentences) expect(told).toContain(`\n  ${sentence}`);
    expect(told.trim().split('\n')).toHaveLength(1 + sentences.length);
    for (const secret of [...Object.values(secrets), long, 'change-me']) expect(told).not.toContain(secret);
  },
);

test('a pooler whose sessions have no time limits is refused, in production and elsewhere', async () => {
  const direct = new URL(database.url);
  direct.hostname = 'localhost';
  const pooled = { DATABASE_DIRECT_URL: direct.href };
  const told = await Promise.all([
    refusal('booking', pooled),
    refusal('worker', { ...pooled, NODE_ENV: 'development' }),
  ]);
  for (const each of told) expect(each).toContain('DATABASE_URL: its sessions have statement_timeout = 0');
});

test('stores that forget are refused in production, each with what to set', async () => {
  const sql = postgres(database.url, { max: 1 });
  try {
    await sql.unsafe(
      `alter database ${new URL(database.url).pathname.slice(1)} set synchronous_commit = off`,
    );
  } finally {
    await sql.end();
  }
  const [gateway, booking, worker] = await Promise.all([
    refusal('gateway', {}),
    refusal('booking', {}),
    refusal('worker', {}),
  ]);
  expect(gateway).toContain('set its maxmemory-policy to noeviction');
  expect(gateway).toContain('set its appendonly to yes');
  expect(booking).toContain('set its synchronous_commit to on');
  expect(worker).toContain('set its synchronous_commit to on');
});

test('a store that is away at the start is judged as soon as it is there', async () => {
  const [toPostgres, toRedis] = await Promise.all([startProxy(database.url), startProxy(forgetful.url)]);
  const away = { LOG_LEVEL: 'info', DATABASE_URL: toPostgres.url, REDIS_URL: toRedis.url };
  try {
    toPostgres.stall();
    toRedis.stall();
    let serving = 0;
    /** All must be there before the first is refused. */
    const comesBack = () => {
      serving += 1;
      if (serving < 3) return;
      toPostgres.cut();
      toRedis.cut();
    };
    const [gateway, booking, worker] = await Promise.all([
      refusal('gateway', away, comesBack),
      refusal('booking', away, comesBack),
      refusal('worker', away, comesBack),
    ]);
    expect(gateway).toContain('set its maxmemory-policy to noeviction');
    expect(booking).toContain('set its synchronous_commit to on');
    expect(worker).toContain('set its synchronous_commit to on');
  } finally {
    toPostgres.close();
    toRedis.close();
  }
});

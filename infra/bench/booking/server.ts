import { Hono } from 'hono';
import { createLocalJWKSet, type JWK } from 'jose';
import { systemClock } from '#shared/clock.ts';
import { createLog } from '#shared/log.ts';
import { serve } from '#shared/serve.ts';
import { createApp } from '../../../booking-service/app.ts';
import { createDb } from '../../../booking-service/db/client.ts';
import { createOrderQueue } from '../../../booking-service/intake/queue.ts';
import { createInventory } from '../../../booking-service/inventory/inventory.ts';
import { createTestProvider } from '../../../booking-service/payment/test-provider.ts';
import { INTERNAL_SECRET } from './settings.ts';

/**
 * The booking service as it is, or with each request a call of its own (ONE_BY_ONE), and in the same process, on BARE_PORT,
 * a Hono app that answers as many bytes as are asked for. Tells the time its process has used on any message.
 */
const env = process.env as Record<
  'HOST' | 'PORT' | 'BARE_PORT' | 'DATABASE_URL' | 'REDIS_URL' | 'JWK',
  string
>;
const log = createLog('booking', 'error');
/** Of a shop behind a pooler: whether its statements are prepared. */
const { POOLED_PREPARE } = process.env;
const pooling = POOLED_PREPARE ? { isPooled: true, isPrepared: POOLED_PREPARE === 'on' } : {};
const db = createDb(env.DATABASE_URL, {
  ...pooling,
  applicationName: 'bench',
  isOneByOne: process.env.ONE_BY_ONE === '1',
  report: (error, what) => log.error({ err: error }, what),
});
const inventoryDb = createDb(env.DATABASE_URL, {
  ...pooling,
  ...{ applicationName: 'bench-inventory', connections: 1 },
});
const inventory = createInventory({ db: inventoryDb, clock: systemClock, log });
inventory.start();
const toWorker = createOrderQueue({ db, redisUrl: env.REDIS_URL, waitingMax: 1_000_000, log });
const { app, ahead } = createApp({
  ...{ db, inventory, toWorker, log },
  payments: createTestProvider(db),
  keys: createLocalJWKSet({ keys: [JSON.parse(env.JWK) as JWK] }),
  internalSecret: INTERNAL_SECRET,
  mailFolder: null,
  wakeWorker: () => undefined,
  clock: systemClock,
});
await serve(app, {
  ...{ host: env.HOST, port: Number(env.PORT), ahead, log },
  // As the service's own main.ts has it.
  believesRequestId: () => true,
  answersRequestId: false,
});

const bare = new Hono();
const bodies = new Map<number, string>();
bare.get('/bare/:bytes', (c) => {
  const bytes = Number(c.req.param('bytes'));
  const body = bodies.get(bytes) ?? 'x'.repeat(bytes);
  bodies.set(bytes, body);
  return c.text(body);
});
await serve(bare, { host: env.HOST, port: Number(env.BARE_PORT) });

process.on('message', () => {
  const { user, system } = process.cpuUsage();
  process.send?.({ cpuMicros: user + system });
});
process.once('SIGTERM', () => process.exit(0));

import { join } from 'node:path';
import { createRemoteJWKSet } from 'jose';
import { z } from 'zod';
import { systemClock } from '#shared/clock.ts';
import { envVariables, readEnv } from '#shared/env.ts';
import { createLog } from '#shared/log.ts';
import { DRAINING, runUntilStopped } from '#shared/main.ts';
import { exposeMetrics } from '#shared/metrics/expose.ts';
import { gauge } from '#shared/metrics/registry.ts';
import { serve } from '#shared/serve.ts';
import { createApp } from './app.ts';
import { createDb } from './db/client.ts';
import { refuseUnfitDatabase } from './db/fit.ts';
import { poolingOf } from './db/session.ts';
import { createOrderQueue } from './intake/queue.ts';
import { createInventory } from './inventory/inventory.ts';
import { createWake } from './outbox/wake.ts';
import { withDeadlines } from './payment/deadlines.ts';
import { createTestProvider } from './payment/test-provider.ts';

const { HOST, BOOKING_PORT, REDIS_URL, GATEWAY_URL, INTERNAL_SECRET } = envVariables;
const { DATABASE_URL, DATABASE_DIRECT_URL, DATABASE_PREPARE } = envVariables;
const { LOG_LEVEL, NODE_ENV, DATA_DIR, SMTP_URL, ASYNC_ORDERS_WAITING_MAX, TEST_PAYMENTS } = envVariables;
const { METRICS_PORT, METRICS_HOST, DRAIN_SECONDS } = envVariables;

const KEYS_TIMEOUT_MS = 2_000;
/** A token with an unknown key makes the keys be fetched again, but no more often than this. */
const KEYS_COOLDOWN_MS = 2_000;
const KEYS_AGE_MS_MAX = 10 * 60_000;

await runUntilStopped(async (life) => {
  const env = readEnv(
    z.object({
      ...{ HOST, BOOKING_PORT, REDIS_URL, GATEWAY_URL, INTERNAL_SECRET },
      ...{ DATABASE_URL, DATABASE_DIRECT_URL, DATABASE_PREPARE },
      ...{ LOG_LEVEL, NODE_ENV, DATA_DIR, SMTP_URL, ASYNC_ORDERS_WAITING_MAX, TEST_PAYMENTS },
      ...{ METRICS_PORT, METRICS_HOST, DRAIN_SECONDS },
    }),
  );
  life.goBy(env);
  const log = createLog('booking', env.LOG_LEVEL);
  const pooling = poolingOf(env);
  const db = createDb(env.DATABASE_URL, {
    ...pooling,
    applicationName: 'admit-one/booking',
    report: (error, what) => log.warn({ err: error }, what),
  });
  await life.insistOn(
    () => refuseUnfitDatabase(db, env, pooling),
    (error) => log.warn({ err: error }, 'PostgreSQL could not be judged yet'),
  );
  // The inventory reads over a connection of its own, so that a crowd of bookings does not make it old.
  const inventoryDb = createDb(env.DATABASE_URL, {
    ...pooling,
    ...{ applicationName: 'admit-one/inventory', connections: 1 },
  });
  const inventory = createInventory({ db: inventoryDb, clock: systemClock, log });
  inventory.start();
  const { REDIS_URL: redisUrl, ASYNC_ORDERS_WAITING_MAX: waitingMax } = env;
  const orderQueue = createOrderQueue({ db, redisUrl, waitingMax, log });
  const mailIsKept = env.NODE_ENV !== 'production' && env.SMTP_URL === undefined;
  const { app, ahead } = createApp({
    db,
    inventory,
    payments: withDeadlines(createTestProvider(db)),
    keys: createRemoteJWKSet(new URL('/.well-known/jwks.json', env.GATEWAY_URL), {
      timeoutDuration: KEYS_TIMEOUT_MS,
      cooldownDuration: KEYS_COOLDOWN_MS,
      cacheMaxAge: KEYS_AGE_MS_MAX,
    }),
    internalSecret: env.INTERNAL_SECRET,
    mailFolder: mailIsKept ? join(env.DATA_DIR, 'mail') : null,
    toWorker: orderQueue,
    wakeWorker: createWake(db),
    isDraining: life.isDraining,
    clock: systemClock,
    log,
  });
  const server = await serve(app, {
    host: env.HOST,
    port: env.BOOKING_PORT,
    ahead,
    // Only the gateway has the key that anything here is answered for.
    believesRequestId: () => true,
    // The gateway has it, and tells the fan.
    answersRequestId: false,
    isDraining: life.isDraining,
    log,
  });
  gauge('admit_one_inventory_age_seconds', 'How old what this process knows of the seats is.', [], () => [
    [[], inventory.ageMs() / 1000],
  ]);
  const unready = () => (life.isDraining() ? DRAINING : null);
  const stopMetrics = await exposeMetrics({ host: env.METRICS_HOST, port: env.METRICS_PORT, unready, log });
  log.info({ url: server.url }, 'listening');
  return [server.close, orderQueue.close, inventory.stop, inventoryDb.close, db.close, stopMetrics];
});

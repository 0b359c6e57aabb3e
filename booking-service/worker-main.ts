import { join } from 'node:path';
import { z } from 'zod';
import { envVariables, readEnv } from '#shared/env.ts';
import { createLog } from '#shared/log.ts';
import { DRAINING, runUntilStopped } from '#shared/main.ts';
import { exposeMetrics } from '#shared/metrics/expose.ts';
import { createDb } from './db/client.ts';
import { refuseUnfitDatabase } from './db/fit.ts';
import { directUrlOf, poolingOf } from './db/session.ts';
import { createFolderTransport, createSmtpTransport } from './mail/transport.ts';
import { countBacklog } from './metrics.ts';
import {
  finishesAdmission,
  mailsConfirmedOrder,
  mailsFailedOrder,
  mailsRefundedOrder,
  paymentDeliverers,
} from './order/deliverers.ts';
import { listenForWork } from './outbox/wake.ts';
import { withDeadlines } from './payment/deadlines.ts';
import { watchOutage } from './payment/outage.ts';
import { createTestProvider } from './payment/test-provider.ts';
import { startWorker } from './worker.ts';

const { DATABASE_URL, DATABASE_DIRECT_URL, DATABASE_PREPARE, REDIS_URL } = envVariables;
const { GATEWAY_URL, PUBLIC_URL, INTERNAL_SECRET, LOG_LEVEL } = envVariables;
const { NODE_ENV, SMTP_URL, MAIL_FROM, DATA_DIR, TEST_PAYMENTS } = envVariables;
const { METRICS_PORT, METRICS_HOST } = envVariables;

const CONNECTIONS_MAX = 6;

await runUntilStopped(async (life) => {
  const env = readEnv(
    z.object({
      ...{ DATABASE_URL, DATABASE_DIRECT_URL, DATABASE_PREPARE, REDIS_URL },
      ...{ GATEWAY_URL, PUBLIC_URL, INTERNAL_SECRET, LOG_LEVEL },
      ...{ NODE_ENV, SMTP_URL, MAIL_FROM, DATA_DIR, TEST_PAYMENTS },
      ...{ METRICS_PORT, METRICS_HOST },
    }),
  );
  // Nobody calls it, and so it has nobody to serve on for.
  life.goBy({ NODE_ENV: env.NODE_ENV, DRAIN_SECONDS: 0 });
  const log = createLog('worker', env.LOG_LEVEL);
  const pooling = poolingOf(env);
  const db = createDb(env.DATABASE_URL, {
    ...pooling,
    applicationName: 'admit-one/worker',
    report: (error, what) => log.warn({ err: error }, what),
    connections: CONNECTIONS_MAX,
  });
  await life.insistOn(
    () => refuseUnfitDatabase(db, env, pooling),
    (error) => log.warn({ err: error }, 'PostgreSQL could not be judged yet'),
  );
  const mail =
    env.SMTP_URL === undefined
      ? createFolderTransport(join(env.DATA_DIR, 'mail'))
      : createSmtpTransport({ smtpUrl: env.SMTP_URL, from: env.MAIL_FROM });
  const gateway = { url: env.GATEWAY_URL, internalSecret: env.INTERNAL_SECRET };
  const outage = watchOutage(withDeadlines(createTestProvider(db)));
  const till = { db, payments: outage.payments, log };
  const worker = startWorker({
    till,
    outbox: {
      db,
      deliverers: {
        'order-confirmed-mail': mailsConfirmedOrder(db, mail, env.PUBLIC_URL),
        'order-failed-mail': mailsFailedOrder(db, mail, env.PUBLIC_URL),
        'order-refunded-mail': mailsRefundedOrder(db, mail),
        ...paymentDeliverers(till),
        'admission-finished': finishesAdmission(db, gateway),
      },
      log,
    },
    outage,
    redisUrl: env.REDIS_URL,
    log,
  });
  const stopListening = listenForWork(directUrlOf(env), worker.wake);
  countBacklog(db);
  // Nobody sends it anything, so it need not go on for those who have not noticed yet.
  const unready = () => (life.isDraining() ? DRAINING : null);
  const stopMetrics = await exposeMetrics({ host: env.METRICS_HOST, port: env.METRICS_PORT, unready, log });
  log.info('working');
  return [stopListening, worker.stop, async () => mail.close(), db.close, stopMetrics];
});

import { Hono } from 'hono';
import type { JWTVerifyGetKey } from 'jose';
import { createAdmissionTokenVerifier } from '#shared/admission-token.ts';
import type { Clock } from '#shared/clock.ts';
import { answerWithProblems } from '#shared/errors.ts';
import { CLOCK_TOLERANCE_SECONDS } from '#shared/internal.ts';
import type { Log } from '#shared/log.ts';
import type { Ahead } from '#shared/serve.ts';
import { createAdmit, requireFan } from './caller/fan.ts';
import { internalKeyCheck, requireInternalKey } from './caller/internal-key.ts';
import { catalogueRoutes } from './catalogue/routes.ts';
import type { Db } from './db/client.ts';
import { entryHoldRoutes, holdRoutes } from './hold/routes.ts';
import { createTake } from './hold/take-hold.ts';
import { answerHoldsTogether } from './hold/together-branch.ts';
import type { Inventory } from './inventory/inventory.ts';
import { answerMaps } from './inventory/map-branch.ts';
import { seatRoutes, stockRoutes } from './inventory/routes.ts';
import { createMaps } from './inventory/seats-answer.ts';
import { devMailRoutes } from './mail/routes.ts';
import { orderRoutes, type ToWorker } from './order/routes.ts';
import { organiserRoutes } from './organiser/routes.ts';
import type { PaymentProvider } from './payment/provider.ts';
import { probeRoutes } from './probes.ts';

export type BookingDependencies = {
  db: Db;
  inventory: Inventory;
  payments: PaymentProvider;
  /** The gateway's public keys. */
  keys: JWTVerifyGetKey;
  internalSecret: string;
  /** Where development mail lies; null when mail is really sent. */
  mailFolder: string | null;
  toWorker: ToWorker;
  wakeWorker: () => void;
  /** Whether the process is about to end. */
  isDraining?: () => boolean;
  clock: Clock;
  log: Log;
};

/** The service's routes, and what is answered ahead of them. */
export function createApp(dependencies: BookingDependencies): { app: Hono; ahead: Ahead[] } {
  const { db, inventory, payments, keys, internalSecret, mailFolder, toWorker, wakeWorker, clock, log } =
    dependencies;
  const { isDraining = () => false } = dependencies;
  const verify = createAdmissionTokenVerifier({ keys, clock, toleranceSeconds: CLOCK_TOLERANCE_SECONDS });
  const admit = createAdmit({ verify, findSale: inventory.findSale, clock });
  const take = createTake({ db, inventory });
  const isInternalKey = internalKeyCheck(internalSecret);
  const mapOf = createMaps();
  const app = new Hono();
  answerWithProblems(app, log);

  app.route('/', probeRoutes({ db, inventory, isDraining }));

  app.use(requireInternalKey(isInternalKey));
  app.route('/internal', catalogueRoutes({ db, remembered: inventory.eventOf, refresh: inventory.refresh }));
  app.route('/internal', stockRoutes({ inventory }));
  app.route('/internal', entryHoldRoutes({ db, inventory }));
  app.route('/internal', organiserRoutes({ db, inventory, wakeWorker }));
  app.route('/internal', devMailRoutes({ mailFolder }));

  app.use('/api/sales/:sale/*', requireFan(admit));
  app.route('/api/sales/:sale', seatRoutes({ inventory, mapOf }));
  app.route('/api/sales/:sale', holdRoutes({ db, inventory, take }));
  app.route(
    '/api/sales/:sale',
    orderRoutes({ till: { db, payments, log }, toWorker, inventory, wakeWorker }),
  );
  const ahead = [
    answerMaps({ inventory, mapOf, verify, isInternalKey }),
    answerHoldsTogether({ admit, take, isInternalKey, log }),
  ];
  return { app, ahead };
}

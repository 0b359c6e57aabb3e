import { Hono } from 'hono';
import { openApiDocument } from '#shared/contract/openapi.made.ts';
import { answerWithProblems } from '#shared/errors.ts';
import { answerFinished, finishJson } from '#shared/finished-answer.ts';
import type { Log } from '#shared/log.ts';
import { Problem, problemResponse } from '#shared/problem.ts';
import { admissionRoutes } from './admission/routes.ts';
import type { SigningKeys } from './admission/signing-keys.ts';
import type { BookingCatalogue } from './booking/catalogue.ts';
import type { BookingClient } from './booking/client.ts';
import type { Door } from './door/door.ts';
import { refuseCrossSite } from './door/origin.ts';
import { bookingRoutes } from './door/routes.ts';
import { internalRoutes } from './internal-routes.ts';
import type { Access } from './limits/access.ts';
import { publishDraws } from './lobby/published.ts';
import { type OrganiserDeps, organiserRoutes } from './organiser/routes.ts';
import { consoleRoutes } from './pages/console/routes.ts';
import type { ConsoleSessions } from './pages/console/sessions.ts';
import { devMailRoutes } from './pages/dev-mail.ts';
import { formsOnly } from './pages/form.ts';
import { pageProblem } from './pages/problem-page.ts';
import { pageRoutes } from './pages/routes.ts';
import type { Cookies } from './queue/credentials.ts';
import { queueRoutes } from './queue/routes.ts';
import type { Queue } from './queue/status.ts';
import { eventRoutes } from './sale/event-routes.ts';
import type { Events } from './sale/events.ts';
import type { Listing } from './sale/listing.ts';
import { saleRoutes } from './sale/routes.ts';
import type { SaleSync } from './sale/sync.ts';

export type GatewayDeps = {
  queue: Queue;
  access: Access;
  keys: SigningKeys;
  cookies: Cookies;
  booking: BookingClient;
  catalogue: BookingCatalogue;
  door: Door;
  sync: SaleSync;
  events: Events;
  listing: Listing;
  organiser: OrganiserDeps;
  /** Of organisers in their browsers. */
  sessions: ConsoleSessions;
  log: Log;
  publicUrl: string;
  /** Why the gateway should get no fans at the moment; null when it may. */
  unready: () => string | null;
  internalSecret: string;
  /** Mail can be read at /dev/mail. */
  development: boolean;
};

/** Long, and asked for without a limit: made and kept in memory once, for however many ask and do not read. */
const document = finishJson(openApiDocument, 'public, max-age=60');

const notKept = { 'cache-control': 'no-store' };

/** The gateway's table of contents. */
export function createGateway(deps: GatewayDeps): Hono {
  const { queue, cookies, access, log } = deps;
  const { store, watch, tickets } = queue;
  const draws = publishDraws(store);
  const app = new Hono();

  app.get('/livez', (c) => c.json({ status: 'live' }, 200, notKept));
  app.get('/readyz', (c) => {
    const why = deps.unready();
    if (why !== null) throw new Problem('unavailable', why);
    return c.json({ status: 'ready' }, 200, notKept);
  });
  app.get('/.well-known/jwks.json', (c) => {
    c.header('cache-control', 'public, max-age=60, stale-while-revalidate=60');
    return c.json(deps.keys.jwks, 200);
  });
  app.get('/openapi.json', (c) => answerFinished(document, c.req.header('if-none-match')));
  app.route('/internal', internalRoutes(store, deps.internalSecret));

  app.use(refuseCrossSite(deps.publicUrl));
  app.route('/api/organiser', organiserRoutes(deps.organiser));
  app.route('/api/sales/:sale/queue', queueRoutes(deps));
  app.route('/api/sales/:sale/queue/me', admissionRoutes({ store, tickets, ...deps }));
  app.route('/', bookingRoutes(deps.door, cookies));
  app.route('/api/events', eventRoutes(deps));
  app.route('/api', saleRoutes({ watch, draws, ...deps }));
  for (const pages of ['/sales/*', '/organiser/*']) app.use(pages, formsOnly);
  if (deps.development) app.route('/dev/mail', devMailRoutes(deps.booking));
  app.route('/', pageRoutes({ draws, ...deps }));
  app.route('/organiser', consoleRoutes({ ...deps.organiser, ...deps }));

  answerWithProblems(app, log, async (c, problem) => {
    const told = access.failed(c, problem);
    return (await pageProblem(c, told)) ?? problemResponse(told);
  });
  return app;
}

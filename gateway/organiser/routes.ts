import { Hono } from 'hono';
import { bearerToken, isAdmissionToken } from '#shared/admission-token.ts';
import { EventRequest } from '#shared/contract/event.ts';
import { CommandRequest, SalePatch, SaleRequest, saleCommands } from '#shared/contract/sale.ts';
import { readJson } from '#shared/json-body.ts';
import { Problem } from '#shared/problem.ts';
import type { BookingCatalogue } from '../booking/catalogue.ts';
import type { TicketMint } from '../queue/ticket.ts';
import { answer, type OrganiserEnv, requireId } from './answer.ts';
import { organiserBookingRoutes } from './booking-routes.ts';
import { commandSale, makeSale, organiserSale, patchSale, type Shop } from './commands.ts';
import { drawCommandRoutes } from './draw-commands.ts';
import type { Organisers } from './organisers.ts';
import type { SaleStats } from './stats.ts';
import { statsRoutes } from './stats-routes.ts';
import type { StatsStreams } from './stats-streams.ts';

export type OrganiserDeps = {
  shop: Shop;
  catalogue: BookingCatalogue;
  organisers: Organisers;
  tickets: TicketMint;
  stats: SaleStats;
  streams: StatsStreams;
};

/** Everything under /api/organiser. */
export function organiserRoutes(deps: OrganiserDeps) {
  const { shop, catalogue, organisers, tickets, stats, streams } = deps;
  const app = new Hono<OrganiserEnv>();

  app.use(async (c, next) => {
    const key = bearerToken(c.req.header('authorization'));
    const organiser = key === null ? null : organisers.nameOf(key);
    if (organiser === null) {
      if (key !== null && isFans(key)) throw new Problem('forbidden', 'Fans cannot organise sales.');
      throw new Problem('organiser-required', 'Send an organiser key as Authorization: Bearer.');
    }
    c.set('organiser', organiser);
    await next();
  });

  /** A fan's token stays one when it has expired. */
  const isFans = (credential: string): boolean =>
    tickets.verify(credential) !== null || isAdmissionToken(credential);

  app.get('/events', async (c) => answer(c, { events: await catalogue.events() }));

  app.post('/events', async (c) => {
    const event = await readJson(c, EventRequest);
    const created = await catalogue.createEvent(event, c.get('organiser'));
    return answer(c, created, 201);
  });

  app.post('/events/:event/sales', async (c) => {
    const event = requireId(c.req.param('event'));
    const request = await readJson(c, SaleRequest);
    return answer(c, await makeSale(shop, catalogue, event, request, c.get('organiser')), 201);
  });

  app.get('/sales', (c) => {
    const snapshots = shop.watch.sales().map((sale) => shop.watch.remembered(sale));
    return answer(c, { sales: snapshots.filter((snapshot) => snapshot !== null).map(organiserSale) });
  });

  app.get('/sales/:sale', async (c) =>
    answer(c, organiserSale(await shop.watch.renew(requireId(c.req.param('sale'))))),
  );

  app.patch('/sales/:sale', async (c) => {
    const sale = requireId(c.req.param('sale'));
    const patch = await readJson(c, SalePatch);
    return answer(c, await patchSale(shop, sale, patch, c.get('organiser')));
  });

  for (const command of saleCommands) {
    app.post(`/sales/:sale/${command}`, async (c) => {
      const sale = requireId(c.req.param('sale'));
      const { reason = null } = await readJson(c, CommandRequest);
      return answer(c, await commandSale(shop, sale, command, { by: c.get('organiser'), reason }));
    });
  }
  app.route('/', organiserBookingRoutes({ shop, catalogue }));
  app.route('/', drawCommandRoutes(shop));
  app.route('/', statsRoutes({ stats, streams }));
  return app;
}

import { Hono } from 'hono';
import { answerFinished } from '#shared/finished-answer.ts';
import { LISTING_CACHE_CONTROL, oncePer, requireEventId } from '../sale/event-routes.ts';
import { eventsAnswer, type ShownEvent } from '../sale/listing.ts';
import { type PageDeps, saleOfPage } from './context.ts';
import { drawPage, eventPage, homePage } from './home-page.ts';
import { page, publicPage } from './layout.ts';
import { orderPageRoutes } from './order-routes.ts';
import { queuePageRoutes } from './queue-routes.ts';
import { shopPageRoutes } from './shop-routes.ts';

/** Everything a person looks at. */
export function pageRoutes(deps: PageDeps) {
  const { listing } = deps;
  const home = oncePer((shown: readonly ShownEvent[]) =>
    publicPage({ title: 'Concerts', body: homePage(eventsAnswer(shown).events) }, LISTING_CACHE_CONTROL),
  );
  const ofEvent = oncePer((shown: ShownEvent) =>
    publicPage({ title: shown.event.name, body: eventPage(shown) }, LISTING_CACHE_CONTROL),
  );
  const app = new Hono();

  app.get('/', async (c) =>
    answerFinished(await home(await listing.events()), c.req.header('if-none-match')),
  );

  app.get('/events/:event', async (c) => {
    const shown = await listing.event(requireEventId(c.req.param('event')));
    return answerFinished(await ofEvent(shown), c.req.header('if-none-match'));
  });

  app.get('/sales/:sale/draw', async (c) => {
    const sale = await saleOfPage(deps, c.req.param('sale'));
    return page(c, { title: 'The draw', body: drawPage(sale, await deps.draws.facts(sale.sale)) });
  });

  app.route('/', queuePageRoutes(deps));
  app.route('/', shopPageRoutes(deps));
  app.route('/', orderPageRoutes(deps));
  return app;
}

import { Hono } from 'hono';
import { idPattern } from '#shared/ids.ts';
import { Problem } from '#shared/problem.ts';
import { type PageDeps, saleOfPage } from './context.ts';
import { drawPage, eventPage, homePage } from './home-page.ts';
import { page } from './layout.ts';
import { orderPageRoutes } from './order-routes.ts';
import { queuePageRoutes } from './queue-routes.ts';
import { shopPageRoutes } from './shop-routes.ts';

const SALES_SHOWN_MAX = 200;

/** Everything a person looks at. */
export function pageRoutes(deps: PageDeps) {
  const { queue } = deps;
  const app = new Hono();

  const sales = () =>
    Promise.all(
      queue.watch
        .sales()
        .slice(0, SALES_SHOWN_MAX)
        .map((sale) => saleOfPage(deps, sale)),
    );

  app.get('/', async (c) => page(c, { title: 'Concerts', body: homePage(await sales()) }));

  app.get('/events/:event', async (c) => {
    const id = c.req.param('event');
    if (!idPattern.test(id)) throw new Problem('not-found', 'There is no such event.');
    const event = await deps.events.event(id);
    const ofEvent = (await sales()).filter((sale) => sale.event.event === id);
    return page(c, { title: event.name, body: eventPage(ofEvent, event) });
  });

  app.get('/sales/:sale/draw', async (c) => {
    const sale = await saleOfPage(deps, c.req.param('sale'));
    return page(c, { title: 'The draw', body: drawPage(sale, await deps.draw(sale.sale)) });
  });

  app.route('/', queuePageRoutes(deps));
  app.route('/', shopPageRoutes(deps));
  app.route('/', orderPageRoutes(deps));
  return app;
}

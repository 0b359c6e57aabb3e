import { type Context, Hono } from 'hono';
import { answerFinished } from '#shared/finished-answer.ts';
import { LISTING_CACHE_CONTROL, oncePer, requireEventId } from '../sale/event-routes.ts';
import { eventsAnswer, type ShownEvent } from '../sale/listing.ts';
import { saleSnapshot } from '../sale/routes.ts';
import { scripts } from './browser-code.made.ts';
import { type PageDeps, saleOfPage, ticketOfPage } from './context.ts';
import { drawPage } from './draw-page.ts';
import { eventPage, homePage } from './home-page.ts';
import { page, publicPage } from './layout.ts';
import { chosenLanguageCookie, everyLocale, type Locale, localeOf, publicLocaleOf } from './locale.ts';
import { orderPageRoutes } from './order-routes.ts';
import { placePageRoutes } from './place-routes.ts';
import { type ShellFacts, shellFacts, shellPage } from './queue-shell.ts';
import { shopPageRoutes } from './shop-routes.ts';

/** How soon there may be something new to see about a draw that is not over. */
const REFRESH_SECONDS: Record<string, number> = { frozen: 5, drawing: 5, awaitingBeacon: 30 };

/** Everything a person looks at. */
export function pageRoutes(deps: PageDeps) {
  const { listing } = deps;
  const inEach = <Made>(make: (locale: Locale) => Made) => {
    const made = new Map(everyLocale.map((locale) => [locale, make(locale)]));
    return (c: Context) => made.get(publicLocaleOf(c)) as Made;
  };
  const home = inEach((locale) =>
    oncePer((shown: readonly ShownEvent[]) => {
      const body = homePage(eventsAnswer(shown).events, locale);
      return publicPage(locale, { title: locale.texts.home.title, body }, LISTING_CACHE_CONTROL);
    }),
  );
  const ofEvent = inEach((locale) =>
    oncePer((shown: ShownEvent) =>
      publicPage(locale, { title: shown.event.name, body: eventPage(shown, locale) }, LISTING_CACHE_CONTROL),
    ),
  );
  const ofSale = inEach((locale) =>
    oncePer((facts: ShellFacts) => publicPage(locale, shellPage(facts, locale), LISTING_CACHE_CONTROL)),
  );
  const app = new Hono();

  // The same bytes for everybody, and no cookie: shared caches keep these, whatever language is asked for.
  app.get('/', async (c) =>
    answerFinished(await home(c)(await listing.events()), c.req.header('if-none-match')),
  );

  app.get('/events/:event', async (c) => {
    const shown = await listing.event(requireEventId(c.req.param('event')));
    return answerFinished(await ofEvent(c)(shown), c.req.header('if-none-match'));
  });

  app.get('/sales/:sale', async (c) => {
    const snapshot = await saleSnapshot(deps.queue.watch, c.req.param('sale'));
    const { definition } = snapshot;
    const event = await deps.events.event(definition.event);
    const facts = shellFacts(snapshot, event, deps.sync.stockOf(definition.sale));
    return answerFinished(await ofSale(c)(facts), c.req.header('if-none-match'));
  });

  // Whoever chooses a language on a page reads the next one in it too, where addresses do not carry it on.
  app.use(async (c, next) => {
    await next();
    const chosen = chosenLanguageCookie(c, deps.publicUrl);
    if (chosen === null) return;
    // What sets a cookie is this browser's own, whatever the answer is otherwise.
    c.res.headers.append('set-cookie', chosen);
    c.res.headers.set('cache-control', 'no-store');
  });

  app.get('/sales/:sale/draw', async (c) => {
    const sale = await saleOfPage(deps, c.req.param('sale'));
    const draw = await deps.draws.facts(sale.sale);
    const locale = localeOf(c);
    const body = drawPage({ sale, draw, ticket: ticketOfPage(deps, c), locale });
    const { title } = locale.texts.draw;
    if (draw.state === 'drawn') return page(c, { title, body, script: scripts.draw });
    return page(c, { title, body, refreshSeconds: REFRESH_SECONDS[draw.state] });
  });

  app.route('/', placePageRoutes(deps));
  app.route('/', shopPageRoutes(deps));
  app.route('/', orderPageRoutes(deps));
  return app;
}

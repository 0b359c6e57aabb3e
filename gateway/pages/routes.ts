import { Hono } from 'hono';
import { answerFinished } from '#shared/finished-answer.ts';
import { LISTING_CACHE_CONTROL, oncePer, requireEventId } from '../sale/event-routes.ts';
import { eventsAnswer, type ShownEvent } from '../sale/listing.ts';
import { saleSnapshot } from '../sale/routes.ts';
import { type PageDeps, saleOfPage, ticketOfPage } from './context.ts';
import { drawPage } from './draw-page.ts';
import { eventPage, homePage } from './home-page.ts';
import { inlineScript, page, publicPage } from './layout.ts';
import {
  chosenLanguageCookie,
  isLanguageAsked,
  type Language,
  type Locale,
  languages,
  localeOf,
  locales,
  publicLocaleOf,
} from './locale.ts';
import { orderPageRoutes } from './order-routes.ts';
import { placePageRoutes } from './queue-routes.ts';
import { type ShellFacts, shellFacts, shellPage } from './queue-shell.ts';
import { shopPageRoutes } from './shop-routes.ts';

export const drawScript = inlineScript(new URL('./client/draw.ts', import.meta.url));
/** How soon there may be something new to see about a draw that is not over. */
const REFRESH_SECONDS: Record<string, number> = { frozen: 5, drawing: 5, awaitingBeacon: 30 };

/** Everything a person looks at. */
export function pageRoutes(deps: PageDeps) {
  const { listing } = deps;
  const inEach = <Made>(make: (locale: Locale) => Made) =>
    Object.fromEntries(languages.map((language) => [language, make(locales[language])])) as Record<
      Language,
      Made
    >;
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
    [undefined, locale.language].map((asked) =>
      oncePer((facts: ShellFacts) =>
        publicPage(locale, shellPage(facts, locale, asked), LISTING_CACHE_CONTROL),
      ),
    ),
  );
  const app = new Hono();

  // The same bytes for everybody, and no cookie: a shared cache keeps it, whatever language is asked for.
  app.get('/sales/:sale', async (c) => {
    const snapshot = await saleSnapshot(deps.queue.watch, c.req.param('sale'));
    const { definition } = snapshot;
    const event = await deps.events.event(definition.event);
    const { language } = publicLocaleOf(c);
    const facts = shellFacts(snapshot, event, deps.sync.stockOf(definition.sale));
    const answer = ofSale[language][isLanguageAsked(c) ? 1 : 0] as (typeof ofSale)['en'][number];
    return answerFinished(await answer(facts), c.req.header('if-none-match'));
  });

  // Whoever chooses a language on a page reads the next one in it too.
  app.use(async (c, next) => {
    await next();
    const chosen = chosenLanguageCookie(c, deps.publicUrl);
    if (chosen === null) return;
    // What sets a cookie is this browser's own, whatever the page is otherwise.
    c.res.headers.append('set-cookie', chosen);
    c.res.headers.set('cache-control', 'no-store');
  });

  app.get('/', async (c) => {
    const { language } = publicLocaleOf(c);
    return answerFinished(await home[language](await listing.events()), c.req.header('if-none-match'));
  });

  app.get('/events/:event', async (c) => {
    const { language } = publicLocaleOf(c);
    const shown = await listing.event(requireEventId(c.req.param('event')));
    return answerFinished(await ofEvent[language](shown), c.req.header('if-none-match'));
  });

  app.get('/sales/:sale/draw', async (c) => {
    const sale = await saleOfPage(deps, c.req.param('sale'));
    const draw = await deps.draws.facts(sale.sale);
    const locale = localeOf(c);
    const body = drawPage({ sale, draw, ticket: ticketOfPage(deps, c), locale });
    const { title } = locale.texts.draw;
    if (draw.state === 'drawn') return page(c, { title, body, script: drawScript });
    return page(c, { title, body, refreshSeconds: REFRESH_SECONDS[draw.state] });
  });

  app.route('/', placePageRoutes(deps));
  app.route('/', shopPageRoutes(deps));
  app.route('/', orderPageRoutes(deps));
  return app;
}

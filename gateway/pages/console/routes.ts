import { Hono } from 'hono';
import { getCookie } from 'hono/cookie';
import { html } from 'hono/html';
import { Problem } from '#shared/problem.ts';
import { localeOf } from '../locale.ts';
import {
  attempt,
  type ConsoleContext,
  type ConsoleDeps,
  type ConsoleEnv,
  problemWords,
  readConsoleForm,
} from './context.ts';
import { eventFormRoutes } from './event-routes.ts';
import { alert, consolePage, outsidePage } from './frame.ts';
import { homePage } from './home-page.ts';
import { liveRoutes } from './live-routes.ts';
import { mailRoutes } from './mail-routes.ts';
import { orderRoutes } from './order-routes.ts';
import { saleFormRoutes } from './sale-routes.ts';
import { placeAfter, signInPage } from './sign-in.ts';

const REFRESH_SECONDS = 5;

/** The organiser's console, under /organiser. Its pages do what the API's routes do, by the same functions. */
export function consoleRoutes(deps: ConsoleDeps) {
  const { sessions, organisers, access, catalogue, shop, events } = deps;
  const app = new Hono<ConsoleEnv>();

  const showSignIn = (c: ConsoleContext, to: string, refused: string | null, status: 200 | 401 | 429) => {
    const locale = localeOf(c);
    return outsidePage(c, {
      title: locale.texts.console.signIn.title,
      body: signInPage({ to, refused }, locale),
      status,
    });
  };

  app.onError((error, c) => {
    const wantsPage = c.req.header('accept')?.includes('text/html');
    if (!(error instanceof Problem) || !wantsPage || c.get('organiser') === undefined) throw error;
    const { texts } = localeOf(c);
    return consolePage(c, {
      title: texts.console.title,
      body: html`${alert(problemWords(error, localeOf(c)))}
        <p><a href="/organiser">${texts.console.nav.events}</a></p>`,
      status: error.status,
      refreshSeconds: error.status === 503 && c.req.method === 'GET' ? REFRESH_SECONDS : undefined,
    });
  });

  app.get('/sign-in', (c) => showSignIn(c, placeAfter(c.req.query('to')), null, 200));

  app.post('/sign-in', async (c) => {
    const form = await readConsoleForm(c);
    const to = placeAfter(form.get('to'));
    const key = form.get('key')?.trim() ?? '';
    if (organisers.nameOf(key) !== null) {
      c.header('set-cookie', sessions.open(key));
      c.header('cache-control', 'no-store');
      return c.redirect(to, 303);
    }
    const refused = access.failedByForm(c, new Problem('organiser-required', 'Nobody holds this key.'));
    const { signIn } = localeOf(c).texts.console;
    if (refused.code !== 'rate-limited') return showSignIn(c, to, signIn.wrong, 401);
    c.header('retry-after', String(refused.retryAfterSeconds));
    return showSignIn(c, to, signIn.tooMany, 429);
  });

  app.use(async (c, next) => {
    const organiser = sessions.organiserOf(getCookie(c, sessions.cookie));
    if (organiser === null) {
      // Where a program asks, it is told so; it follows no form.
      if (!c.req.header('accept')?.includes('text/html'))
        throw new Problem('organiser-required', 'There is no session, or it is over.');
      if (c.req.method === 'GET')
        return c.redirect(`/organiser/sign-in?to=${encodeURIComponent(c.req.path)}`, 303);
      return showSignIn(c, '/organiser', localeOf(c).texts.console.signIn.over, 401);
    }
    c.set('organiser', organiser);
    return next();
  });

  app.post('/sign-out', (c) => {
    c.header('set-cookie', sessions.clear());
    c.header('cache-control', 'no-store');
    return c.redirect('/organiser/sign-in', 303);
  });

  app.get('/', async (c) => {
    const locale = localeOf(c);
    const snapshots = shop.watch.sales().map((sale) => shop.watch.remembered(sale));
    const sales = snapshots.filter((snapshot) => snapshot !== null);
    const asked = await attempt(() => catalogue.events());
    // Whoever has to pause a sale must find it, also while the booking service is away.
    const ids = new Set(sales.map(({ definition }) => definition.event));
    const known = [...ids].map((event) => events.remembered(event)).filter((event) => event !== null);
    const isPartial = asked instanceof Problem;
    const body = homePage({ events: isPartial ? known : asked, sales, isPartial }, locale);
    return consolePage(c, { title: locale.texts.console.home.title, body });
  });

  app.route('/', liveRoutes(deps));
  app.route('/', eventFormRoutes(deps));
  app.route('/', saleFormRoutes(deps));
  app.route('/', orderRoutes(deps));
  app.route('/', mailRoutes(deps));
  return app;
}

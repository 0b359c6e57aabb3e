import { type Context, Hono } from 'hono';
import type { z } from 'zod';
import type { OrdersAnswer } from '#shared/contract/booking.ts';
import { IdempotencyKey } from '#shared/contract/fields.ts';
import type { StatusAnswer } from '#shared/contract/queue.ts';
import { ACCESS_CODE_LENGTH_MAX } from '#shared/contract/sale.ts';
import { newSecretId } from '#shared/ids.ts';
import { Problem, problems } from '#shared/problem.ts';
import { claimTurn } from '../admission/admission.ts';
import { leaveSale } from '../admission/leave.ts';
import { doorRoutes } from '../door/route-table.ts';
import { joinFrom } from '../queue/join.ts';
import { readStatus } from '../queue/status.ts';
import { admissionTokenOfPage, type PageDeps, saleOfPage, ticketOfPage } from './context.ts';
import { readForm } from './form.ts';
import { page } from './layout.ts';
import { localeOf } from './locale.ts';
import { isJoinable, type PlaceView } from './place-outside.ts';
import { placePage } from './place-page.ts';
import { scriptOf } from './place-scripts.ts';
import { askShop, parsed } from './shop-door.ts';

const REFRESH_SECONDS = 10;

/**
 * The page of a fan's own place, where everything works without a script too, and its three buttons, which are forms. The
 * queue page itself is the same for everybody (queue-shell.ts) and leads here.
 */
export function placePageRoutes(deps: PageDeps) {
  const { queue, cookies, keys, access } = deps;
  const app = new Hono();

  const joinKeyOf = (c: Context, sale: string): string | null =>
    IdempotencyKey.safeParse(cookies.read(c.req.header('cookie'), sale, 'join')).data ?? null;

  const showQueue = async (c: Context, refused: PlaceView['refused']): Promise<Response> => {
    const id = c.req.param('sale') as string;
    const ticket = ticketOfPage(deps, c);
    // Read afresh: after any page or poll, from whichever process, a reload shows nothing older.
    const status = ticket ? await readStatus(queue, ticket, null).catch(unknownPlace) : null;
    const sale = await saleOfPage(deps, id);
    if (status?.queueTicket) c.header('set-cookie', cookies.write(id, 'queue', status.queueTicket));
    // Its key comes before the button: a join whose answer is lost, a second tab and a reload find the same place. As a
    // cookie it needs no script. Where there is one, the form sends the queue page's own key instead.
    const needsKey = !(status && isLive(status)) && isJoinable(sale) && joinKeyOf(c, id) === null;
    if (needsKey) c.header('set-cookie', cookies.write(id, 'join', newSecretId()));
    const orders = status?.state === 'finished' ? await ordersOfFan(deps, c) : [];
    const refreshes = c.req.query('refresh') !== 'off';
    const locale = localeOf(c);
    return page(c, {
      title: status?.position ? `${locale.number(status.position)} – ${sale.event.name}` : sale.event.name,
      body: placePage({ locale, sale, status, refreshes, orders, refused }),
      script: scriptOf(status, sale),
      isLight: !sale.accessCodeNeeded,
      refreshSeconds: refreshes && status && isLive(status) ? REFRESH_SECONDS : undefined,
      status: refused ? problems.forbidden.status : 200,
    });
  };

  app.get('/sales/:sale/place', (c) => showQueue(c, null));

  app.post('/sales/:sale/join', async (c) => {
    const sale = c.req.param('sale');
    const form = await readForm(c);
    const accessCode = form.get('accessCode')?.trim().slice(0, ACCESS_CODE_LENGTH_MAX) || null;
    const ticket = ticketOfPage(deps, c);
    try {
      const joined = await joinFrom(
        queue,
        access,
        access.addressOf(c),
        sale,
        ticket,
        IdempotencyKey.safeParse(form.get('key')).data ?? joinKeyOf(c, sale),
        accessCode,
      );
      c.header('set-cookie', cookies.write(sale, 'queue', joined.answer.queueTicket));
      return c.redirect(placeOf(sale), 303);
    } catch (error) {
      if (!(error instanceof Problem && error.code === 'forbidden')) throw error;
      const { code } = localeOf(c).texts.queue;
      const reason = { 'code-missing': code.missing, 'code-taken': code.taken, 'code-worn': code.worn }[
        String(error.cause)
      ];
      return showQueue(c, { accessCode: accessCode ?? '', reason: reason ?? code.unknown });
    }
  });

  app.post('/sales/:sale/claim', async (c) => {
    const sale = c.req.param('sale');
    const ticket = ticketOfPage(deps, c);
    if (!ticket) return c.redirect(placeOf(sale), 303);
    try {
      deps.access.count('claims', ticket.entry);
      const admission = await claimTurn(queue.store, keys, sale, ticket.entry);
      c.header('set-cookie', cookies.writeAdmission(sale, admission.token, c.req.header('user-agent')));
      return c.redirect(`/sales/${sale}/seats`, 303);
    } catch (error) {
      // Too early, too late, shop full, Redis away: the queue page says which, and tries again.
      if (
        error instanceof Problem &&
        (error.status === 409 || error.status === 410 || error.status === 503)
      ) {
        return c.redirect(placeOf(sale), 303);
      }
      throw error;
    }
  });

  app.post('/sales/:sale/leave', async (c) => {
    const sale = c.req.param('sale');
    const ticket = ticketOfPage(deps, c);
    if (ticket) deps.access.count('claims', ticket.entry);
    if (ticket) await leaveSale({ store: queue.store, ...deps }, ticket);
    if (admissionTokenOfPage(deps, c, sale)) c.header('set-cookie', cookies.clearAdmission(sale));
    return c.redirect(placeOf(sale), 303);
  });

  return app;
}

const placeOf = (sale: string): string => `/sales/${encodeURIComponent(sale)}/place`;

const isLive = (status: StatusAnswer): boolean =>
  ['lobby', 'waiting', 'ready', 'admitted'].includes(status.state) || status.returning;

/** The ids of what this browser's fan has bought; without the shop's answer the page does without. */
async function ordersOfFan(deps: PageDeps, c: Context): Promise<string[]> {
  if (admissionTokenOfPage(deps, c, c.req.param('sale') as string) === null) return [];
  try {
    const answer = await askShop(deps, c, doorRoutes.orders);
    if (answer.status !== 200) return [];
    return parsed<z.infer<typeof OrdersAnswer>>(answer).orders.map(({ order }) => order);
  } catch (error) {
    if (error instanceof Problem) return [];
    throw error;
  }
}

/** A ticket that nobody knows any more is no ticket: the page offers to join. */
function unknownPlace(error: unknown): null {
  if (error instanceof Problem && error.code === 'token-invalid') return null;
  throw error;
}

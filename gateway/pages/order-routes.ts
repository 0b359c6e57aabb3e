import { type Context, Hono } from 'hono';
import type { z } from 'zod';
import {
  type HoldsAnswer,
  OrderAnswer,
  type OrderCreatedAnswer,
  type OrdersAnswer,
  type OrderTakenAnswer,
} from '#shared/contract/booking.ts';
import { IdempotencyKey } from '#shared/contract/fields.ts';
import { validate } from '#shared/json-body.ts';
import { Problem } from '#shared/problem.ts';
import type { DoorAnswer } from '../door/door.ts';
import { doorRoutes } from '../door/route-table.ts';
import { scripts } from './browser-code.made.ts';
import { type PageDeps, saleOfPage } from './context.ts';
import { readForm } from './form.ts';
import { page } from './layout.ts';
import { localeOf } from './locale.ts';
import { type Attempt, orderCalendar, orderPage, unclearPage } from './order-page.ts';
import { askShop, parsed, refusalOf } from './shop-door.ts';
import { showShop } from './shop-routes.ts';

const PROGRESS_REFRESH_SECONDS = 3;

/** Paying, and what came of it. A form carries the key of its attempt, so that sending it twice pays once. */
export function orderPageRoutes(deps: PageDeps) {
  const app = new Hono();

  app.post('/sales/:sale/orders', async (c) => {
    const attempt = attemptOf(await readForm(c));
    const { hold, name, email, token, key } = attempt;
    const json = { hold, buyer: { name, email }, payment: { token } };
    const prefer = deps.door.isTillCrowded() ? { prefer: 'respond-async' } : {};
    const answer = await askShop(deps, c, doorRoutes.order, { json, key, ...prefer }).catch(noAnswer);
    if (answer?.status === 201 || answer?.status === 202) {
      const { order } = parsed<z.infer<typeof OrderCreatedAnswer> | z.infer<typeof OrderTakenAnswer>>(answer);
      return c.redirect(`/sales/${c.req.param('sale')}/orders/${order}`, 303);
    }
    const refusal = answer && refusalOf(answer, localeOf(c));
    const waiting = answer && refusal?.code === 'in-progress' ? waitingOrder(answer) : null;
    if (waiting !== null) return c.redirect(`/sales/${c.req.param('sale')}/orders/${waiting}`, 303);
    if (!refusal || refusal.code === 'in-progress' || refusal.code === 'unavailable') {
      const sale = await saleOfPage(deps, c.req.param('sale'));
      const locale = localeOf(c);
      return page(c, {
        title: `${locale.texts.order.payment} – ${sale.event.name}`,
        body: unclearPage(sale, attempt, locale),
        status: 503,
      });
    }
    // Another tab, or an earlier attempt whose answer was lost, may have taken these seats: then there is an order to show.
    const mayBePaid = refusal.code === 'hold-lost' || refusal.code === 'already-finished';
    const order = mayBePaid ? await confirmedOrder(deps, c) : null;
    if (order !== null) return c.redirect(`/sales/${c.req.param('sale')}/orders/${order}`, 303);
    return showShop(deps, c, { refusal, buyer: { name, email } });
  });

  app.get('/sales/:sale/orders/:order', async (c) => {
    const sale = await saleOfPage(deps, c.req.param('sale'));
    const order = await orderOfFan(deps, c);
    const isHeld = order.state === 'failed' && (await holdsSeats(deps, c));
    const locale = localeOf(c);
    return page(c, {
      title: `${locale.texts.order.titles[order.state]} – ${sale.event.name}`,
      body: orderPage(sale, order, { isHeld, locale }),
      ...(order.state === 'inProgress'
        ? { script: scripts.order, refreshSeconds: PROGRESS_REFRESH_SECONDS }
        : {}),
      ...(order.state === 'confirmed' ? { script: scripts.print } : {}),
    });
  });

  app.get('/sales/:sale/orders/:order/calendar.ics', async (c) => {
    const sale = await saleOfPage(deps, c.req.param('sale'));
    const order = await orderOfFan(deps, c);
    if (order.state !== 'confirmed')
      throw new Problem('not-found', 'Nothing of this order is in a calendar.');
    const url = new URL(`/sales/${sale.sale}/orders/${order.order}`, deps.publicUrl).href;
    c.header('content-type', 'text/calendar; charset=utf-8');
    c.header('content-disposition', 'inline; filename="tickets.ics"');
    c.header('x-content-type-options', 'nosniff');
    c.header('cache-control', 'no-store');
    return c.body(orderCalendar(sale, order, url, localeOf(c)));
  });

  return app;
}

/** One order, for the fan whose it is: to anybody else it is not there. */
async function orderOfFan(deps: PageDeps, c: Context): Promise<OrderAnswer> {
  const answer = await askShop(deps, c, doorRoutes.orderStatus, {
    params: { order: c.req.param('order') as string },
  });
  if (answer.status !== 200)
    throw new Problem(refusalOf(answer, localeOf(c)).code, 'This order cannot be shown here.');
  return OrderAnswer.parse(parsed(answer));
}

function attemptOf(form: URLSearchParams): Attempt {
  const field = (name: string) => form.get(name) ?? '';
  const key = validate(IdempotencyKey, field('key'));
  return { hold: field('hold'), name: field('name'), email: field('email'), token: field('token'), key };
}

/** No answer is not a refusal: what became of the payment is open. */
function noAnswer(error: unknown): null {
  if (error instanceof Problem && error.code === 'unavailable') return null;
  throw error;
}

/** The order of a refusal that says where its outcome can be asked for: the worker has it. */
function waitingOrder(answer: DoorAnswer): string | null {
  const { order, location } = parsed<{ order?: string; location?: string }>(answer);
  return location === undefined ? null : (order ?? null);
}

/** Whether the fan still holds seats to pay for. An admission that is over holds none, and may not ask. */
async function holdsSeats(deps: PageDeps, c: Context): Promise<boolean> {
  const answer = await askShop(deps, c, doorRoutes.holds).catch(refused);
  return answer?.status === 200 && parsed<z.infer<typeof HoldsAnswer>>(answer).holds.length > 0;
}

function refused(error: unknown): null {
  if (error instanceof Problem) return null;
  throw error;
}

async function confirmedOrder(deps: PageDeps, c: Context): Promise<string | null> {
  const answer = await askShop(deps, c, doorRoutes.orders);
  if (answer.status !== 200) return null;
  const { orders } = parsed<z.infer<typeof OrdersAnswer>>(answer);
  return orders.find(({ state }) => state === 'confirmed' || state === 'inProgress')?.order ?? null;
}

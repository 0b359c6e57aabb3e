import { type Context, Hono } from 'hono';
import type { z } from 'zod';
import { OrderAnswer, type OrderCreatedAnswer, type OrdersAnswer } from '#shared/contract/booking.ts';
import { IdempotencyKey } from '#shared/contract/fields.ts';
import { validate } from '#shared/json-body.ts';
import { Problem } from '#shared/problem.ts';
import { doorRoutes } from '../door/route-table.ts';
import { type PageDeps, saleOfPage } from './context.ts';
import { readForm } from './form.ts';
import { page } from './layout.ts';
import { type Attempt, orderPage, unclearPage } from './order-page.ts';
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
    const answer = await askShop(deps, c, doorRoutes.order, { json, key }).catch(noAnswer);
    if (answer?.status === 201) {
      const { order } = parsed<z.infer<typeof OrderCreatedAnswer>>(answer);
      return c.redirect(`/sales/${c.req.param('sale')}/orders/${order}`, 303);
    }
    const refusal = answer && refusalOf(answer);
    if (!refusal || refusal.code === 'in-progress' || refusal.code === 'unavailable') {
      const sale = await saleOfPage(deps, c.req.param('sale'));
      return page(c, {
        title: `Payment – ${sale.event.name}`,
        body: unclearPage(sale, attempt),
        status: 503,
      });
    }
    // An earlier attempt whose answer was lost may have taken these seats: then there is an order to show.
    const order = refusal.code === 'hold-lost' ? await confirmedOrder(deps, c) : null;
    if (order !== null) return c.redirect(`/sales/${c.req.param('sale')}/orders/${order}`, 303);
    return showShop(deps, c, { refusal, buyer: { name, email } });
  });

  app.get('/sales/:sale/orders/:order', async (c) => {
    const sale = await saleOfPage(deps, c.req.param('sale'));
    const answer = await askShop(deps, c, doorRoutes.orderStatus, {
      params: { order: c.req.param('order') },
    });
    if (answer.status !== 200) throw new Problem(refusalOf(answer).code, 'This order cannot be shown here.');
    const order = OrderAnswer.parse(parsed(answer));
    return page(c, {
      title: `Order – ${sale.event.name}`,
      body: orderPage(sale, order),
      refreshSeconds: order.state === 'inProgress' ? PROGRESS_REFRESH_SECONDS : undefined,
    });
  });

  return app;
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

async function confirmedOrder(deps: PageDeps, c: Context): Promise<string | null> {
  const answer = await askShop(deps, c, doorRoutes.orders);
  if (answer.status !== 200) return null;
  const { orders } = parsed<z.infer<typeof OrdersAnswer>>(answer);
  return orders.find(({ state }) => state === 'confirmed' || state === 'inProgress')?.order ?? null;
}

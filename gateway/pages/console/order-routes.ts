import { Hono } from 'hono';
import { html } from 'hono/html';
import { orderStates } from '#shared/contract/booking.ts';
import {
  FIND_LENGTH_MAX,
  FIND_LENGTH_MIN,
  type OrderListAnswer,
  OrderListQuery,
  type OrganiserOrder,
  RefundRequest,
} from '#shared/contract/organiser.ts';
import { validate } from '#shared/json-body.ts';
import { Problem } from '#shared/problem.ts';
import { requireId } from '../../organiser/answer.ts';
import { csvAnswer } from '../../organiser/booking-routes.ts';
import type { Html } from '../layout.ts';
import { type Locale, localeOf } from '../locale.ts';
import {
  attempt,
  type ConsoleContext,
  type ConsoleDeps,
  type ConsoleEnv,
  factsOf,
  problemWords,
  readConsoleForm,
  written,
} from './context.ts';
import { alert, consolePage, textField } from './frame.ts';

const ORDERS_PER_PAGE = 50;

/** Which orders, and behind which. */
type Asked = { after?: string | undefined; state?: string | undefined; find?: string | undefined };

type Refused = { order: string; words: string; reason: string };

type OrdersView = {
  sale: { sale: string; name: string };
  timeZone: string;
  page: OrderListAnswer;
  /** The query that shows this page. */
  query: Asked;
  /** What was looked for is too short or too long to look for. */
  isUnfit: boolean;
  /** The order that was refunded last: told from the list, not from the wish. */
  refunded: string | null;
  refused: Refused | null;
};

/** Orders of a sale, their refunds, and all of them as CSV. */
export function orderRoutes(deps: ConsoleDeps) {
  const { shop, catalogue } = deps;
  const app = new Hono<ConsoleEnv>();

  const show = async (
    c: ConsoleContext,
    asked: Asked,
    refused: Refused | null = null,
    status: Problem['status'] | 200 = 200,
  ) => {
    const locale = localeOf(c);
    const id = requireId(c.req.param('sale') as string);
    const { definition } = await shop.watch.renew(id);
    const isUnfit = asked.find !== undefined && !OrderListQuery.shape.find.safeParse(asked.find).success;
    const find = isUnfit ? undefined : asked.find;
    const query = validate(OrderListQuery, { limit: ORDERS_PER_PAGE, ...asked, find });
    const [page, event] = await Promise.all([catalogue.orders(id, query), factsOf(deps, definition.event)]);
    const refunded = c.req.query('refunded') ?? null;
    const body = ordersPage(
      {
        sale: definition,
        timeZone: event?.timeZone ?? 'UTC',
        page,
        query: asked,
        isUnfit,
        refunded,
        refused,
      },
      locale,
    );
    return consolePage(c, { title: locale.texts.console.orders.title, body, status });
  };

  app.get('/sales/:sale/orders', (c) =>
    show(c, {
      after: c.req.query('after') || undefined,
      state: c.req.query('state') || undefined,
      find: c.req.query('find')?.trim() || undefined,
    }),
  );

  app.get('/sales/:sale/orders.csv', async (c) => csvAnswer(c, catalogue, requireId(c.req.param('sale'))));

  app.post('/sales/:sale/orders', async (c) => {
    const sale = requireId(c.req.param('sale'));
    const form = await readConsoleForm(c);
    const locale = localeOf(c);
    const order = requireId(form.get('order') ?? '');
    const asked = {
      after: written(form, 'after'),
      state: written(form, 'state'),
      find: written(form, 'find'),
    };
    const reason = form.get('reason') ?? '';
    const { orders: words } = locale.texts.console;
    if (form.get('sure') !== 'yes') return show(c, asked, { order, words: words.notSure, reason }, 422);
    const done = await attempt(async () =>
      catalogue.refund(order, validate(RefundRequest, { reason }), c.get('organiser')),
    );
    if (done instanceof Problem) {
      const why = done.code === 'invalid-field' ? words.reasonHint : problemWords(done, locale);
      return show(c, asked, { order, words: why, reason }, done.status);
    }
    // Not by state: it is another one now.
    const back = searchOf({ after: asked.after, find: asked.find });
    back.set('refunded', order);
    return c.redirect(`/organiser/sales/${sale}/orders?${back}#order-${order}`, 303);
  });

  return app;
}

const searchOf = (asked: Asked): URLSearchParams =>
  new URLSearchParams(Object.entries(asked).filter((entry): entry is [string, string] => Boolean(entry[1])));

/** A page of the list. */
export function ordersPage(view: OrdersView, locale: Locale): Html {
  const { orders: words } = locale.texts.console;
  const { sale, page, query, refused } = view;
  const refunded = page.orders.find(({ order }) => order === view.refunded);
  const path = `/organiser/sales/${sale.sale}/orders`;
  const linkTo = (state: OrganiserOrder['state'] | undefined, label: string) =>
    state === query.state
      ? html`<span aria-current="true">${label}</span> `
      : html`<a href="${path}?${searchOf({ state, find: query.find })}">${label}</a> `;
  const older = searchOf({ ...query, after: page.next ?? undefined });
  return html`<h1>${words.title}</h1>
    <p><a href="/organiser/sales/${sale.sale}" dir="auto">${sale.name}</a></p>
    ${refused ? alert(refused.words) : ''}
    ${refunded ? html`<p class="card notice" role="status">${words.refunded(refunded.order, words.states[refunded.state])}</p>` : ''}
    ${searchForm(view, locale)}
    <nav class="more" aria-label="${words.title}">
      ${linkTo(undefined, words.all)} ${orderStates.map((state) => linkTo(state, words.states[state]))}
      <a href="${path}.csv">${words.csv}</a>
    </nav>
    ${page.orders.length === 0 ? html`<p>${query.find ? words.noneFound : words.none}</p>` : ''}
    <ul class="list">
      ${page.orders.map((order) => orderItem(order, view, locale))}
    </ul>
    ${page.next ? html`<p><a href="${path}?${older}">${words.older}</a></p>` : ''}`;
}

/** By address, so that a page can be kept and gone back to; nobody else keeps it (no-store, and no referrer elsewhere). */
function searchForm({ sale, query, isUnfit }: OrdersView, { texts }: Locale): Html {
  const { orders: words } = texts.console;
  return html`<form class="card" role="search" action="/organiser/sales/${sale.sale}/orders">
    ${query.state ? html`<input type="hidden" name="state" value="${query.state}" />` : ''}
    ${textField({
      ...{ id: 'find', name: 'find', label: words.find, value: query.find, hint: words.findHint },
      ...(isUnfit ? { fault: words.findUnfit } : {}),
      attributes: {
        type: 'search',
        minlength: FIND_LENGTH_MIN,
        maxlength: FIND_LENGTH_MAX,
        autocomplete: 'off',
      },
    })}
    <p class="actions">
      <button>${words.search}</button>
      ${query.find ? html`<a class="button quiet" href="/organiser/sales/${sale.sale}/orders">${words.showAll}</a>` : ''}
    </p>
  </form>`;
}

function orderItem(order: OrganiserOrder, view: OrdersView, locale: Locale): Html {
  const { orders: words } = locale.texts.console;
  const { order: id, buyer, seats, total, state, failure, createdAt } = order;
  const failures: Record<string, string> = words.failures;
  return html`<li id="order-${id}">
    <b><code dir="ltr">${id}</code></b> · ${words.states[state]}${failure ? html`: ${failures[failure] ?? ''} <code class="hint" dir="ltr">${failure}</code>` : ''}
    <span><bdi>${buyer.name}</bdi> · <bdi>${buyer.email}</bdi></span>
    <span>${words.seats(seats.map(({ seat }) => seat).join(', '))} · ${locale.money(total)}</span>
    <span>${locale.moment(createdAt, view.timeZone)}</span>
    ${state === 'confirmed' ? refundForm(order, view, locale) : ''}
  </li>`;
}

function refundForm({ order, buyer, total }: OrganiserOrder, view: OrdersView, locale: Locale): Html {
  const { orders: words } = locale.texts.console;
  const refused = view.refused?.order === order ? view.refused : null;
  return html`<details ${refused ? 'open' : ''}>
    <summary>${words.refund}</summary>
    <form class="card" method="post" action="/organiser/sales/${view.sale.sale}/orders">
      <p>${words.refundAbout}</p>
      <input type="hidden" name="order" value="${order}" />
      <input type="hidden" name="after" value="${view.query.after ?? ''}" />
      <input type="hidden" name="state" value="${view.query.state ?? ''}" />
      <input type="hidden" name="find" value="${view.query.find ?? ''}" />
      ${textField({
        ...{ id: `reason-${order}`, name: 'reason', label: words.reason, hint: words.reasonHint },
        value: refused?.reason,
        attributes: { maxlength: 500, required: true, autocomplete: 'off' },
      })}
      <label class="tick">
        <input type="checkbox" name="sure" value="yes" required />
        <span dir="auto">${words.sure(locale.money(total), buyer.name)}</span>
      </label>
      <p class="actions"><button class="danger">${words.submit}</button></p>
    </form>
  </details>`;
}

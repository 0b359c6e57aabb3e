import { html } from 'hono/html';
import type { StatusAnswer } from '#shared/contract/queue.ts';
import { countdown } from './countdown.ts';
import type { Html } from './layout.ts';
import { ended, notJoined, type PlaceView, rejoin } from './place-outside.ts';
import { held, leave, live, queueing, trouble, updated } from './place-waiting.ts';
import { named, sentence } from './sentence.ts';
import { viewOf } from './views.ts';

/** The queue page: what is going on, where the fan stands, what happens next, and what they can do. */
export const placePage = (view: PlaceView): Html => html`${concert(view)}
  ${notice(view)} ${standing(view)}
  ${prices(view)}`;

const concert = ({ sale: { event, name }, locale }: PlaceView): Html => html`<header>
  <h1>${named(event.name)}</h1>
  <p>${named(event.venue)}<br />${locale.day(event.startsAt, event.timeZone)}</p>
  <p class="soft">${named(name)}</p>
</header>`;

/** There from the beginning, hidden while there is none: the page's script shows a message that comes meanwhile. */
function notice({ sale: { notice, event }, locale }: PlaceView): Html {
  const { label, by } = locale.texts.queue.notice;
  const time = html`<span data-show="noticed">${notice ? locale.clock(notice.at, event.timeZone) : ''}</span>`;
  return html`<div role="status">
    <section class="card notice" aria-label="${label}" data-notice="${notice?.at ?? ''}" ${notice ? '' : 'hidden'}>
      <p dir="auto" data-show="notice">${notice?.text ?? ''}</p>
      <p class="soft">${sentence(by, { time })}</p>
    </section>
  </div>`;
}

/** How many are left is a word of its moment: it says which, and the page's script takes it away when it is wrong. */
function prices({ sale: { prices, left, serverTime, event, state }, locale }: PlaceView): Html {
  const { queue, seats } = locale.texts;
  const { title, price: line, asOf, left: words } = queue.prices;
  const isOver = state === 'closed' || state === 'soldOut';
  const word = left.word && left.word !== 'none' && !isOver ? words[left.word] : null;
  return html`<section>
    <h2>${title}</h2>
    <ul class="list">
      ${prices.map(({ section, price }) => html`<li>${line(seats.section(section), locale.money(price))}</li>`)}
    </ul>
    ${word ? html`<p data-show="left">${asOf(word, locale.clock(serverTime, event.timeZone))}</p>` : ''}
  </section>`;
}

function standing(view: PlaceView): Html {
  const { sale, status, locale } = view;
  if (!status) return notJoined(view);
  const { queue } = locale.texts;
  switch (viewOf(status)) {
    case 'lobby':
    case 'undrawn':
    case 'waiting':
    case 'paused':
    case 'kept':
      return queueing(view, status);
    case 'ready':
    case 'full':
      return ready(view, status);
    case 'admitted':
      return admitted(view, status);
    case 'finished':
      return finished(view);
    case 'returning':
      return card(
        view,
        queue.returning,
        html`<p>${queue.returningMeaning}</p>
          ${held(view)}`,
      );
    case 'missed':
      return rejoin(view, queue.missed, queue.missedBecause(locale.duration(sale.claimSeconds)));
    case 'lapsed':
      return rejoin(view, queue.lapsed, queue.lapsedBecause(locale.duration(sale.graceSeconds)));
    case 'expired':
      return rejoin(view, queue.expired, '');
    case 'left':
      return rejoin(view, queue.left, '');
    default:
      return ended(view, sale.state);
  }
}

function ready(view: PlaceView, status: StatusAnswer): Html {
  const { sale, locale } = view;
  const { queue } = locale.texts;
  return html`<section class="card" ${live(view, status)}>
    <h2>${queue.turn}</h2>
    ${
      status.claimBy
        ? html`<p class="position">${countdown(status.claimBy, sale.serverTime, locale)}</p>
            <p>${queue.turnEnds(locale.clock(status.claimBy, sale.event.timeZone))}</p>`
        : html`<p>${queue.shopFull}</p>`
    }
    ${claimForm(view, queue.enter, status.claimBy !== null)} ${trouble(view)} ${updated(view, status)}
    ${leave(view, queue.giveTurn)}
  </section>`;
}

const claimForm = ({ sale }: PlaceView, label: string, byItself: boolean): Html => html`<form
  method="post"
  action="/sales/${sale.sale}/claim"
  ${byItself ? 'data-claim' : ''}
>
  <p class="actions"><button>${label}</button></p>
</form>`;

function admitted(view: PlaceView, status: StatusAnswer): Html {
  const { sale, locale } = view;
  const { queue } = locale.texts;
  return html`<section class="card" ${live(view, status)}>
    <h2>${queue.admitted}</h2>
    <p>${sentence(queue.shopUntil, {
      time: status.expiresAt ? locale.clock(status.expiresAt, sale.event.timeZone) : '',
      left: status.expiresAt ? countdown(status.expiresAt, sale.serverTime, locale) : '',
    })}</p>
    ${claimForm(view, queue.toSeats, false)}
  </section>`;
}

function finished(view: PlaceView): Html {
  const { sale, orders, locale } = view;
  const { queue } = locale.texts;
  const links = orders.map(
    (order) => html`<li><a href="/sales/${sale.sale}/orders/${order}">${queue.order(order)}</a></li>`,
  );
  return card(
    view,
    queue.finished,
    orders.length === 0
      ? html`<p>${queue.thanks}</p>`
      : html`<p>${queue.thanksAndOrders}</p>
          <ul class="list">${links}</ul>`,
  );
}

const card = (view: PlaceView, title: string, body: Html): Html => html`<section
  class="card"
  ${view.status ? live(view, view.status) : ''}
>
  <h2>${title}</h2>
  ${body}
</section>`;

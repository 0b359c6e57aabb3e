import { html } from 'hono/html';
import type { StatusAnswer } from '#shared/contract/queue.ts';
import { ACCESS_CODE_LENGTH_MAX, type SaleAnswer } from '#shared/contract/sale.ts';
import { formatClock, formatDay, formatDuration, formatMoment, formatMoney, formatNumber } from './format.ts';
import type { Html } from './layout.ts';
import { heldInWords, waitInWords } from './words.ts';

const leftTexts = {
  plenty: 'Plenty of seats left',
  limited: 'A limited number of seats left',
  few: 'Few seats left',
};

export type QueueView = {
  sale: SaleAnswer;
  status: StatusAnswer | null;
  refreshes: boolean;
  orders: string[];
  /** An access code that gave no place, and why; null when none was tried. */
  refused: { accessCode: string; reason: string } | null;
};

/** The queue page: what is going on, where the fan stands, what happens next, and what they can do. */
export const queuePage = (view: QueueView): Html => html`${concert(view.sale)}
  ${notice(view.sale)} ${standing(view)}
  ${prices(view.sale)}`;

const concert = ({ event, name }: SaleAnswer): Html => html`<header>
  <h1>${event.name}</h1>
  <p>${event.venue}<br />${formatDay(event.startsAt, event.timeZone)}</p>
  <p class="soft">${name}</p>
</header>`;

/** There from the beginning, hidden while there is none: the page's script shows a message that comes meanwhile. */
const notice = ({ notice, event }: SaleAnswer): Html => html`<div role="status">
  <section
    class="card notice"
    aria-label="Message from the organiser"
    data-notice="${notice?.at ?? ''}"
    data-zone="${event.timeZone}"
    ${notice ? '' : 'hidden'}
  >
    <p data-show="notice">${notice?.text ?? ''}</p>
    <p class="soft">The organiser, <span data-show="noticed">${notice ? formatClock(notice.at, event.timeZone) : ''}</span></p>
  </section>
</div>`;

const prices = ({ prices, left }: SaleAnswer): Html => html`<section>
  <h2>Prices</h2>
  <ul class="list">
    ${prices.map(({ section, price }) => html`<li>Section ${section}: ${formatMoney(price)}, all fees included</li>`)}
  </ul>
  ${left.word && left.word !== 'none' ? html`<p>${leftTexts[left.word]}.</p>` : ''}
</section>`;

function standing(view: QueueView): Html {
  const { sale, status } = view;
  if (!status) return notJoined(view);
  switch (status.state) {
    case 'lobby':
      return lobby(view, status);
    case 'waiting':
      return waiting(view, status);
    case 'ready':
      return ready(view, status);
    case 'admitted':
      return admitted(view, status);
    case 'finished':
      return finished(view);
    case 'missed':
      return status.returning ? returning(view) : rejoin(view, 'Your turn has passed', missedText(sale));
    case 'lapsed':
      return rejoin(view, 'Your place was given up', lapsedText(sale));
    case 'expired':
      return rejoin(view, 'Your shopping time is over', 'You can join again, at the end of the queue.');
    case 'left':
      return rejoin(view, 'You left the queue', 'You can join again, at the end of the queue.');
    case 'closed':
      return ended(sale);
  }
}

/** Whether somebody who has no place can take one. */
export const isJoinable = ({ state }: SaleAnswer): boolean =>
  state === 'open' || state === 'paused' || state === 'lobby';

/** The browser's key of this sale comes with it, as a cookie: pressed twice, or in two tabs, it gives one place. */
const joinForm = (
  { sale, refused }: QueueView,
  label: string,
): Html => html`<form method="post" action="/sales/${sale.sale}/join">
  ${sale.accessCodeNeeded ? accessCodeField(refused) : ''}
  <p class="actions"><button>${label}</button></p>
</form>`;

const accessCodeField = (
  refused: QueueView['refused'],
): Html => html`<label for="access-code">Your access code</label>
  <input
    id="access-code"
    name="accessCode"
    required
    maxlength="${ACCESS_CODE_LENGTH_MAX}"
    autocomplete="off"
    autocapitalize="none"
    spellcheck="false"
    aria-describedby="access-code-hint"
    value="${refused?.accessCode ?? ''}"
    ${refused ? html`aria-invalid="true" autofocus` : ''}
  />
  ${
    refused
      ? html`<p class="bad" id="access-code-hint" role="alert">${refused.reason}</p>`
      : html`<p class="soft" id="access-code-hint">This sale is for fans with a code. Capitals make no difference.</p>`
  }`;

function notJoined(view: QueueView): Html {
  const { sale } = view;
  const opensAt = html`${formatDay(sale.opensAt, sale.event.timeZone)}`;
  switch (sale.state) {
    case 'scheduled': {
      const next = sale.lobbyOpensAt ?? sale.opensAt;
      return html`<section class="card" data-state="none" data-now="${sale.serverTime}">
        <h2>The sale opens ${opensAt}</h2>
        <p class="position"><span data-until="${next}" data-at-zero="reload"></span></p>
        <p>${sale.lobbyOpensAt ? 'Until the lobby opens. Everyone in it at the opening gets a random place.' : 'Until you can join the queue.'}</p>
      </section>`;
    }
    case 'lobby':
      return html`<section class="card">
        <h2>The lobby is open</h2>
        <p>The sale opens ${opensAt}. ${lobbyRule}</p>
        ${joinForm(view, 'Enter the lobby')}
      </section>`;
    case 'open':
    case 'paused':
      return html`<section class="card">
        <h2>${sale.state === 'open' ? 'The sale is open' : 'Entry is paused for a moment'}</h2>
        ${sale.waiting ? html`<p>${formatNumber(sale.waiting)} fans are waiting.</p>` : ''} ${held(sale)}
        <p>You get a place in the queue, and see it all the time.</p>
        ${joinForm(view, 'Join the queue')}
      </section>`;
    default:
      return ended(sale);
  }
}

const lobbyRule =
  'Everyone here by then gets a random place; being earlier does not help; later arrivals join behind.';

const lobby = (
  view: QueueView,
  status: StatusAnswer,
): Html => html`<section class="card" ${live(view, status)}>
  <h2>You are in the lobby</h2>
  ${view.sale.state === 'lobby' ? untilOpening(view.sale) : html`<p>${untilDrawn(view.sale)}</p>`}
  <p><a href="/sales/${view.sale.sale}/draw">How the draw can be checked</a></p>
  ${trouble} ${updated(view, status)} ${leave(view.sale, 'Leave the lobby')}
</section>`;

const untilOpening = (
  sale: SaleAnswer,
): Html => html`<p class="position"><span data-until="${sale.opensAt}"></span></p>
  <p>until the sale opens, ${formatDay(sale.opensAt, sale.event.timeZone)}. ${lobbyRule}</p>`;

/** Between the opening and the draw: everybody has a place, and nobody knows yet which. */
const untilDrawn = ({ beacon, draw, event }: SaleAnswer): Html =>
  beacon && (draw === 'frozen' || draw === 'awaitingBeacon')
    ? html`The sale is open. The order of the lobby is drawn as soon as a public value is known that nobody can know before:
      “${beacon.name}”, from ${formatMoment(beacon.from, event.timeZone)} on. Your place is ahead of everybody who came after
      the opening; until then nobody has a turn.`
    : html`The sale is open, and the order of the lobby is being drawn. You see your position in a moment.`;

function waiting(view: QueueView, status: StatusAnswer): Html {
  const { sale } = view;
  const known = status.position !== null;
  return html`<section class="card" ${live(view, status)}>
    ${
      known
        ? html`<p class="position">Position: <span data-show="position">${formatNumber(status.position ?? 0)}</span></p>
            ${counted('ahead', status.ahead ?? 0, '{n} ahead of you.', 'You are next.')}
            <p><progress max="1" value="0" aria-label="Your way through the queue"></progress></p>`
        : html`<p class="position">Your place is kept</p>
            <p>The queue cannot be read for a moment. You need to do nothing.</p>`
    }
    ${
      sale.state === 'paused'
        ? html`<p>The organiser has paused entry. Nobody overtakes you.</p>`
        : counted('rate', status.admittedPerMinute, 'About {n} a minute are let in.', '')
    }
    ${held(sale)}
    <p data-show="wait">${waitInWords(status.estimate)}</p>
    <h2>What happens next</h2>
    <p>
      When it is your turn this page takes you into the shop. You can close it or lock your phone: if you are back
      within ${formatDuration(sale.graceSeconds)} you have lost nothing, except that a turn which came meanwhile waits
      only ${formatDuration(sale.claimSeconds)}. Whoever is not seen for ${formatDuration(sale.graceSeconds)} is taken
      out of the queue.
    </p>
    ${trouble} ${updated(view, status)} ${leave(sale, 'Leave the queue')}
  </section>`;
}

/** Empty while seats are open. */
const held = ({ allHeldUntil, event }: SaleAnswer): Html => html`<p data-show="held">
  ${heldInWords(allHeldUntil, event.timeZone)}
</p>`;

/** A sentence about a number that the page's script keeps up to date; `none` stands there for zero. */
const counted = (name: string, value: number, text: string, none: string): Html => html`<p
  class="number"
  data-show="${name}"
  data-text="${text}"
  data-none="${none}"
>
  ${value === 0 ? none : text.replace('{n}', formatNumber(value))}
</p>`;

const ready = (
  view: QueueView,
  status: StatusAnswer,
): Html => html`<section class="card" ${live(view, status)}>
  <h2>It is your turn</h2>
  ${
    status.claimBy
      ? html`<p class="position"><span data-until="${status.claimBy}"></span></p>
          <p>to enter the shop, until ${formatClock(status.claimBy, view.sale.event.timeZone)}.</p>`
      : html`<p>The shop is full for a moment. Your turn is kept.</p>`
  }
  ${claimForm(view.sale, 'Enter the shop', status.claimBy !== null)} ${trouble} ${updated(view, status)}
  ${leave(view.sale, 'Give your turn to the next fan')}
</section>`;

const claimForm = (sale: SaleAnswer, label: string, byItself: boolean): Html => html`<form
  method="post"
  action="/sales/${sale.sale}/claim"
  ${byItself ? 'data-claim' : ''}
>
  <p class="actions"><button>${label}</button></p>
</form>`;

const admitted = (
  view: QueueView,
  status: StatusAnswer,
): Html => html`<section class="card" ${live(view, status)}>
  <h2>You are in</h2>
  <p>
    You can shop until ${status.expiresAt ? formatClock(status.expiresAt, view.sale.event.timeZone) : ''}
    (<span data-until="${status.expiresAt}"></span>).
  </p>
  ${claimForm(view.sale, 'Go to the seats', false)}
</section>`;

const finished = (view: QueueView): Html =>
  card(
    view,
    'You have finished',
    view.orders.length === 0
      ? html`<p>Thank you. If you bought tickets, they are in your mail.</p>`
      : html`<p>Thank you. Your tickets are in your mail, and here:</p>
          <ul class="list">
            ${view.orders.map((order) => html`<li><a href="/sales/${view.sale.sale}/orders/${order}">Order ${order}</a></li>`)}
          </ul>`,
  );

const returning = (view: QueueView): Html =>
  card(
    view,
    'You missed your turn, and get the next free one',
    html`<p>Stay here: it comes as soon as there is room. This happens once.</p>
      ${held(view.sale)}`,
  );

const card = (view: QueueView, title: string, body: Html): Html => html`<section
  class="card"
  ${view.status ? live(view, view.status) : ''}
>
  <h2>${title}</h2>
  ${body}
</section>`;

const missedText = (sale: SaleAnswer): string =>
  `Nobody came for it within ${formatDuration(sale.claimSeconds)}. You can join again, at the end of the queue.`;

const lapsedText = (sale: SaleAnswer): string =>
  `We had not seen you for more than ${formatDuration(sale.graceSeconds)}. You can join again, at the end of the queue.`;

function rejoin(view: QueueView, title: string, text: string): Html {
  const { sale } = view;
  return html`<section class="card">
    <h2>${title}</h2>
    <p>${text}</p>
    ${isJoinable(sale) ? joinForm(view, 'Join again') : ended(sale)}
  </section>`;
}

const ended = (sale: SaleAnswer): Html => html`<section class="card">
  <h2>${sale.state === 'soldOut' ? 'Sold out' : 'The sale has ended'}</h2>
  <p>${sale.state === 'soldOut' ? 'Every seat is sold.' : 'Nobody new can get in.'} You do not need to wait any longer.</p>
</section>`;

/** What the page's script starts from. */
const live = ({ sale }: QueueView, status: StatusAnswer): Html => html`data-state="${status.state}"
  data-sale-state="${status.saleState}" data-poll="/api/sales/${sale.sale}/queue/me" data-version="${status.version}"
  data-after="${status.pollAfterMs}" data-now="${sale.serverTime}" data-title="${sale.event.name}"
  data-first="${status.position ?? ''}" data-timed="${status.claimBy ? 'yes' : 'no'}"`;

const trouble = html`<p class="soft" role="status" data-show="trouble"></p>`;

const updated = ({ sale, refreshes }: QueueView, status: StatusAnswer): Html => html`<p class="soft">
  Updated <span data-show="updated">${formatClock(status.asOf, sale.event.timeZone)}</span>.
  <a href="/sales/${sale.sale}${refreshes ? '' : '?refresh=off'}">Refresh</a>
  <noscript>
    ${
      refreshes
        ? html`This page refreshes by itself. <a href="/sales/${sale.sale}?refresh=off">Stop that</a>`
        : html`<a href="/sales/${sale.sale}">Refresh by itself</a>`
    }
  </noscript>
</p>`;

const leave = (sale: SaleAnswer, label: string): Html => html`<details>
  <summary>${label}</summary>
  <form method="post" action="/sales/${sale.sale}/leave">
    <p>Your place goes to the next fan. If you come back, you join at the end.</p>
    <p class="actions"><button class="quiet">Yes, leave</button></p>
  </form>
</details>`;

import { html } from 'hono/html';
import type { StatusAnswer } from '#shared/contract/queue.ts';
import { ACCESS_CODE_LENGTH_MAX, type SaleAnswer, type SaleState } from '#shared/contract/sale.ts';
import { formatClock, formatDay, formatDuration, formatMoment, formatMoney, formatNumber } from './format.ts';
import type { Html } from './layout.ts';
import { viewOf } from './views.ts';
import { heldInWords, waitInWords } from './words.ts';

/** Whoever waits for a sale comes when it opens, spread over this time; to a lobby over a longer one: earlier is no better there. */
const OPENING_SPREAD_MS = 3_000;
const LOBBY_SPREAD_MS_MAX = 15_000;
/** A short lobby leaves most of its time to come in. */
const SPREADS_PER_LOBBY = 4;

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

/** How many are left is a word of its moment: it says which, and the page's script takes it away when it is wrong. */
const prices = ({ prices, left, serverTime, event, state }: SaleAnswer): Html => html`<section>
  <h2>Prices</h2>
  <ul class="list">
    ${prices.map(({ section, price }) => html`<li>Section ${section}: ${formatMoney(price)}, all fees included</li>`)}
  </ul>
  ${left.word && left.word !== 'none' && state !== 'closed' && state !== 'soldOut' ? html`<p data-show="left">${leftTexts[left.word]}, as of ${formatClock(serverTime, event.timeZone)}.</p>` : ''}
</section>`;

function standing(view: QueueView): Html {
  const { sale, status } = view;
  if (!status) return notJoined(view);
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
      return returning(view);
    case 'missed':
      return rejoin(view, 'Your turn has passed', missedText(sale));
    case 'lapsed':
      return rejoin(view, 'Your place was given up', lapsedText(sale));
    case 'expired':
      return rejoin(view, 'Your shopping time is over', '');
    case 'left':
      return rejoin(view, 'You left the queue', '');
    default:
      return ended(sale.state);
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
        <p class="position"><span data-until="${next}" data-at-zero="${openingSpreadMs(sale)}"></span></p>
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
        ${sale.waiting ? html`<p>${formatNumber(sale.waiting)} ${sale.waiting === 1 ? 'fan is' : 'fans are'} waiting.</p>` : ''} ${held(sale)}
        <p>You get a place in the queue, and see it all the time.</p>
        ${joinForm(view, 'Join the queue')}
      </section>`;
    default:
      return ended(sale.state);
  }
}

const openingSpreadMs = ({ lobbyOpensAt, opensAt }: SaleAnswer): number =>
  lobbyOpensAt === null
    ? OPENING_SPREAD_MS
    : Math.min(LOBBY_SPREAD_MS_MAX, (Date.parse(opensAt) - Date.parse(lobbyOpensAt)) / SPREADS_PER_LOBBY);

const lobbyRule =
  'Everyone here by then gets a random place; being earlier does not help; later arrivals join behind.';

const untilOpening = (
  sale: SaleAnswer,
): Html => html`<p class="position"><span data-until="${sale.opensAt}"></span></p>
  <p>until the sale opens, ${formatDay(sale.opensAt, sale.event.timeZone)}. ${lobbyRule}</p>`;

/** Between the opening and the draw: everybody has a place, and nobody knows yet which. */
const untilDrawn = ({ beacon, draw, event }: SaleAnswer): Html =>
  beacon && draw !== 'drawing' && draw !== 'drawn' && draw !== 'unproven'
    ? html`The sale is open. The order of the lobby is drawn as soon as a public value is known that nobody can know before:
      “${beacon.name}”, from ${formatMoment(beacon.from, event.timeZone)} on. Your place is ahead of everybody who came after
      the opening; until then nobody has a turn.`
    : html`The sale is open, and the order of the lobby is being drawn. You see your position in a moment.`;

/**
 * Whoever queues has all words that may become true for everybody at once in the page, hidden until they do: its script
 * turns from one to another in place, and a pause or the last seat makes no crowd ask for the page again.
 */
function queueing(view: QueueView, status: StatusAnswer): Html {
  const { sale } = view;
  const current = viewOf(status);
  const when = (...views: string[]): Html =>
    html`data-when="${views.join(' ')}" ${views.includes(current) ? '' : 'hidden'}`;
  return html`<section class="card" ${live(view, status)}>
    <div ${when('lobby', 'undrawn')}>
      <h2>You are in the lobby</h2>
      <div ${when('lobby')}>${untilOpening(sale)}</div>
      <p ${when('undrawn')}>${untilDrawn(sale)}</p>
      <p><a href="/sales/${sale.sale}/draw">How the draw can be checked</a></p>
    </div>
    <div ${when('waiting', 'paused')}>
      <p class="position">Position: <span data-show="position">${status.position === null ? '' : formatNumber(status.position)}</span></p>
      ${counted('ahead', status.ahead ?? 0, '{n} ahead of you.', 'You are next.')}
      <p><progress max="1" value="0" aria-label="Your way through the queue"></progress></p>
    </div>
    <div role="status">
      <div ${when('kept')}>
        <p class="position">Your place is kept</p>
        <p>The queue cannot be read for a moment. You need to do nothing.</p>
      </div>
      <p ${when('paused')}>The organiser has paused entry. Nobody overtakes you.</p>
      <div ${when('soldOut')}>${endedText('soldOut')}</div>
      <div ${when('closed')}>${endedText('closed')}</div>
    </div>
    <div ${when('waiting')}>
      ${counted('rate', status.admittedPerMinute, 'About {n} a minute are let in.', '')}
    </div>
    <div ${when('waiting', 'paused')}>
      ${held(sale)}
      <p data-show="wait">${waitInWords(status.estimate)}</p>
    </div>
    <div ${when('waiting', 'paused', 'kept')}>
      <h2>What happens next</h2>
      <p>
        When it is your turn this page takes you into the shop. You can close it or lock your phone: if you are back
        within ${formatDuration(sale.graceSeconds)} you have lost nothing, except that a turn which came meanwhile waits
        only ${formatDuration(sale.claimSeconds)}. Whoever is not seen for ${formatDuration(sale.graceSeconds)} is taken
        out of the queue.
      </p>
    </div>
    <div ${when('lobby', 'undrawn', 'waiting', 'paused', 'kept')}>
      ${trouble} ${updated(view, status)}
      ${leave(
        sale,
        html`<span ${when('lobby', 'undrawn')}>Leave the lobby</span
          ><span ${when('waiting', 'paused', 'kept')}>Leave the queue</span>`,
      )}
    </div>
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
  `Nobody came for it within ${formatDuration(sale.claimSeconds)}.`;

const lapsedText = (sale: SaleAnswer): string =>
  `We had not seen you for more than ${formatDuration(sale.graceSeconds)}.`;

function rejoin(view: QueueView, title: string, text: string): Html {
  const { sale } = view;
  return html`<section class="card">
    <h2>${title}</h2>
    ${text ? html`<p>${text}</p>` : ''}
    ${
      isJoinable(sale)
        ? html`<p>You can join again, at the end of the queue.</p>
            ${joinForm(view, 'Join again')}`
        : endedText(sale.state)
    }
  </section>`;
}

const ended = (state: SaleState): Html => html`<section class="card">${endedText(state)}</section>`;

const endedText = (
  state: SaleState,
): Html => html`<h2>${state === 'soldOut' ? 'Sold out' : 'The sale has ended'}</h2>
  <p>${state === 'soldOut' ? 'Every seat is sold.' : 'Nobody new can get in.'} You do not need to wait any longer.</p>`;

/** What the page's script starts from. */
const live = ({ sale }: QueueView, status: StatusAnswer): Html => html`data-state="${viewOf(status)}"
  data-poll="/api/sales/${sale.sale}/queue/me" data-version="${status.version}"
  data-after="${status.pollAfterMs}" data-now="${sale.serverTime}" data-title="${sale.event.name}"
  data-position="${status.position ?? ''}"`;

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

const leave = (sale: SaleAnswer, label: string | Html): Html => html`<details>
  <summary>${label}</summary>
  <form method="post" action="/sales/${sale.sale}/leave">
    <p>Your place goes to the next fan. If you come back, you join at the end.</p>
    <p class="actions"><button class="quiet">Yes, leave</button></p>
  </form>
</details>`;

import { html } from 'hono/html';
import type { StatusAnswer } from '#shared/contract/queue.ts';
import { countdown } from './countdown.ts';
import type { Html } from './layout.ts';
import { endedText, heldInWords, type PlaceView } from './place-outside.ts';
import { named, sentence } from './sentence.ts';
import { viewOf } from './views.ts';
import { type PluralForms, waitForms } from './words.ts';

/**
 * Whoever queues has all words that may become true for everybody at once in the page, hidden until they do: its script
 * turns from one to another in place, and a pause or the last seat makes no crowd ask for the page again.
 */
export function queueing(view: PlaceView, status: StatusAnswer): Html {
  const { sale, locale } = view;
  const { queue } = locale.texts;
  const current = viewOf(status);
  const when = (...views: string[]): Html =>
    html`data-when="${views.join(' ')}" ${views.includes(current) ? '' : 'hidden'}`;
  // Nobody comes back into the lobby: once it is drawn its words are not needed any more.
  const isInLobby = current === 'lobby' || current === 'undrawn';
  return html`<section class="card" ${live(view, status)}>
    ${
      isInLobby
        ? html`<div ${when('lobby', 'undrawn')}>
            <h2>${queue.inLobby}</h2>
            ${current === 'lobby' ? html`<div ${when('lobby')}>${untilOpening(view)}</div>` : ''}
            <p ${when('undrawn')}>${untilDrawn(view)}</p>
            <p><a href="/sales/${sale.sale}/draw">${queue.aboutDraw}</a></p>
          </div>`
        : ''
    }
    <div ${when('waiting', 'paused')}>
      <p class="position">${sentence(queue.position, {
        position: html`<span data-show="position">${status.position === null ? '' : locale.number(status.position)}</span>`,
      })}</p>
      ${counted(view, 'ahead', status.ahead ?? 0, queue.ahead)}
      <p><progress max="1" value="0" aria-label="${queue.way}"></progress></p>
      <p class="soft" role="status" data-show="minute" data-text="${queue.minute.moved}" data-still="${queue.minute.still}"></p>
    </div>
    <div role="status">
      <div ${when('kept')}>
        <p class="position">${queue.kept}</p>
        <p>${queue.keptMeaning}</p>
      </div>
      <p ${when('paused')}>${queue.paused}</p>
      <div ${when('soldOut')}>${endedText(view, 'soldOut')}</div>
      <div ${when('closed')}>${endedText(view, 'closed')}</div>
    </div>
    <div ${when('waiting')}>${counted(view, 'rate', status.admittedPerMinute, queue.rate)}</div>
    <div ${when('waiting', 'paused')}>
      ${held(view)}
      <p data-show="wait" data-text="${waitForms.map((form) => queue.wait[form]).join('|')}">${locale.wait(status.estimate)}</p>
    </div>
    <div ${when('waiting', 'paused', 'kept')}>
      <h2>${queue.next}</h2>
      <p>${queue.rules(locale.duration(sale.graceSeconds), locale.duration(sale.claimSeconds))}</p>
    </div>
    <div ${when(...(isInLobby ? ['lobby', 'undrawn'] : []), 'waiting', 'paused', 'kept')}>
      ${trouble(view)} ${updated(view, status)}
      <p><button type="button" class="quiet" data-call="${queue.turn}" aria-pressed="false" hidden>${queue.call}</button></p>
      ${leave(
        view,
        isInLobby
          ? html`<span ${when('lobby', 'undrawn')}>${queue.leaveLobby}</span
              ><span ${when('waiting', 'paused', 'kept')}>${queue.leave}</span>`
          : queue.leave,
      )}
    </div>
  </section>`;
}

const untilOpening = ({
  sale,
  locale,
}: PlaceView): Html => html`<p class="position">${countdown(sale.opensAt, sale.serverTime, locale)}</p>
  <p>${locale.texts.queue.untilOpening(locale.day(sale.opensAt, sale.event.timeZone))} ${locale.texts.queue.lobbyRule}</p>`;

/** Between the opening and the draw: everybody has a place, and nobody knows yet which. */
function untilDrawn({ sale: { beacon, draw, event }, locale }: PlaceView): Html | string {
  const { drawing, awaitingBeacon } = locale.texts.queue;
  if (!beacon || draw === 'drawing' || draw === 'drawn' || draw === 'unproven') return drawing;
  return sentence(awaitingBeacon, {
    name: named(beacon.name),
    from: locale.moment(beacon.from, event.timeZone),
  });
}

/** Empty while seats are open. */
export const held = (
  view: PlaceView,
): Html => html`<p data-show="held" data-text="${view.locale.texts.queue.held}">
  ${view.sale.allHeldUntil ? heldInWords(view, view.sale.allHeldUntil) : ''}
</p>`;

/** A sentence about a number that the page's script keeps up to date, in all the forms that it can take. */
const counted = ({ locale }: PlaceView, name: string, value: number, forms: PluralForms): Html => html`<p
  class="number"
  data-show="${name}"
  ${Object.entries(forms).map(([form, text]) => html` data-${form}="${text}"`)}
>
  ${locale.count(value, forms)}
</p>`;

/** What the page's script starts from: the version seen, after how many milliseconds to ask, and the position. */
export const live = ({ sale }: PlaceView, status: StatusAnswer): Html => html`data-state="${viewOf(status)}"
  data-poll="${status.version} ${status.pollAfterMs} ${status.position ?? ''}" data-zone="${sale.event.timeZone}"
  ${hasClock(viewOf(status)) ? html`data-now="${sale.serverTime}"` : ''}`;

/** Only these count down to a moment. */
export const hasClock = (view: string): boolean => ['lobby', 'ready', 'full', 'admitted'].includes(view);

export const trouble = ({ locale }: PlaceView): Html => html`<p
  class="soft"
  role="status"
  data-show="trouble"
  data-offline="${locale.texts.queue.offline}"
  data-unreachable="${locale.texts.queue.unreachable}"
></p>`;

export function updated({ sale, refreshes, locale }: PlaceView, status: StatusAnswer): Html {
  const { queue } = locale.texts;
  const time = html`<span data-show="updated">${locale.clock(status.asOf, sale.event.timeZone)}</span>`;
  return html`<p class="soft">
    ${sentence(queue.updated, { time })}
    <a href="/sales/${sale.sale}/place${refreshes ? '' : '?refresh=off'}">${queue.refresh}</a>
    <noscript>
      ${
        refreshes
          ? html`${queue.refreshes} <a href="/sales/${sale.sale}/place?refresh=off">${queue.stopRefreshing}</a>`
          : html`<a href="/sales/${sale.sale}/place">${queue.startRefreshing}</a>`
      }
    </noscript>
  </p>`;
}

/** A question first. */
export const leave = ({ sale, locale }: PlaceView, label: Html | string): Html => html`<details>
  <summary>${label}</summary>
  <form method="post" action="/sales/${sale.sale}/leave">
    <p>${locale.texts.queue.leaveMeaning}</p>
    <p class="actions"><button class="quiet">${locale.texts.queue.leaveForSure}</button></p>
  </form>
</details>`;

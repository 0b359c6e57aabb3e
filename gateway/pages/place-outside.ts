import { html } from 'hono/html';
import type { StatusAnswer } from '#shared/contract/queue.ts';
import { ACCESS_CODE_LENGTH_MAX, type SaleAnswer, type SaleState } from '#shared/contract/sale.ts';
import { countdown } from './countdown.ts';
import type { Html } from './layout.ts';
import type { Locale } from './locale.ts';

/** Whoever waits for a sale comes when it opens, spread over this time; to a lobby over a longer one: earlier is no better there. */
const OPENING_SPREAD_MS = 3_000;
const LOBBY_SPREAD_MS_MAX = 15_000;
/** A short lobby leaves most of its time to come in. */
const SPREADS_PER_LOBBY = 4;

export type PlaceView = {
  locale: Locale;
  sale: SaleAnswer;
  status: StatusAnswer | null;
  refreshes: boolean;
  orders: string[];
  /** An access code that gave no place, and why; null when none was tried. */
  refused: { accessCode: string; reason: string } | null;
};

/** Whether somebody who has no place can take one. */
export const isJoinable = ({ state }: SaleAnswer): boolean =>
  state === 'open' || state === 'paused' || state === 'lobby';

/** The page of whoever has no place. */
export function notJoined(view: PlaceView): Html {
  const { sale, locale } = view;
  const { queue } = locale.texts;
  const opens = queue.opens(locale.day(sale.opensAt, sale.event.timeZone));
  switch (sale.state) {
    case 'scheduled': {
      const next = sale.lobbyOpensAt ?? sale.opensAt;
      return html`<section class="card" data-state="none" data-now="${sale.serverTime}">
        <h2>${opens}</h2>
        <p class="position">${countdown(next, sale.serverTime, locale, html`data-at-zero="${openingSpreadMs(sale)}"`)}</p>
        <p>${sale.lobbyOpensAt ? queue.untilLobby : queue.untilJoining}</p>
      </section>`;
    }
    case 'lobby':
      return html`<section class="card">
        <h2>${queue.lobbyOpen}</h2>
        <p>${opens}. ${queue.lobbyRule}</p>
        ${joinForm(view, queue.enterLobby)}
      </section>`;
    case 'open':
    case 'paused':
      return html`<section class="card">
        <h2>${sale.state === 'open' ? queue.open : queue.entryPaused}</h2>
        ${sale.waiting ? html`<p>${locale.count(sale.waiting, queue.fansWaiting)}</p>` : ''}
        ${sale.allHeldUntil ? html`<p>${heldInWords(view, sale.allHeldUntil)}</p>` : ''}
        <p>${queue.placePromise}</p>
        ${joinForm(view, queue.join)}
      </section>`;
    default:
      return ended(view, sale.state);
  }
}

/** The page of whoever had a place, and how to get another. */
export function rejoin(view: PlaceView, title: string, text: string): Html {
  const { sale, locale } = view;
  const { queue } = locale.texts;
  return html`<section class="card">
    <h2>${title}</h2>
    ${text ? html`<p>${text}</p>` : ''}
    ${
      isJoinable(sale)
        ? html`<p>${queue.canRejoin}</p>
            ${joinForm(view, queue.rejoin)}`
        : endedText(view, sale.state)
    }
  </section>`;
}

export const ended = (view: PlaceView, state: SaleState): Html =>
  html`<section class="card">${endedText(view, state)}</section>`;

export const endedText = ({ locale }: PlaceView, state: SaleState): Html => {
  const { soldOut, soldOutMeaning, closed, closedMeaning } = locale.texts.queue;
  const isSoldOut = state === 'soldOut';
  return html`<h2>${isSoldOut ? soldOut : closed}</h2>
    <p>${isSoldOut ? soldOutMeaning : closedMeaning}</p>`;
};

/** Why nobody is let in while every remaining seat is held. */
export const heldInWords = ({ sale, locale }: PlaceView, until: string): string =>
  locale.texts.queue.held.replace('{time}', () => locale.clock(until, sale.event.timeZone));

/**
 * The browser's key of this sale comes with it: pressed twice, or in two tabs, it gives one place. A script fills in the one
 * that the queue page uses too (client/join-key.ts); without, it is a cookie.
 */
const joinForm = (view: PlaceView, label: string): Html => html`<form
  method="post"
  action="/sales/${view.sale.sale}/join"
>
  <input type="hidden" name="key" />
  ${view.sale.accessCodeNeeded ? accessCodeField(view) : ''}
  <p class="actions"><button>${label}</button></p>
</form>`;

const accessCodeField = ({
  refused,
  locale: {
    texts: {
      queue: { code },
    },
  },
}: PlaceView): Html => html`<label for="access-code">${code.label}</label>
  <input
    id="access-code"
    name="accessCode"
    required
    maxlength="${ACCESS_CODE_LENGTH_MAX}"
    dir="auto"
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
      : html`<p class="soft" id="access-code-hint">${code.hint}</p>`
  }`;

const openingSpreadMs = ({ lobbyOpensAt, opensAt }: SaleAnswer): number =>
  lobbyOpensAt === null
    ? OPENING_SPREAD_MS
    : Math.min(LOBBY_SPREAD_MS_MAX, (Date.parse(opensAt) - Date.parse(lobbyOpensAt)) / SPREADS_PER_LOBBY);

import { createHash } from 'node:crypto';
import { html } from 'hono/html';
import type { EventAnswer } from '#shared/contract/event.ts';
import { isSettled, type SaleAnswer, type SaleState, type SaleStock } from '#shared/contract/sale.ts';
import type { QueueSnapshot } from '../queue/snapshot.ts';
import { publicSale } from '../sale/public-sale.ts';
import { type InlineScript, scripts, styles } from './browser-code.made.ts';
import type { Html, Page } from './layout.ts';
import { type Locale, withLanguage } from './locale.ts';
import { named, sentence } from './sentence.ts';

/** By what a state needs beyond that; an open page keeps its script when its words become those of the next state. */
const scriptsOfStates: Partial<Record<SaleState, InlineScript>> = {
  scheduled: scripts.shellBeforeLobby,
  lobby: scripts.shellOfLobby,
};

/** What the queue page is made of: what everybody may know, and nothing that is only true for a moment or at one gateway. */
export type ShellFacts = Omit<SaleAnswer, 'serverTime' | 'waiting' | 'allHeldUntil' | 'left'> & {
  left: Pick<SaleAnswer['left'], 'word'>;
};
/** Enough that no other moment of a sale has the same. */
const KEY_LENGTH = 5;

type Shell = { sale: ShellFacts; locale: Locale; place: string; draw: string };

const made = new WeakMap<QueueSnapshot['definition'], { facts: ShellFacts; event: EventAnswer }>();

/** The same object for as long as nothing of it changes. */
export function shellFacts(snapshot: QueueSnapshot, event: EventAnswer, stock: SaleStock | null): ShellFacts {
  const { serverTime: _, waiting: __, allHeldUntil: ___, left, ...rest } = publicSale(snapshot, event, stock);
  const facts: ShellFacts = { ...rest, left: { word: left.word } };
  const before = made.get(snapshot.definition);
  const isSame =
    before?.event === event &&
    before.facts.state === facts.state &&
    before.facts.draw === facts.draw &&
    before.facts.left.word === facts.left.word;
  if (isSame) return before.facts;
  made.set(snapshot.definition, { facts, event });
  return facts;
}

/**
 * The queue page: the same bytes for everybody who reads a language, and all of them, script and style too, fit in 3 KB
 * gzipped (a test). It carries the words of one state of the sale.
 */
export const shellPage = (sale: ShellFacts, locale: Locale): Page => ({
  title: sale.event.name,
  body: shell({
    sale,
    locale,
    place: withLanguage(`/sales/${sale.sale}/place`, locale),
    draw: withLanguage(`/sales/${sale.sale}/draw`, locale),
  }),
  script: scriptsOfStates[sale.state] ?? scripts.shell,
  isBare: true,
  style: styles.shell,
});

/** Without a script everything is on the page of the own place. */
async function shell(view: Shell): Promise<Awaited<Html>> {
  const { sale, locale, place } = view;
  const card = await html`<div role="status">${notice(view)}</div>
    ${standing(view)}`;
  const rest = await html`${isUndrawn(sale) ? '' : prices(sale, locale)}`;
  return html`<h1>${named(sale.event.name)}</h1>
    <p>${named(sale.event.venue)}<br />${locale.day(sale.event.startsAt, sale.event.timeZone)}<br />${named(sale.name)}</p>
    <noscript>
      <meta http-equiv="refresh" content="0;url=${place}" />
    </noscript>
    <section class="card" id="${keyOf(sale.state, `${card}${rest}`)}">${card}</section>
    ${rest}`;
}

const prices = ({ prices }: ShellFacts, { texts, money }: Locale): Html => html`<h2>${texts.shell.prices}</h2>
  ${prices.map(({ section, price }) => html`<p>${texts.seats.section(section)}: ${money(price)}</p>`)}`;

/** Begins with the state that the words are of, and differs where any of them do: equal words have it equal everywhere. */
const keyOf = (state: SaleState, words: string): string =>
  state + createHash('sha256').update(words).digest('base64url').slice(0, KEY_LENGTH);

/** Between the opening and the draw lobby fans have no position yet. */
const isUndrawn = ({ state, draw }: ShellFacts): boolean =>
  (state === 'open' || state === 'paused') && !isSettled(draw);

/** A sentence that the script fills in: its name, its words and, where they are others, those for nothing at all. */
const told = (...texts: string[]): Html => html`<p data-text="${texts.join('|')}" hidden></p>`;

function notice({ sale: { notice, event }, locale }: Shell): Html {
  const { shell, queue } = locale.texts;
  const by = queue.notice.by.replace('{time}', '{n}');
  return html`${
    notice
      ? html`<p data-text="n|{n}" dir="auto">${notice.text}</p>
          <p data-text="t|${by}">${by.replace('{n}', locale.clock(notice.at, event.timeZone))}</p>`
      : html`<p data-text="n|{n}" dir="auto" hidden></p>
          ${told('t', by)}`
  }${told('s', shell.safe)}${told('o', shell.away)}`;
}

function standing(view: Shell): Html {
  const { sale, locale, place, draw } = view;
  const { queue, shell } = locale.texts;
  switch (sale.state) {
    case 'scheduled':
      return html`<div data-when="none">
        <h2>${queue.opens(opening(view))}</h2>
        <p class="position" data-until="${Date.parse(sale.lobbyOpensAt ?? sale.opensAt)}"></p>
        <p>${sale.lobbyOpensAt ? queue.untilLobby : queue.untilJoining}</p>
        <a href="${place}">${shell.goOn}</a>
      </div>
      ${sale.lobbyOpensAt ? '' : joinForm(view, null, queue.join, '')}`;
    case 'lobby':
      return html`${joinForm(view, null, queue.enterLobby)}
        <h2 data-when="lobby" tabindex="-1" hidden>${queue.inLobby}</h2>
        <p class="position" data-until="${Date.parse(sale.opensAt)}"></p>
        <p>${queue.untilOpening(opening(view))} ${shell.lobbyRule}</p>
        <a href="${draw}">${shell.draw}</a>
        ${links(view)}`;
    case 'open':
    case 'paused':
      return html`${joinForm(view, sale.state === 'open' ? queue.open : queue.entryPaused, queue.join)}
        ${isUndrawn(sale) ? undrawn(view) : ''}
        <div data-when="place" tabindex="-1" hidden>
          <p class="position" data-text="p|${shell.position}"></p>
          ${told('a', shell.ahead, shell.next)}
          <progress value="0" aria-hidden="true"></progress>
          ${sale.state === 'paused' ? html`<p>${shell.paused}</p>` : ''}
          ${
            sale.state === 'paused'
              ? ''
              : html`${told('r', shell.rate)}${told('w', shell.wait, shell.waitUnknown)}${told('h', shell.held)}`
          }
        </div>
        <p>${shell.rules(locale.duration(sale.graceSeconds), locale.duration(sale.claimSeconds))}</p>
        ${links(view)}`;
    default: {
      const { soldOut, soldOutMeaning, closed, closedMeaning } = queue;
      const isSoldOut = sale.state === 'soldOut';
      return html`<div data-when="none closed">
          <h2>${isSoldOut ? soldOut : closed}</h2>
          <p>${isSoldOut ? soldOutMeaning : closedMeaning}</p>
        </div>
        <a href="${place}">${shell.goOn}</a>`;
    }
  }
}

const opening = ({ sale, locale }: Shell): string => locale.day(sale.opensAt, sale.event.timeZone);

/**
 * How many are left is told only where it is looked up again: whoever waits has it beside the own place. A form for no view is
 * shown by the clock.
 */
function joinForm({ sale, locale, place }: Shell, title: string | null, label: string, when = 'none'): Html {
  const { home } = locale.texts;
  const { word } = sale.left;
  const body = html`${title ? html`<h2>${title}</h2>` : ''}
    ${title && !isUndrawn(sale) && word && word !== 'none' ? html`<p>${home.left[word]}</p>` : ''}`;
  // An access code is asked for there. As a link: a form's own query would take the place of the language's.
  return sale.accessCodeNeeded
    ? html`<div data-when="${when}" ${when ? '' : 'hidden'}>${body}<a class="button" href="${place}">${label}</a></div>`
    : html`<form data-when="${when}" ${when ? '' : 'hidden'} method="post" action="/sales/${sale.sale}/join">
        ${body}<button>${label}</button>
      </form>`;
}

function undrawn({ sale: { beacon, draw: state }, locale, draw }: Shell): Html {
  const { shell, queue } = locale.texts;
  const why =
    beacon && state !== 'drawing' ? sentence(shell.beacon, { name: named(beacon.name) }) : shell.drawing;
  return html`<div data-when="lobby" hidden>
    <h2>${queue.inLobby}</h2>
    <p>${why}</p>
    <a href="${draw}">${shell.draw}</a>
  </div>`;
}

/** For whoever has a place, in the views that have these words. */
const links = (
  view: Shell,
): Html => html`<p data-when="${view.sale.state === 'lobby' ? 'lobby' : isUndrawn(view.sale) ? 'place lobby' : 'place'} waiting" hidden>
  <a href="" data-text="u|${view.locale.texts.shell.updated}"></a><a href="${view.place}">${view.locale.texts.shell.more}</a>
</p>`;

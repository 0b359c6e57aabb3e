import { html } from 'hono/html';
import type { SaleAnswer } from '#shared/contract/sale.ts';
import type { DrawFacts } from '../lobby/published.ts';
import type { QueueTicket } from '../queue/ticket.ts';
import type { Html } from './layout.ts';
import { type Locale, withLanguage } from './locale.ts';
import { named, sentence } from './sentence.ts';

export type DrawView = { sale: SaleAnswer; draw: DrawFacts; ticket: QueueTicket | null; locale: Locale };

/** The draw in plain words, what is public about it, and the means to compute it again. */
export function drawPage(view: DrawView): Html {
  const { sale, draw, locale } = view;
  const words = locale.texts.draw;
  return html`<h1>${words.title}</h1>
    <p>${named(sale.event.name)}<br />${named(sale.name)}</p>
    ${
      draw.state === 'none'
        ? html`<p>${words.none}</p>`
        : html`${draw.state === 'unproven' ? '' : explained(view)} ${standing(view)} ${draw.state === 'drawn' ? recompute(view) : ''} ${facts(view)}
          ${isNeverDrawn(view) || draw.state === 'unproven' ? '' : limits(view)}`
    }
    <p><a href="${withLanguage(`/sales/${sale.sale}`, locale)}">${words.back}</a></p>`;
}

function explained(view: DrawView): Html {
  const { seedBefore, seed, lobby, order, orderWithBeacon } = view.locale.texts.draw.explained;
  return html`<p>
    ${view.draw.recommittedAt === null ? seedBefore : seed} ${lobby}
    ${mixesBeacon(view) ? orderWithBeacon : order}
  </p>`;
}

/** Whether the order depends on a public value, or will. */
const mixesBeacon = ({ draw: { beaconSource, withoutBeacon, entries } }: DrawView): boolean =>
  beaconSource !== null && withoutBeacon === null && entries !== 0;

/** A lobby whose sale was closed before it opened. */
const isNeverDrawn = ({ sale, draw }: DrawView): boolean =>
  sale.state === 'closed' && draw.state === 'committed';

/** The lobby's digest was published when the value could be known already: the shop refuses the value. */
const isBeaconTooLate = ({ draw: { beaconSource, digestAt } }: DrawView): boolean =>
  beaconSource !== null && digestAt !== null && Date.parse(digestAt) >= Date.parse(beaconSource.from);

function standing(view: DrawView): Html {
  const { sale, draw, locale } = view;
  const { standing: said, areIn, keepPlaces, haveNumbers } = locale.texts.draw;
  if (isNeverDrawn(view)) return card(said.neverDrawn.title, html`${said.neverDrawn.text}`);
  const fans = locale.count(draw.entries ?? 0, areIn);
  const name = named(draw.beaconSource?.name ?? '');
  const moment = (time: string) => locale.moment(time, sale.event.timeZone);
  switch (draw.state) {
    case 'committed': {
      const day = locale.day(sale.opensAt, sale.event.timeZone);
      return card(said.committed.title, sentence(said.committed.text, { day }));
    }
    case 'frozen':
      return card(said.frozen.title, html`${fans} ${said.frozen.text}`);
    case 'awaitingBeacon': {
      const { title, text } = isBeaconTooLate(view) ? said.tooLate : said.awaitingBeacon;
      const from = moment(draw.beaconSource?.from ?? sale.opensAt);
      return card(title, html`${fans} ${keepPlaces} ${sentence(text, { name, from })}`);
    }
    case 'drawing':
      return card(said.drawing.title, html`${fans} ${said.drawing.text}`);
    case 'unproven':
      return card(said.unproven.title, html`${said.unproven.text}`);
    default:
      return draw.entries === 0
        ? card(said.empty.title, html`${said.empty.text}`)
        : card(said.drawn.title, html`${locale.count(draw.entries ?? 0, haveNumbers)} ${said.drawn.text}`);
  }
}

const card = (title: string, text: Html): Html => html`<section class="card">
  <h2>${title}</h2>
  <p>${text}</p>
</section>`;

/** A label, with the time at which what follows was published, where there is one. */
const labelled = (
  { sale, locale }: DrawView,
  label: string,
  labelAt: string,
  time: string | null,
): Html | string =>
  time === null ? label : sentence(labelAt, { time: locale.moment(time, sale.event.timeZone) });

function facts(view: DrawView): Html {
  const { sale, draw, locale } = view;
  const words = locale.texts.draw.published;
  const lost = draw.state === 'unproven' ? words.lost : null;
  const undrawn = isNeverDrawn(view) ? words.never : lost;
  const address = `/api/sales/${sale.sale}/draw`;
  return html`<section>
    <h2>${words.title}</h2>
    <p>
      ${labelled(view, words.seedPrintBefore, words.seedPrintAt, draw.recommittedAt)}<br /><code
        >${draw.commitment}</code
      >
    </p>
    ${draw.recommittedAt === null ? '' : html`<p>${words.recommitted}</p>`}
    <p>
      ${labelled(view, words.lobbyPrint, words.lobbyPrintAt, draw.digestAt)}<br />
      ${known(draw.digest, undrawn ?? words.atOpening)}
    </p>
    ${beacon(view, undrawn)}
    <p>${labelled(view, words.seed, words.seedAt, draw.drawnAt)}<br />${known(draw.seed, undrawn ?? words.afterDraw)}</p>
    <p>${mixesBeacon(view) ? words.ruleWithBeacon : words.rule}</p>
    ${draw.state === 'drawn' ? html`<p><span>${sentence(words.all, { address: html`<a href="${address}"><bdi>${address}</bdi></a>` })}</span></p>` : ''}
  </section>`;
}

/** A value to be compared to the character, or in plain words why there is none. */
const known = (value: string | null, otherwise: string): Html =>
  value === null ? html`<span class="soft">${otherwise}</span>` : html`<code>${value}</code>`;

function beacon(view: DrawView, undrawn: string | null): Html | string {
  const { sale, draw, locale } = view;
  const words = locale.texts.draw.published;
  const { beacon, beaconSource, beaconAt } = draw;
  if (!beaconSource) return '';
  const { name, from, rule, url } = beaconSource;
  const value = known(beacon, undrawn || !mixesBeacon(view) ? words.notUsed : words.notKnown);
  const moment = (time: string) => locale.moment(time, sale.event.timeZone);
  return html`<p>
    ${sentence(words.beacon, { name: named(name), from: moment(from), rule: named(rule) })}
    ${url ? html`<a href="${url}" rel="noreferrer">${words.source}</a>` : ''}<br />
    ${beacon !== null && beaconAt !== null ? sentence(words.beaconAt, { value, time: moment(beaconAt) }) : value}
  </p>`;
}

/** Shown by its script, which finds its words here; without one the text there says how to do it. */
function recompute({ sale, ticket, locale }: DrawView): Html {
  const { recompute: words, said, steps } = locale.texts.draw;
  return html`<section>
    <h2>${words.title}</h2>
    <div
      class="card"
      data-draw
      data-sale="${sale.sale}"
      data-said="${JSON.stringify(said)}"
      data-steps="${JSON.stringify(steps)}"
      hidden
    >
      <form>
        <label for="id">${ticket ? words.idOfYours : words.idOfPlace}</label>
        <input
          id="id"
          maxlength="40"
          dir="ltr"
          autocomplete="off"
          autocapitalize="none"
          spellcheck="false"
          value="${ticket?.entry ?? ''}"
        />
        <p class="actions"><button>${words.compute}</button></p>
      </form>
      <progress value="0" max="1" aria-label="${words.progress}" hidden></progress>
      <ul class="list" data-show="steps"></ul>
      <div role="status">
        <p><strong data-show="verdict"></strong></p>
        <p data-show="place"></p>
      </div>
    </div>
    <noscript>
      <p>
        ${words.needsScript}
        ${ticket ? sentence(words.yourId, { id: html`<code>${ticket.entry}</code>` }) : ''}
      </p>
    </noscript>
    <p class="soft">${sentence(words.otherwise, { command: html`<code>npm run verify-draw</code>` })}</p>
  </section>`;
}

function limits({ draw: { beaconSource, withoutBeacon, beacon, closedAgain }, locale }: DrawView): Html {
  const words = locale.texts.draw.limits;
  const isAgain = closedAgain ? html`${words.closedAgain}<br />` : '';
  const first = (): Html | string => {
    if (withoutBeacon)
      return html`${sentence(words.withoutBeacon, { reason: named(withoutBeacon.reason) })}<br />`;
    if (!beaconSource) return words.noBeacon;
    return beacon === null ? '' : sentence(words.isTheirs, { name: named(beaconSource.name) });
  };
  return card(words.title, html`${isAgain}${first()} ${words.noted}`);
}

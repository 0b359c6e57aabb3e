import { html } from 'hono/html';
import type { SaleAnswer } from '#shared/contract/sale.ts';
import type { DrawFacts } from '../lobby/published.ts';
import type { QueueTicket } from '../queue/ticket.ts';
import { formatDay, formatMoment, formatNumber } from './format.ts';
import type { Html } from './layout.ts';

export type DrawView = { sale: SaleAnswer; draw: DrawFacts; ticket: QueueTicket | null };

/** The draw in plain words, what is public about it, and the means to compute it again. */
export const drawPage = (view: DrawView): Html => html`<h1>The draw</h1>
  <p>${view.sale.event.name}: ${view.sale.name}</p>
  ${
    view.draw.state === 'none'
      ? html`<p>This sale has no lobby, so there is no draw: places go by arrival.</p>`
      : html`${explained(view)} ${standing(view)} ${view.draw.state === 'drawn' ? recompute(view) : ''} ${facts(view)} ${limits(view)}`
  }
  <p><a href="/sales/${view.sale.sale}">Back to the queue</a></p>`;

const explained = ({ draw: { beaconSource } }: DrawView): Html => html`<p>
  Before the lobby opened we chose a secret number, the seed, and published its fingerprint, so that we cannot exchange it.
  At the opening the list of everybody in the lobby was closed and got a fingerprint too.
  ${
    beaconSource
      ? html`Seed, list and a public value that nobody could know before the opening`
      : html`Seed and list`
  }
  alone decide the order, so that anybody can compute it again.
</p>`;

function standing({ sale, draw }: DrawView): Html {
  const count = draw.entries === null ? '' : formatNumber(draw.entries);
  switch (draw.state) {
    case 'committed':
      return card(
        'The lobby decides nothing yet',
        html`The draw is held when the sale opens, ${formatDay(sale.opensAt, sale.event.timeZone)}. Being earlier does not
        help. Whoever wants to check it notes the fingerprint of the seed now.`,
      );
    case 'frozen':
      return card('The lobby is closed', html`${count} fans are in it. Its fingerprint is being computed.`);
    case 'awaitingBeacon':
      return card(
        'The draw waits for its public value',
        html`${count} fans are in it; each keeps a place ahead of everybody who came later. The order is drawn as soon as
        “${draw.beaconSource?.name}” is known, from
        ${formatMoment(draw.beaconSource?.from ?? sale.opensAt, sale.event.timeZone)} on. Whoever wants to check it notes
        the fingerprint of the lobby now.`,
      );
    case 'drawing':
      return card('The order is being written', html`${count} fans get their numbers in these seconds.`);
    default:
      return card(
        draw.entries === 0 ? 'Nobody was in the lobby' : 'The order is drawn',
        draw.entries === 0
          ? html`Places went by arrival.`
          : html`${count} fans have the numbers 1 to ${count}. Whoever came later stands behind them.`,
      );
  }
}

const card = (title: string, text: Html): Html => html`<section class="card">
  <h2>${title}</h2>
  <p>${text}</p>
</section>`;

const facts = ({ sale, draw }: DrawView): Html => html`<section>
  <h2>What is published</h2>
  <p>Fingerprint of the seed (SHA-256), there before the lobby opened:<br /><code>${draw.commitment}</code></p>
  <p>
    Fingerprint of the lobby (SHA-256 of the ids in byte order, joined by line feeds)${at(draw.digestAt, sale)}:<br />
    <code>${draw.digest ?? 'at the opening'}</code>
  </p>
  ${beacon(sale, draw)}
  <p>Seed${at(draw.drawnAt, sale)}:<br /><code>${draw.seed ?? 'after the draw'}</code></p>
  <p>
    The order is ascending by HMAC-SHA256 of the id. The key is the seed’s 32 bytes, then the 32 bytes of the lobby’s
    fingerprint${draw.beaconSource ? ', then the public value as it stands here' : ''}.
    ${
      draw.state === 'drawn'
        ? html`All of it, with the ids in order, is at
            <a href="/api/sales/${sale.sale}/draw">/api/sales/${sale.sale}/draw</a>.`
        : ''
    }
  </p>
</section>`;

const at = (time: string | null, { event }: SaleAnswer): string =>
  time === null ? '' : `, published ${formatMoment(time, event.timeZone)}`;

const beacon = (
  sale: SaleAnswer,
  { beacon, beaconSource, withoutBeacon, beaconAt, entries }: DrawFacts,
): Html | string =>
  beaconSource
    ? html`<p>
        Public value, named before the lobby opened: “${beaconSource.name}”, known from
        ${formatMoment(beaconSource.from, sale.event.timeZone)} on. What counts: ${beaconSource.rule}.
        ${beaconSource.url ? html`<a href="${beaconSource.url}" rel="noreferrer">Its source</a>.` : ''}<br />
        <code>${beacon ?? (withoutBeacon || entries === 0 ? 'not used' : 'not known yet')}</code>${at(beaconAt, sale)}
      </p>`
    : '';

/** Shown by its script; without one the text there says how to do it. */
const recompute = ({ sale, ticket }: DrawView): Html => html`<section>
    <h2>Compute it yourself</h2>
    <div class="card" data-draw data-sale="${sale.sale}" hidden>
      <form>
        <label for="id">The id of a place${ticket ? ': this is yours' : ''}</label>
        <input
          id="id"
          maxlength="40"
          autocomplete="off"
          autocapitalize="none"
          spellcheck="false"
          value="${ticket?.entry ?? ''}"
        />
        <p class="actions"><button>Compute the order again</button></p>
      </form>
      <progress value="0" max="1" aria-label="How much is computed" hidden></progress>
      <ul class="list" data-show="steps"></ul>
      <div role="status">
        <p data-show="verdict"></p>
        <p data-show="place"></p>
      </div>
    </div>
    <noscript>
      <p>
        Your browser would do it here with JavaScript.
        ${ticket ? html`The id of your place is <code>${ticket.entry}</code>.` : ''}
      </p>
    </noscript>
    <p class="soft">
      Or with the command <code>npm run verify-draw</code>, or ten lines of your own: the rule below is all there is.
    </p>
  </section>`;

function limits({ draw }: DrawView): Html {
  const { beaconSource, withoutBeacon } = draw;
  if (withoutBeacon)
    return card(
      'What this does not prove',
      html`A public value was named, and the organiser has drawn without it, for this reason: “${withoutBeacon.reason}”.
      So it is not proven that whoever runs this sale did not choose the outcome.`,
    );
  return card(
    'What this does not prove',
    beaconSource
      ? html`That the fingerprints stood here when we say: that is known to whoever noted them. And that everybody in the
        lobby is a person of their own.`
      : html`That whoever runs this sale did not try several seeds or lobbies and take the one they liked: that would take a
        public value from after the opening, and none was named for this sale. That the fingerprints stood here when we
        say: that is known to whoever noted them.`,
  );
}

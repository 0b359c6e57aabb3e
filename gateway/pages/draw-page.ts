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
      : html`${view.draw.state === 'unproven' ? '' : explained(view)} ${standing(view)} ${view.draw.state === 'drawn' ? recompute(view) : ''} ${facts(view)}
        ${isNeverDrawn(view) || view.draw.state === 'unproven' ? '' : limits(view)}`
  }
  <p><a href="/sales/${view.sale.sale}">Back to the queue</a></p>`;

const explained = (view: DrawView): Html => html`<p>
  ${view.draw.recommittedAt === null ? 'Before the lobby opens we' : 'We'} choose a secret number, the seed, and publish its fingerprint, so that we cannot exchange it.
  At the opening the list of everybody in the lobby is closed and gets a fingerprint too.
  ${
    mixesBeacon(view)
      ? html`Seed, list and a public value that nobody could know before the opening`
      : html`Seed and list`
  }
  alone decide the order, so that anybody can compute it again.
</p>`;

/** Whether the order depends on a public value, or will. */
const mixesBeacon = ({ draw: { beaconSource, withoutBeacon, entries } }: DrawView): boolean =>
  beaconSource !== null && withoutBeacon === null && entries !== 0;

/** A lobby whose sale was closed before it opened. */
const isNeverDrawn = ({ sale, draw }: DrawView): boolean =>
  sale.state === 'closed' && draw.state === 'committed';

/** The lobby's digest was published when the value could be known already: the shop refuses the value. */
const isBeaconTooLate = ({ draw: { beaconSource, digestAt } }: DrawView): boolean =>
  beaconSource !== null && digestAt !== null && Date.parse(digestAt) >= Date.parse(beaconSource.from);

const areIn = ({ entries }: DrawFacts): string =>
  entries === 1 ? 'One fan is in the lobby' : `${formatNumber(entries ?? 0)} fans are in the lobby`;

function standing(view: DrawView): Html {
  const { sale, draw } = view;
  if (isNeverDrawn(view)) {
    return card(
      'Nothing is drawn',
      html`The sale was closed before it opened. Nobody of the lobby has a number, and nobody gets a turn.`,
    );
  }
  const count = draw.entries === null ? '' : formatNumber(draw.entries);
  switch (draw.state) {
    case 'committed':
      return card(
        'The lobby decides nothing yet',
        html`The draw is held when the sale opens, ${formatDay(sale.opensAt, sale.event.timeZone)}. Being earlier does not
        help. Whoever wants to check it notes the fingerprint of the seed now.`,
      );
    case 'frozen':
      return card('The lobby is closed', html`${areIn(draw)}. Its fingerprint is being computed.`);
    case 'awaitingBeacon':
      if (isBeaconTooLate(view)) {
        return card(
          'The draw waits for the organiser',
          html`${areIn(draw)}; each keeps a place ahead of everybody who came later. The fingerprint of the lobby was
          published when “${draw.beaconSource?.name}” could be known already, so that value would prove nothing and is not
          taken. The organiser has to draw without it, and to say why; the reason will stand here.`,
        );
      }
      return card(
        'The draw waits for its public value',
        html`${areIn(draw)}; each keeps a place ahead of everybody who came later. The order is drawn as soon as
        “${draw.beaconSource?.name}” is known, from
        ${formatMoment(draw.beaconSource?.from ?? sale.opensAt, sale.event.timeZone)} on. Whoever wants to check it notes
        the fingerprint of the lobby now.`,
      );
    case 'drawing':
      return card(
        'The order is being written',
        html`${areIn(draw)}; the numbers are given in these seconds.`,
      );
    case 'unproven':
      return card(
        'This draw cannot be proven',
        html`This shop lost data after the lobby was closed, and with it who was in the lobby or how it was drawn. Numbers that
        fans had been shown stay theirs; whoever else came back got one of the others by chance. Nobody can compute that
        order again, and nobody can tell whether it was chosen.`,
      );
    default:
      return card(
        draw.entries === 0 ? 'Nobody was in the lobby' : 'The order is drawn',
        draw.entries === 0
          ? html`Places went by arrival.`
          : html`${draw.entries === 1 ? 'One fan has the number 1' : `${count} fans have the numbers 1 to ${count}`}. Whoever came
            later stands behind.`,
      );
  }
}

const card = (title: string, text: Html): Html => html`<section class="card">
  <h2>${title}</h2>
  <p>${text}</p>
</section>`;

function facts(view: DrawView): Html {
  const { sale, draw } = view;
  const lost = draw.state === 'unproven' ? 'not published: this draw was lost' : null;
  const undrawn = isNeverDrawn(view) ? 'not published: the sale was closed before it opened' : lost;
  return html`<section>
    <h2>What is published</h2>
    <p>
      Fingerprint of the seed
      (SHA-256)${draw.recommittedAt === null ? ', there before the lobby opened' : at(draw.recommittedAt, sale)}:<br /><code
        >${draw.commitment}</code
      >
    </p>
    ${draw.recommittedAt === null ? '' : html`<p>${recommitted}</p>`}
    <p>
      Fingerprint of the lobby (SHA-256 of the ids in byte order, joined by line feeds)${at(draw.digestAt, sale)}:<br />
      ${known(draw.digest, undrawn ?? 'at the opening')}
    </p>
    ${beacon(view, undrawn)}
    <p>Seed${at(draw.drawnAt, sale)}:<br />${known(draw.seed, undrawn ?? 'after the draw')}</p>
    <p>
      The order is ascending by HMAC-SHA256 of the id. The key is the seed’s 32 bytes, then the 32 bytes of the lobby’s
      fingerprint${mixesBeacon(view) ? ', then the public value as it stands here' : ''}.
      ${
        draw.state === 'drawn'
          ? html`All of it, with the ids in order, is at
              <a href="/api/sales/${sale.sale}/draw">/api/sales/${sale.sale}/draw</a>.`
          : ''
      }
    </p>
  </section>`;
}

const recommitted = `This shop lost data after the lobby had opened, and with it the seed whose fingerprint stood here before:
  this one was chosen since. That it was chosen without a look at who is in the lobby nobody can tell.`;

/** A value to be compared to the character, or in plain words why there is none. */
const known = (value: string | null, otherwise: string): Html =>
  value === null ? html`<span class="soft">${otherwise}</span>` : html`<code>${value}</code>`;

const at = (time: string | null, { event }: SaleAnswer): string =>
  time === null ? '' : `, published ${formatMoment(time, event.timeZone)}`;

function beacon(view: DrawView, undrawn: string | null): Html | string {
  const { sale, draw } = view;
  const { beacon, beaconSource, beaconAt } = draw;
  if (!beaconSource) return '';
  return html`<p>
    Public value, named before the lobby opened: “${beaconSource.name}”, known from
    ${formatMoment(beaconSource.from, sale.event.timeZone)} on. What counts: ${beaconSource.rule}.
    ${beaconSource.url ? html`<a href="${beaconSource.url}" rel="noreferrer">Its source</a>.` : ''}<br />
    ${known(beacon, undrawn || !mixesBeacon(view) ? 'not used' : 'not known yet')}${at(beacon && beaconAt, sale)}
  </p>`;
}

/** Shown by its script; without one the text there says how to do it. */
const recompute = ({ sale, ticket }: DrawView): Html => html`<section>
    <h2>Compute it yourself</h2>
    <div class="card" data-draw data-sale="${sale.sale}" hidden>
      <form>
        <label for="id">The id of a place${ticket ? ': this is yours' : ', to find it'}</label>
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
        <p><strong data-show="verdict"></strong></p>
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

function limits({ draw: { beaconSource, withoutBeacon, beacon, closedAgain } }: DrawView): Html {
  const noted = html`That the fingerprints stood here when we say: that is known to whoever noted them. And that everybody in
  the lobby is a person of their own.`;
  const isAgain = closedAgain
    ? html`Who was in the lobby when it was closed first: this shop lost that with its data, and closed it once more with those
      who came back.<br />`
    : '';
  if (withoutBeacon) {
    return card(
      'What this does not prove',
      html`${isAgain}That whoever runs this sale did not choose the outcome: a public value was named, and the draw was made without it.
      The reason that was given: “${withoutBeacon.reason}”<br />${noted}`,
    );
  }
  if (beaconSource) {
    const isTheirs = html`That the public value is the one “${beaconSource.name}” has: look it up there.`;
    return card('What this does not prove', html`${isAgain}${beacon === null ? '' : isTheirs} ${noted}`);
  }
  return card(
    'What this does not prove',
    html`${isAgain}That whoever runs this sale did not try several seeds or lobbies and take the one they liked: that would take a
    public value from after the opening, and none was named for this sale. ${noted}`,
  );
}

import { html } from 'hono/html';
import type { EventsAnswer, ListedSale, SaleAnswer, SaleState } from '#shared/contract/sale.ts';
import type { DrawFacts } from '../lobby/published.ts';
import type { ShownEvent } from '../sale/listing.ts';
import { formatDay, formatMoney } from './format.ts';
import type { Html } from './layout.ts';

const stateTexts: Record<SaleState, string> = {
  scheduled: 'Not open yet',
  lobby: 'The lobby is open',
  open: 'Open now',
  paused: 'Open, entry paused',
  soldOut: 'Sold out',
  closed: 'Ended',
};

const leftTexts: Record<NonNullable<ListedSale['left']>, string> = {
  plenty: 'Plenty of seats left',
  limited: 'Limited seats left',
  few: 'Few seats left',
  none: 'No seat left at the moment',
};

/** What is or will be on sale. */
export const homePage = (events: EventsAnswer['events']): Html => html`<h1>Concerts</h1>
  ${events.length === 0 ? html`<p>Nothing is on sale at the moment.</p>` : eventList(events)}`;

const eventList = (events: EventsAnswer['events']): Html => html`<ul class="list">
  ${events.map(
    (event) => html`<li>
      <a href="/events/${event.event}">${event.name}</a>
      <span>${event.venue}, ${formatDay(event.startsAt, event.timeZone)}</span>
      ${saleList(event.sales, event.timeZone)}
    </li>`,
  )}
</ul>`;

/** One event and its sales. */
export const eventPage = ({ event, sales }: ShownEvent): Html => html`<h1>${event.name}</h1>
  <p>${event.venue}<br />${formatDay(event.startsAt, event.timeZone)}</p>
  ${sales.length === 0 ? html`<p>Nothing is on sale at the moment.</p>` : saleList(sales, event.timeZone)}`;

const saleList = (sales: readonly ListedSale[], timeZone: string): Html => html`<ul class="list">
  ${sales.map(
    (sale) => html`<li>
      <a href="/sales/${sale.sale}">${sale.name}</a>
      <span>${stateTexts[sale.state]}${opening(sale, timeZone)}</span>
      ${sale.accessCodeNeeded ? html`<span>With an access code</span>` : ''}
      <span>From ${formatMoney(sale.lowestPrice)}${showsLeft(sale) ? `. ${leftTexts[sale.left ?? 'plenty']}` : ''}</span>
    </li>`,
  )}
</ul>`;

const opening = ({ state, opensAt }: ListedSale, timeZone: string): string =>
  state === 'scheduled' || state === 'lobby' ? `, opens ${formatDay(opensAt, timeZone)}` : '';

const showsLeft = ({ state, left }: ListedSale): boolean =>
  left !== null && (state === 'open' || state === 'paused');

/** The draw, and what is needed to recompute it. */
export const drawPage = (sale: SaleAnswer, draw: DrawFacts): Html => html`<h1>The draw</h1>
  <p>${sale.event.name}: ${sale.name}</p>
  ${draw.state === 'none' ? html`<p>This sale has no lobby, so there is no draw: places go by arrival.</p>` : proof(sale, draw)}
  <p><a href="/sales/${sale.sale}">Back to the queue</a></p>`;

const proof = (sale: SaleAnswer, draw: DrawFacts): Html => html`<p>
    Before the lobby opened we chose a secret seed and published its fingerprint. At the opening everyone in the lobby is
    put in an order that follows from the seed and the list of everyone there, and from nothing else. Then the seed is
    published, so that anyone can compute the order again.
  </p>
  <section class="card">
    <p>Fingerprint of the seed (SHA-256), published before the lobby opened:<br /><code>${draw.commitment}</code></p>
    <p>Digest of the lobby (SHA-256 of the sorted ids, joined by line feeds):<br /><code>${draw.digest ?? 'at the opening'}</code></p>
    <p>Seed:<br /><code>${draw.seed ?? 'after the draw'}</code></p>
    <p>
      The order is ascending by HMAC-SHA256(seed ‖ digest, id). All of it, with the ids in order, is at
      <a href="/api/sales/${sale.sale}/draw">/api/sales/${sale.sale}/draw</a>.
    </p>
    <p>
      What this does not prove: that whoever runs this sale did not choose the seed knowing who would come. That would
      take a public source of randomness from after the opening.
    </p>
  </section>`;

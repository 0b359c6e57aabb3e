import { html } from 'hono/html';
import type { DrawAnswer } from '#shared/contract/queue.ts';
import type { SaleAnswer, SaleState } from '#shared/contract/sale.ts';
import { formatDay } from './format.ts';
import type { Html } from './layout.ts';

const stateTexts: Record<SaleState, string> = {
  scheduled: 'Not open yet',
  lobby: 'The lobby is open',
  open: 'Open now',
  paused: 'Open, entry paused',
  soldOut: 'Sold out',
  closed: 'Ended',
};

/** Every sale that can be visited. */
export const homePage = (sales: SaleAnswer[]): Html => html`<h1>Concerts</h1>
  ${sales.length === 0 ? html`<p>Nothing is on sale at the moment.</p>` : saleList(sales)}`;

/** One event and its sales. */
export const eventPage = (
  sales: SaleAnswer[],
  event: SaleAnswer['event'],
): Html => html`<h1>${event.name}</h1>
  <p>${event.venue}<br />${formatDay(event.startsAt, event.timeZone)}</p>
  ${sales.length === 0 ? html`<p>Nothing is on sale at the moment.</p>` : saleList(sales)}`;

const saleList = (sales: SaleAnswer[]): Html => html`<ul class="list">
  ${sales.map(
    (sale) => html`<li>
      <a href="/sales/${sale.sale}">${sale.event.name}: ${sale.name}</a>
      <span>${sale.event.venue}, ${formatDay(sale.event.startsAt, sale.event.timeZone)}</span>
      <span>${stateTexts[sale.state]}</span>
    </li>`,
  )}
</ul>`;

/** The draw, and what is needed to recompute it. */
export const drawPage = (sale: SaleAnswer, draw: DrawAnswer): Html => html`<h1>The draw</h1>
  <p>${sale.event.name}: ${sale.name}</p>
  ${draw.state === 'none' ? html`<p>This sale has no lobby, so there is no draw: places go by arrival.</p>` : proof(sale, draw)}
  <p><a href="/sales/${sale.sale}">Back to the queue</a></p>`;

const proof = (sale: SaleAnswer, draw: DrawAnswer): Html => html`<p>
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

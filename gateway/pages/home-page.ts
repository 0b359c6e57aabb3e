import { html } from 'hono/html';
import type { EventsAnswer, ListedSale, SaleState } from '#shared/contract/sale.ts';
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

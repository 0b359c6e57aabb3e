import { html } from 'hono/html';
import type { EventsAnswer, ListedSale } from '#shared/contract/sale.ts';
import type { ShownEvent } from '../sale/listing.ts';
import type { Html } from './layout.ts';
import { type Locale, withLanguage } from './locale.ts';
import { named } from './sentence.ts';

/** What is or will be on sale. */
export const homePage = (events: EventsAnswer['events'], locale: Locale): Html =>
  html`<h1>${locale.texts.home.title}</h1>
    ${events.length === 0 ? nothingOnSale(locale) : events.map((event) => eventCard(event, locale))}`;

const nothingOnSale = ({ texts }: Locale): Html => html`<p>${texts.home.nothingOnSale}</p>`;

const eventCard = (event: EventsAnswer['events'][number], locale: Locale): Html => html`<section class="card">
  <h2><a href="${withLanguage(`/events/${event.event}`, locale)}">${named(event.name)}</a></h2>
  ${place(event, locale)} ${saleList(event.sales, event.timeZone, locale)}
</section>`;

const place = (event: { venue: string; startsAt: string; timeZone: string }, locale: Locale): Html =>
  html`<p>${named(event.venue)}<br />${locale.day(event.startsAt, event.timeZone)}</p>`;

/** One event and its sales. */
export const eventPage = (
  { event, sales }: ShownEvent,
  locale: Locale,
): Html => html`<h1>${named(event.name)}</h1>
  ${place(event, locale)}
  ${sales.length === 0 ? nothingOnSale(locale) : html`<section class="card">${saleList(sales, event.timeZone, locale)}</section>`}`;

/** Where each stands first: it is what a fan looks for. */
function saleList(sales: readonly ListedSale[], timeZone: string, locale: Locale): Html {
  const { home } = locale.texts;
  const isToCome = ({ state }: ListedSale) => state === 'scheduled' || state === 'lobby';
  const isOver = ({ state }: ListedSale) => state === 'soldOut' || state === 'closed';
  return html`<ul class="list">
    ${sales.map(
      (sale) => html`<li>
        <a href="${withLanguage(`/sales/${sale.sale}`, locale)}">${named(sale.name)}</a>
        <span class="pill ${sale.state}">${home.states[sale.state]}</span>
        ${isToCome(sale) ? html`<span>${home.opens(locale.day(sale.opensAt, timeZone))}</span>` : ''}
        ${sale.accessCodeNeeded && !isOver(sale) ? html`<span>${home.codeNeeded}</span>` : ''}
        ${isOver(sale) ? '' : html`<span>${home.from(locale.money(sale.lowestPrice))} ${showsLeft(sale) ? home.left[sale.left ?? 'plenty'] : ''}</span>`}
      </li>`,
    )}
  </ul>`;
}

const showsLeft = ({ state, left }: ListedSale): boolean =>
  left !== null && (state === 'open' || state === 'paused');

import { html } from 'hono/html';
import type { EventsAnswer, ListedSale } from '#shared/contract/sale.ts';
import type { ShownEvent } from '../sale/listing.ts';
import type { Html } from './layout.ts';
import type { Locale } from './locale.ts';
import { named } from './sentence.ts';

/** What is or will be on sale. */
export const homePage = (events: EventsAnswer['events'], locale: Locale): Html =>
  html`<h1>${locale.texts.home.title}</h1>
    ${events.length === 0 ? nothingOnSale(locale) : eventList(events, locale)}`;

const nothingOnSale = ({ texts }: Locale): Html => html`<p>${texts.home.nothingOnSale}</p>`;

const eventList = (events: EventsAnswer['events'], locale: Locale): Html => html`<ul class="list">
  ${events.map(
    (event) => html`<li>
      <a href="/events/${event.event}">${named(event.name)}</a>
      <span>${named(event.venue)}<br />${locale.day(event.startsAt, event.timeZone)}</span>
      ${saleList(event.sales, event.timeZone, locale)}
    </li>`,
  )}
</ul>`;

/** One event and its sales. */
export const eventPage = (
  { event, sales }: ShownEvent,
  locale: Locale,
): Html => html`<h1>${named(event.name)}</h1>
  <p>${named(event.venue)}<br />${locale.day(event.startsAt, event.timeZone)}</p>
  ${sales.length === 0 ? nothingOnSale(locale) : saleList(sales, event.timeZone, locale)}`;

function saleList(sales: readonly ListedSale[], timeZone: string, locale: Locale): Html {
  const { home } = locale.texts;
  const standing = ({ state, opensAt }: ListedSale): string =>
    state === 'scheduled' || state === 'lobby'
      ? home.opens(home.states[state], locale.day(opensAt, timeZone))
      : home.states[state];
  return html`<ul class="list">
    ${sales.map(
      (sale) => html`<li>
        <a href="/sales/${sale.sale}">${named(sale.name)}</a>
        <span>${standing(sale)}</span>
        ${sale.accessCodeNeeded ? html`<span>${home.codeNeeded}</span>` : ''}
        <span>${home.from(locale.money(sale.lowestPrice))} ${showsLeft(sale) ? home.left[sale.left ?? 'plenty'] : ''}</span>
      </li>`,
    )}
  </ul>`;
}

const showsLeft = ({ state, left }: ListedSale): boolean =>
  left !== null && (state === 'open' || state === 'paused');

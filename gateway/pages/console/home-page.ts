import { html } from 'hono/html';
import type { EventAnswer } from '#shared/contract/event.ts';
import type { QueueSnapshot } from '../../queue/snapshot.ts';
import type { Html } from '../layout.ts';
import type { Locale } from '../locale.ts';
import { alert } from './frame.ts';
import { statePill } from './live-page.ts';

/** What a list tells of a sale. */
export type SaleAtAGlance = Pick<QueueSnapshot, 'definition' | 'state' | 'waiting' | 'admitted'>;

type HomeView = {
  events: readonly EventAnswer[];
  sales: readonly SaleAtAGlance[];
  /** Some events may be missing, for the booking service cannot be asked. */
  isPartial: boolean;
};

/** Every event with its sales, the next concert first. */
export function homePage({ events, sales, isPartial }: HomeView, locale: Locale): Html {
  const { home } = locale.texts.console;
  const ordered = [...events].sort((a, b) => Date.parse(a.startsAt) - Date.parse(b.startsAt));
  const homeless = sales.filter(({ definition }) => events.every(({ event }) => event !== definition.event));
  return html`<div class="head">
      <h1>${home.title}</h1>
      <a class="button" href="/organiser/events/new">${home.newEvent}</a>
    </div>
    ${isPartial ? alert(home.partial) : ordered.length === 0 ? html`<p>${home.none}</p>` : ''}
    ${
      homeless.length > 0
        ? html`<section class="card">
          <h2>${home.withoutEvent}</h2>
          ${saleList(homeless, 'UTC', locale)}
        </section>`
        : ''
    }
    ${ordered.map((event) => {
      const own = sales.filter(({ definition }) => definition.event === event.event);
      return html`<section class="card">
        <h2><a href="/organiser/events/${event.event}" dir="auto">${event.name}</a></h2>
        <p class="soft"><bdi>${event.venue}</bdi><br />${locale.day(event.startsAt, event.timeZone)}</p>
        ${saleList(own, event.timeZone, locale)}
        <p><a href="/organiser/events/${event.event}/sales/new">${home.newSale}</a></p>
      </section>`;
    })}`;
}

/** Sales with what organisers look for first: where each stands. */
export function saleList(sales: readonly SaleAtAGlance[], timeZone: string, locale: Locale): Html {
  const { home } = locale.texts.console;
  if (sales.length === 0) return html`<p class="soft">${home.noSale}</p>`;
  const ordered = [...sales].sort((a, b) => a.definition.opensAt.localeCompare(b.definition.opensAt));
  return html`<ul class="list">
    ${ordered.map(
      ({ definition, state, waiting, admitted }) => html`<li>
        <a href="/organiser/sales/${definition.sale}" dir="auto">${definition.name}</a>
        ${statePill(state, locale)}
        <span>${home.opens(locale.day(definition.opensAt, timeZone))}</span>
        <span>${home.waiting(locale.number(waiting))} · ${home.shopping(locale.number(admitted))}</span>
      </li>`,
    )}
  </ul>`;
}

import { html } from 'hono/html';
import type { Html } from './layout.ts';
import type { Locale } from './locale.ts';
import type { Seat, ShopView } from './shop-page.ts';
import { pageStarts } from './shop-rows.ts';

/** A section's open seats as boxes, a page of rows at a time. */
export function listCard(view: ShopView, locale: Locale): Html {
  const { shop, seats } = locale.texts;
  const listed = view.page.seats;
  const shown = locale.count(listed.length, shop.shown);
  const isMarked = listed.some(({ kind }) => seats.kinds[kind] !== '');
  return html`<section class="card" id="list" tabindex="-1" aria-labelledby="list-heading">
    <h2 id="list-heading">${shop.list}</h2>
    <p data-with-map hidden><a href="#map">${shop.onMap}</a></p>
    <nav class="actions choices" aria-label="${shop.sections}" data-with-map hidden>
      ${view.sale.prices.map(({ section }) => sectionLink(view, section, locale))}
    </nav>
    <noscript>
      <div class="actions choices" role="group" aria-label="${shop.sections}">
        ${view.sale.prices.map(({ section }) => sectionButton(view, section, locale))}
      </div>
    </noscript>
    ${chosenElsewhere(view, locale)}
    <p>${shop.shownIn(shown, seats.section(view.section), locale.number(view.sale.seatsPerFan))}</p>
    ${isMarked ? html`<p class="soft">${shop.markedHint}</p>` : ''}
    ${pager(view, locale)}
    ${rows(listed).map(
      ([row, ofRow]) => html`<fieldset>
        <legend>${shop.row(String(row))}</legend>
        <div class="seats">
          ${ofRow.map((seat) => seatBox(seat, view, locale))}
        </div>
      </fieldset>`,
    )}
    ${listed.length > 0 ? furtherRows(view, locale) : ''}
  </section>`;
}

/** Leads to another page of the list, and takes along what is chosen: with a script the tab remembers it. */
const wayTo = (view: ShopView, section: string, row: number, words: string): Html =>
  html`<button class="quiet" name="go" value="${section}-${row}" ${leads(view)}>${words}</button>`;

const leads = ({ sale }: ShopView): Html =>
  html`formmethod="get" formaction="/sales/${sale.sale}/seats#list" formnovalidate`;

/** Any page of rows, and the ones before and behind this. */
function pager(view: ShopView, { texts: { shop } }: Locale): Html | '' {
  const { first, last, rows: total, step } = view.page;
  if (first === 1 && last === total) return '';
  const words = shop.rowsShown(String(first), String(last), String(total));
  const starts = pageStarts(view.page);
  const nearest = starts.findLast((start) => start <= first);
  return html`<p><strong>${words}</strong></p>
    <div class="actions rows">
      ${first > 1 ? wayTo(view, view.section, Math.max(1, first - step), shop.rowsBefore) : ''}
      ${last < total ? wayTo(view, view.section, last + 1, shop.rowsAfter) : ''}
      <label for="from-row">${shop.fromRow}</label>
      <select id="from-row" name="row" autocomplete="off">
        ${starts.map((start) => html`<option value="${start}" ${start === nearest ? 'selected' : ''}>${start}</option>`)}
      </select>
      <button class="quiet" name="go" value="" ${leads(view)}>${shop.showRows}</button>
    </div>`;
}

/** Whoever has read to the end of the list goes on from there. */
const furtherRows = (view: ShopView, { texts: { shop } }: Locale): Html | '' =>
  view.page.last < view.page.rows
    ? html`<p class="actions">${wayTo(view, view.section, view.page.last + 1, shop.rowsAfter)}</p>`
    : '';

/** Chosen on other pages of the list, and still to be let go here. */
function chosenElsewhere(view: ShopView, locale: Locale): Html | '' {
  const listed = new Set(view.page.seats.map(({ id }) => id));
  const others = view.chosen.filter((id) => !listed.has(id));
  if (others.length === 0) return '';
  return html`<fieldset>
    <legend>${locale.texts.shop.chosenElsewhere}</legend>
    <div class="seats">
      ${others.map(
        (id) =>
          html`<label class="marked"><input type="checkbox" name="seat" value="${id}" checked autocomplete="off" />${locale.seat(id)}</label>`,
      )}
    </div>
  </fieldset>`;
}

function seatBox(
  { id, row, number, kind }: Seat,
  { chosen }: ShopView,
  { texts: { shop, seats } }: Locale,
): Html {
  const words = seats.kinds[kind];
  const place = shop.seatInRow(String(row), String(number));
  const name = words ? shop.withKind(place, words) : place;
  const box = html`<input type="checkbox" name="seat" value="${id}" aria-label="${name}" autocomplete="off" ${chosen.includes(id) ? 'checked' : ''} />`;
  return words
    ? html`<label class="marked">${box}<span>${number} <small>${words}</small></span></label>`
    : html`<label>${box}${number}</label>`;
}

function sectionLink(view: ShopView, section: string, { texts: { seats } }: Locale): Html {
  const words = seats.section(section);
  return section === view.section
    ? html`<strong aria-current="true">${words}</strong>`
    : html`<a href="/sales/${view.sale.sale}/seats?section=${encodeURIComponent(section)}#list">${words}</a>`;
}

const sectionButton = (view: ShopView, section: string, { texts: { seats } }: Locale): Html => {
  const words = seats.section(section);
  return section === view.section
    ? html`<strong aria-current="true">${words}</strong>`
    : wayTo(view, section, 1, words);
};

function rows(seats: Seat[]): [number, Seat[]][] {
  const byRow = new Map<number, Seat[]>();
  for (const seat of seats) {
    const ofRow = byRow.get(seat.row);
    if (ofRow) ofRow.push(seat);
    else byRow.set(seat.row, [seat]);
  }
  return [...byRow];
}

import { html } from 'hono/html';
import type { Html } from './layout.ts';
import type { Locale } from './locale.ts';
import { mapCard, wordsOfScript } from './shop-map.ts';
import type { Seat, ShopView } from './shop-page.ts';

/**
 * What a fan without a basket sees: the best available, and one form for whoever chooses seats: on the map where there is a
 * script, in the list everywhere.
 */
export const choice = (view: ShopView, locale: Locale): Html => html`${bestCard(view, locale)}
  <form class="choose" method="post" action="/sales/${view.sale.sale}/hold"
    data-seats="/api/sales/${view.sale.sale}/seats" data-layout="${view.layoutUrl}" data-limit="${view.sale.seatsPerFan}"
    data-words="${JSON.stringify(wordsOfScript(locale))}">
    <input type="hidden" name="section" value="${view.section}" />
    ${mapCard(view, locale)} ${listCard(view, locale)} ${tray(locale)}
  </form>`;

function bestCard(view: ShopView, locale: Locale): Html {
  const { shop, seats } = locale.texts;
  const { prices, seatsPerFan, sale } = view.sale;
  const amounts = [...new Map(prices.map(({ price }) => [price.amount, price])).values()];
  amounts.sort((a, b) => a.amount - b.amount);
  return html`<section class="card">
    <h2>${shop.best}</h2>
    <form method="post" action="/sales/${sale}/hold" class="best">
      <input type="hidden" name="section" value="${view.section}" />
      <div>
        <label for="quantity">${shop.quantity}</label>
        <select id="quantity" name="quantity">
          ${Array.from({ length: seatsPerFan }, (_, i) => html`<option value="${i + 1}">${locale.number(i + 1)}</option>`)}
        </select>
      </div>
      ${view.hasAccessible ? accessibleField(view, locale) : ''}
      <div>
        <label for="best-section">${shop.where}</label>
        <select id="best-section" name="best-section">
          <option value="">${shop.anywhere}</option>
          ${prices.map(
            ({ section, price }) =>
              html`<option value="${section}">${shop.sectionFor(seats.section(section), locale.money(price))}</option>`,
          )}
        </select>
      </div>
      ${
        amounts.length > 1
          ? html`<div>
              <label for="max-amount">${shop.priceUpTo}</label>
              <select id="max-amount" name="max-amount">
                <option value="">${shop.anyPrice}</option>
                ${amounts.slice(0, -1).map((price) => html`<option value="${price.amount}">${locale.money(price)}</option>`)}
              </select>
            </div>`
          : ''
      }
      <p class="actions"><button name="choose" value="best">${shop.holdBest}</button></p>
    </form>
  </section>`;
}

const accessibleField = (view: ShopView, { texts: { shop } }: Locale): Html => html`<div>
    <label for="accessible">${shop.wheelchair}</label>
    <input id="accessible" name="accessible" type="number" min="0" max="${view.sale.seatsPerFan}" value="0"
      aria-describedby="accessible-hint" />
    <p class="soft" id="accessible-hint">${shop.wheelchairHint}</p>
  </div>`;

function listCard(view: ShopView, locale: Locale): Html {
  const { shop, seats } = locale.texts;
  const shown = locale.count(view.seats.length, shop.shown);
  const isMarked = view.seats.some(({ kind }) => seats.kinds[kind] !== '');
  return html`<section class="card" id="list" tabindex="-1" aria-labelledby="list-heading">
    <h2 id="list-heading">${shop.list}</h2>
    <p data-with-map hidden><a class="way" href="#map">${shop.onMap}</a></p>
    <nav class="actions choices" aria-label="${shop.sections}">
      ${view.sale.prices.map(({ section }) => sectionLink(view, section, locale))}
    </nav>
    <p>${shop.shownIn(shown, seats.section(view.section), locale.number(view.sale.seatsPerFan))}</p>
    ${isMarked ? html`<p class="soft">${shop.markedHint}</p>` : ''}
    ${rows(view.seats).map(
      ([row, ofRow]) => html`<fieldset>
        <legend>${shop.row(String(row))}</legend>
        <div class="seats">
          ${ofRow.map((seat) => seatBox(seat, locale))}
        </div>
      </fieldset>`,
    )}
  </section>`;
}

function seatBox({ id, row, number, kind }: Seat, { texts: { shop, seats } }: Locale): Html {
  const words = seats.kinds[kind];
  const place = shop.seatInRow(String(row), String(number));
  const name = words ? shop.withKind(place, words) : place;
  const box = html`<input type="checkbox" name="seat" value="${id}" aria-label="${name}" autocomplete="off" />`;
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

/** What is chosen, wherever it was chosen, and the one button that holds it. */
const tray = ({ texts: { shop } }: Locale): Html => html`<div class="tray card">
    <p data-show="chosen" role="status"></p>
    <p data-show="gone" role="status"></p>
    <p class="actions">
      <button name="choose" value="seats">${shop.holdThese}</button>
      <button type="button" class="quiet" data-take hidden>${shop.takeNearest}</button>
      <button type="button" class="quiet" data-let-go hidden>${shop.letGo}</button>
    </p>
  </div>`;

function rows(seats: Seat[]): [number, Seat[]][] {
  const byRow = new Map<number, Seat[]>();
  for (const seat of seats) {
    const ofRow = byRow.get(seat.row);
    if (ofRow) ofRow.push(seat);
    else byRow.set(seat.row, [seat]);
  }
  return [...byRow];
}

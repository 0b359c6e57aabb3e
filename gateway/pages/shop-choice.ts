import { html } from 'hono/html';
import type { Html } from './layout.ts';
import type { Locale } from './locale.ts';
import { listCard } from './shop-list.ts';
import { mapCard, wordsOfScript } from './shop-map.ts';
import type { ShopView } from './shop-page.ts';

/**
 * What a fan without a basket sees: the best available, and one form for whoever chooses seats: on the map where there is a
 * script, in the list everywhere.
 */
export const choice = (view: ShopView, locale: Locale): Html => html`${bestCard(view, locale)}
  <form class="choose" method="post" action="/sales/${view.sale.sale}/hold"
    data-seats="/api/sales/${view.sale.sale}/seats" data-layout="${view.layoutUrl}" data-limit="${view.sale.seatsPerFan}"
    data-words="${JSON.stringify(wordsOfScript(locale))}">
    <input type="hidden" name="section" value="${view.section}" />
    ${defaultButton()} ${mapCard(view, locale)} ${listCard(view, locale)} ${tray(locale)}
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

/** Enter in a box holds what is chosen (HTML, implicit submission): the form's first button, whatever leads elsewhere after it. */
const defaultButton = (): Html =>
  html`<button name="choose" value="seats" tabindex="-1" aria-hidden="true" hidden></button>`;

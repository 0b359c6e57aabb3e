import { html } from 'hono/html';
import type { Html } from './layout.ts';
import type { Locale } from './locale.ts';
import { type Look, looks, type ScriptWords } from './seat-map/script-words.ts';
import { SHAPE_SIZE, shapes } from './seat-map/shapes.ts';
import type { ShopView } from './shop-page.ts';

/** A template of the script: what it puts in stands in braces. */
const slot = (name: string) => `{${name}}`;

/** The words that the page's script puts together, in the page's language; it has none of its own. */
export function wordsOfScript({ texts: { shop, seats } }: Locale): ScriptWords {
  const { open, tooMany, noAnswer, holding, noneNear, signs, mapTrouble, chosenNone, refusals } = shop;
  return {
    ...{ open, tooMany, noAnswer, holding, noneNear, signs, mapTrouble, chosenNone },
    section: shop.sectionFor(seats.section(slot('section')), slot('money')),
    stage: shop.stage,
    mapOf: shop.mapOf(seats.section(slot('section'))),
    seat: seats.seat(slot('section'), slot('row'), slot('number')),
    seatInRow: shop.seatInRow(slot('row'), slot('number')),
    withKind: shop.withKind(slot('seat'), slot('kind')),
    between: shop.between,
    chosen: shop.chosen(slot('seats'), slot('money')),
    wentMeanwhile: shop.wentMeanwhile(slot('seats')),
    wereTaken: shop.wereTaken(slot('seats')),
    nearest: shop.nearest(slot('seats')),
    limitReached: refusals['limit-reached'],
    other: refusals.other,
  };
}

/** Shown by the script, which draws it; without one the list beside it offers the same. */
export function mapCard(view: ShopView, locale: Locale): Html {
  const { shop, seats } = locale.texts;
  return html`<section class="card" id="map" hidden data-open="${view.isChosen ? view.section : ''}"
    aria-labelledby="map-heading">
    <h2 id="map-heading">${shop.map}</h2>
    <div data-overview>
      <p class="soft">${shop.mapHint}</p>
      <div class="stage" aria-hidden="true">${shop.stage}</div>
      <div class="halls">
        ${view.sale.prices.map(
          ({ section, price }) => html`<button type="button" data-section="${section}">
            <span class="shape" aria-hidden="true"></span>
            <strong>${seats.section(section)}</strong>
            <span>${locale.money(price)}</span>
            <span data-open-seats></span>
          </button>`,
        )}
      </div>
    </div>
    <div data-chart hidden>
      <p class="actions">
        <button type="button" class="quiet" data-back>${shop.allSections}</button>
        <button type="button" class="quiet" data-zoom="1.5" aria-label="${shop.zoomIn}">+</button>
        <button type="button" class="quiet" data-zoom="0.66" aria-label="${shop.zoomOut}">−</button>
      </p>
      <p><strong data-show="chart"></strong></p>
      <canvas tabindex="0" role="application" aria-describedby="map-keys"></canvas>
      <p data-show="cursor" role="status"></p>
      ${legend(view, locale)}
      <p><a href="#list" data-as-list>${shop.asList}</a></p>
    </div>
    <p data-show="trouble" class="soft" role="status"></p>
  </section>`;
}

function legend(view: ShopView, { texts: { shop } }: Locale): Html {
  const names = looks.filter((name) => view.hasAccessible || (name !== 'accessible' && name !== 'companion'));
  return html`<details>
    <summary>${shop.legend}</summary>
    <ul class="legend">
      ${names.map(
        (name) =>
          html`<li><svg class="sign ${name}" viewBox="0 0 ${SHAPE_SIZE} ${SHAPE_SIZE}" aria-hidden="true">${paths(name)}</svg>${shop.signs[name]}</li>`,
      )}
    </ul>
    <p class="soft">${shop.mapTouch}</p>
    <p class="soft" id="map-keys">${shop.mapKeys}</p>
  </details>`;
}

function paths(look: Look): Html {
  const { fill, line } = shapes[look];
  return html`${fill ? html`<path class="fill" d="${fill}" />` : ''}${line ? html`<path class="line" d="${line}" />` : ''}`;
}

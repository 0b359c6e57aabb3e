import { html } from 'hono/html';
import type { z } from 'zod';
import type { HoldAnswer, HoldsAnswer, SeatKind, SeatsAnswer } from '#shared/contract/booking.ts';
import type { SaleAnswer } from '#shared/contract/sale.ts';
import { countdown } from './countdown.ts';
import { type Html, hasFocus } from './layout.ts';
import type { Locale } from './locale.ts';
import type { Warning } from './seat-map/warnings.ts';
import { choice } from './shop-choice.ts';
import type { RowPage } from './shop-rows.ts';

export type Seat = z.infer<typeof SeatsAnswer>['seats'][number];
export type Hold = z.infer<typeof HoldsAnswer>['holds'][number];

export type ShopView = {
  sale: SaleAnswer;
  /** Where the event's immutable layout is told. */
  layoutUrl: string;
  /** The section whose seats are listed. */
  section: string;
  /** Whether the fan asked for that section, so that the map shows it too. */
  isChosen: boolean;
  /** The rows of that section whose open seats are listed. */
  page: RowPage;
  /** Seats that the fan chose before, on this page of the list or another; without a script they come along in the address. */
  chosen: string[];
  holds: Hold[];
  /** Whether any section of the sale has wheelchair spaces. */
  hasAccessible: boolean;
  kindOf: (seat: string) => SeatKind;
  admissionEnds: string | null;
  /** What went wrong with the last attempt, in words. */
  problem: string | null;
  /** The payment form's own: sending it twice pays once. */
  orderKey: string;
  buyer: { name: string; email: string };
};

/** How long before its end each clock warns. */
const WARN_SECONDS = { twoMinutes: 120, halfMinute: 30, over: 0 };

/** The shop: first what the fan holds and how to pay, then what else there is. */
export function shopPage(view: ShopView, locale: Locale): Html {
  const { shop } = locale.texts;
  const api = `/api/sales/${view.sale.sale}`;
  return html`<header data-shop="${view.sale.sale}" data-now="${view.sale.serverTime}" data-holds="${api}/holds"
    data-basket="${view.holds.map(({ hold }) => hold).join(' ')}">
    <h1 ${hasFocus(view.problem === null && view.holds.length === 0)}><bdi>${view.sale.event.name}</bdi></h1>
    ${
      view.admissionEnds
        ? html`<p class="soft">${shop.shoppingLeft} ${clock(view, view.admissionEnds, locale, shop.shoppingWarnings, 'shopping-warning')}</p>
          <p class="warning" role="status" id="shopping-warning"></p>`
        : ''
    }
  </header>
  ${view.problem ? html`<section class="card problem" role="alert" ${hasFocus(true)}><p>${view.problem}</p></section>` : ''}
  ${view.holds.map((hold) => basket(view, hold, locale))} ${view.holds.length === 0 ? choice(view, locale) : ''}
  <details>
    <summary>${shop.leave}</summary>
    <form method="post" action="/sales/${view.sale.sale}/leave">
      <p>${shop.leaveMeans}</p>
      <p class="actions"><button class="quiet">${shop.leaveSure}</button></p>
    </form>
  </details>`;
}

/**
 * A clock that counts down to a moment, and says its warnings in the element of that id. Nothing renews this page: without a
 * script it says the moment as well.
 */
function clock(
  { sale: { serverTime, event } }: ShopView,
  until: string,
  locale: Locale,
  texts: Record<keyof typeof WARN_SECONDS, string>,
  saysIn: string,
): Html {
  const warnings: Warning[] = Object.entries(WARN_SECONDS).map(([name, seconds]) => ({
    seconds,
    text: texts[name as keyof typeof WARN_SECONDS],
  }));
  const says = html`data-says="${saysIn}" data-warnings="${JSON.stringify(warnings)}"`;
  return html`<strong class="number" dir="ltr">${countdown(until, serverTime, locale, says)}</strong>
    <noscript>${locale.texts.shop.until(locale.clock(until, event.timeZone))}</noscript>`;
}

const seatList = (
  seats: HoldAnswer['seats'],
  locale: Locale,
  kindOf: ShopView['kindOf'],
): Html => html`<ul class="list">
  ${seats.map(({ seat, price }) => {
    const kind = locale.texts.seats.kinds[kindOf(seat)];
    return html`<li>${locale.seat(seat)}${kind ? ` (${kind})` : ''}: ${locale.money(price)}</li>`;
  })}
</ul>`;

function basket(view: ShopView, hold: Hold, locale: Locale): Html {
  const { shop } = locale.texts;
  const warning = `hold-warning-${hold.hold}`;
  return html`<section class="card">
    <h2 ${hasFocus(view.problem === null)}>${shop.held}</h2>
    <p>${shop.heldFor} ${clock(view, hold.expiresAt, locale, shop.holdWarnings, warning)}</p>
    <p class="warning" role="status" id="${warning}"></p>
    <p class="actions" data-after="${warning}" hidden><a class="button" href="/sales/${view.sale.sale}/seats">${shop.chooseAgain}</a></p>
    ${seatList(hold.seats, locale, view.kindOf)}
    <p><strong>${shop.total(locale.money(hold.total))}</strong></p>
    <form method="post" action="/sales/${view.sale.sale}/orders">
      <input type="hidden" name="hold" value="${hold.hold}" />
      <input type="hidden" name="key" value="${view.orderKey}" />
      <label for="name">${shop.name}</label>
      <input id="name" name="name" autocomplete="name" required maxlength="200" dir="auto" value="${view.buyer.name}" />
      <label for="email">${shop.email}</label>
      <input id="email" name="email" type="email" autocomplete="email" required maxlength="254" dir="ltr" value="${view.buyer.email}" />
      <label for="token">${shop.payment}</label>
      <select id="token" name="token">
        ${Object.entries(shop.cards).map(([token, words]) => html`<option value="${token}">${words}</option>`)}
      </select>
      <p class="actions"><button>${shop.pay(locale.money(hold.total))}</button></p>
    </form>
    <form method="post" action="/sales/${view.sale.sale}/release">
      <input type="hidden" name="hold" value="${hold.hold}" />
      <p class="actions"><button class="quiet">${shop.giveBack}</button></p>
    </form>
  </section>`;
}

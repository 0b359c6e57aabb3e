import { html } from 'hono/html';
import type { z } from 'zod';
import type { HoldAnswer, HoldsAnswer, SeatKind, SeatsAnswer } from '#shared/contract/booking.ts';
import type { SaleAnswer } from '#shared/contract/sale.ts';
import { formatMoney, formatNumber, formatSeat, kindInWords } from './format.ts';
import type { Html } from './layout.ts';

export type Seat = z.infer<typeof SeatsAnswer>['seats'][number];
export type Hold = z.infer<typeof HoldsAnswer>['holds'][number];

export type ShopView = {
  sale: SaleAnswer;
  section: string;
  /** Open seats of that section. */
  seats: Seat[];
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

/** The shop: first what the fan holds and how to pay, then what else there is. */
export const shopPage = (view: ShopView): Html => html`<header>
    <h1>${view.sale.event.name}</h1>
    <p class="soft" data-state="shop" data-now="${view.sale.serverTime}">
      ${
        view.admissionEnds
          ? html`Shopping time left: <strong class="number"><span data-until="${view.admissionEnds}"></span></strong>`
          : ''
      }
    </p>
  </header>
  ${view.problem ? html`<section class="card problem" role="alert"><p>${view.problem}</p></section>` : ''}
  ${view.holds.map((hold) => basket(view, hold))} ${view.holds.length === 0 ? choice(view) : ''}
  <details>
    <summary>Leave the shop</summary>
    <form method="post" action="/sales/${view.sale.sale}/leave">
      <p>Your seats are given back and the next fan gets in. You cannot come back to this sale.</p>
      <p class="actions"><button class="quiet">Yes, leave</button></p>
    </form>
  </details>`;

export const seatList = (
  seats: HoldAnswer['seats'],
  kindOf?: ShopView['kindOf'],
): Html => html`<ul class="list">
  ${seats.map(({ seat, price }) => {
    const words = kindOf && kindInWords(kindOf(seat));
    return html`<li>${formatSeat(seat)}${words ? ` (${words})` : ''}: ${formatMoney(price)}</li>`;
  })}
</ul>`;

const basket = (view: ShopView, hold: Hold): Html => html`<section class="card">
  <h2>Held for you</h2>
  <p>For another <strong class="number"><span data-until="${hold.expiresAt}"></span></strong>.</p>
  ${seatList(hold.seats, view.kindOf)}
  <p><strong>Total: ${formatMoney(hold.total)}</strong></p>
  <form method="post" action="/sales/${view.sale.sale}/orders">
    <input type="hidden" name="hold" value="${hold.hold}" />
    <input type="hidden" name="key" value="${view.orderKey}" />
    <label for="name">Your name</label>
    <input id="name" name="name" autocomplete="name" required maxlength="200" value="${view.buyer.name}" />
    <label for="email">E-mail for the tickets</label>
    <input id="email" name="email" type="email" autocomplete="email" required maxlength="254" value="${view.buyer.email}" />
    <label for="token">Payment (test)</label>
    <select id="token" name="token">
      <option value="tok_ok">Test card that pays</option>
      <option value="tok_slow">Test card that pays slowly</option>
      <option value="tok_declined">Test card that is declined</option>
      <option value="tok_unknown">Test card whose answer gets lost</option>
    </select>
    <p class="actions"><button>Pay ${formatMoney(hold.total)}</button></p>
  </form>
  <form method="post" action="/sales/${view.sale.sale}/release">
    <input type="hidden" name="hold" value="${hold.hold}" />
    <p class="actions"><button class="quiet">Give these seats back</button></p>
  </form>
</section>`;

const choice = (view: ShopView): Html => html`<section class="card">
    <h2>Best available</h2>
    <form method="post" action="/sales/${view.sale.sale}/hold">
      <input type="hidden" name="section" value="${view.section}" />
      <label for="quantity">How many, side by side</label>
      <select id="quantity" name="quantity">
        ${Array.from({ length: view.sale.seatsPerFan }, (_, i) => html`<option>${i + 1}</option>`)}
      </select>
      ${view.hasAccessible ? accessibleField(view) : ''}
      <label for="best-section">Where</label>
      <select id="best-section" name="best-section">
        <option value="">Anywhere</option>
        ${view.sale.prices.map(
          ({ section, price }) =>
            html`<option value="${section}">Section ${section}, ${formatMoney(price)}</option>`,
        )}
      </select>
      <p class="actions"><button name="choose" value="best">Hold the best seats</button></p>
    </form>
  </section>
  <section class="card">
    <h2>Choose seats yourself</h2>
    <nav class="actions choices" aria-label="Sections">
      ${view.sale.prices.map(({ section }) => sectionLink(view, section))}
    </nav>
    <form method="post" action="/sales/${view.sale.sale}/hold" data-seats="/api/sales/${view.sale.sale}/seats">
      <input type="hidden" name="section" value="${view.section}" />
      <p>${formatNumber(view.seats.length)} open seats shown in section ${view.section}. At most ${view.sale.seatsPerFan}.</p>
      ${
        view.seats.some(({ kind }) => kindInWords(kind))
          ? html`<p class="soft">Wheelchair spaces and companion seats say so. Please leave them to fans who need them.</p>`
          : ''
      }
      ${rows(view.seats).map(
        ([row, seats]) => html`<fieldset>
          <legend>Row ${row}</legend>
          <div class="seats">
            ${seats.map(seatBox)}
          </div>
        </fieldset>`,
      )}
      <p data-show="gone" role="status"></p>
      <p class="actions"><button name="choose" value="seats">Hold these seats</button></p>
    </form>
  </section>`;

const accessibleField = (
  view: ShopView,
): Html => html`<label for="accessible">Of these, wheelchair spaces</label>
      <input id="accessible" name="accessible" type="number" min="0" max="${view.sale.seatsPerFan}" value="0"
        aria-describedby="accessible-hint" />
      <p class="soft" id="accessible-hint">The seats beside them are companion seats where there are any.</p>`;

function seatBox({ id, row, number, kind }: Seat): Html {
  const words = kindInWords(kind);
  const name = `Row ${row}, seat ${number}${words ? `, ${words}` : ''}`;
  const box = html`<input type="checkbox" name="seat" value="${id}" aria-label="${name}" />`;
  return words
    ? html`<label class="marked">${box}<span>${number} <small>${words}</small></span></label>`
    : html`<label>${box}${number}</label>`;
}

const sectionLink = (view: ShopView, section: string): Html =>
  section === view.section
    ? html`<strong aria-current="true">Section ${section}</strong>`
    : html`<a href="/sales/${view.sale.sale}/seats?section=${encodeURIComponent(section)}">Section ${section}</a>`;

function rows(seats: Seat[]): [number, Seat[]][] {
  const byRow = new Map<number, Seat[]>();
  for (const seat of seats) byRow.set(seat.row, [...(byRow.get(seat.row) ?? []), seat]);
  return [...byRow];
}

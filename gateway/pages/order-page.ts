import { html, raw } from 'hono/html';
import { renderSVG } from 'uqr';
import type { z } from 'zod';
import type { OrderAnswer } from '#shared/contract/booking.ts';
import type { SaleAnswer } from '#shared/contract/sale.ts';
import { formatMoney, formatSeat } from './format.ts';
import type { Html } from './layout.ts';
import { seatList } from './shop-page.ts';

/** Modules of white around a QR code, without which readers do not find it. */
const QUIET_ZONE = 4;

/** One attempt to pay, whole: sent again as it is, it finds out what became of it. */
export type Attempt = { hold: string; name: string; email: string; token: string; key: string };

/** When nothing certain was heard of a payment. Asks nobody, so that it can be shown whatever is away. */
export const unclearPage = (sale: SaleAnswer, attempt: Attempt): Html => html`<header>
    <h1>Your payment is not clear yet</h1>
    <p>${sale.event.name}, ${sale.event.venue}</p>
  </header>
  <section class="card">
    <p>We have not heard what became of it. Do not pay again: look in a few seconds. You pay at most once.</p>
    <form method="post" action="/sales/${sale.sale}/orders">
      ${Object.entries(attempt).map(([name, value]) => html`<input type="hidden" name="${name}" value="${value}" />`)}
      <p class="actions"><button>Look what became of it</button></p>
    </form>
  </section>`;

export const orderTitles = {
  inProgress: 'Booking in progress',
  confirmed: 'Your tickets',
  failed: 'This booking did not succeed',
  refunded: 'This order was refunded',
};

type Order = z.infer<typeof OrderAnswer>;

/** An order, as its owner sees it. `isHeld`: the fan still has seats to pay for. */
export const orderPage = (
  sale: SaleAnswer,
  order: Order,
  { isHeld }: { isHeld: boolean },
): Html => html`<header>
    <h1>${orderTitles[order.state]}</h1>
    <p>${sale.event.name}, ${sale.event.venue}</p>
  </header>
  ${order.state === 'inProgress' ? progress(sale, order) : ''}
  ${order.state === 'failed' ? failure(sale, order, isHeld) : ''}
  <section class="card">
    <p>Order <code>${order.order}</code></p>
    ${
      order.tickets.length > 0
        ? html`<ul class="list">
            ${order.tickets.map(({ seat, code }) => html`<li class="ticket">${ticketPicture(code)}<div><strong>${formatSeat(seat)}</strong><span>Ticket code <code>${code}</code></span></div></li>`)}
          </ul>`
        : seatList(order.seats)
    }
    <p><strong>Total: ${formatMoney(order.total)}</strong></p>
    ${order.state === 'confirmed' ? html`<p>We sent the tickets to ${order.buyer.email}.</p>` : ''}
    ${order.state === 'refunded' ? html`<p>You get ${formatMoney(order.total)} back. The tickets admit nobody any more.</p>` : ''}
  </section>`;

/** The code as a QR code (ISO/IEC 18004), for the door of the hall to read; beside it stands the code itself. */
const ticketPicture = (code: string) =>
  html`<span class="qr" aria-hidden="true">${raw(renderSVG(code, { border: QUIET_ZONE, ecc: 'M' }))}</span>`;

/** The page's script asks at this address and shows the page anew when there is something else to see. */
const progress = (sale: SaleAnswer, order: Order): Html => html`<section class="card progress" role="status"
    data-poll="/api/sales/${sale.sale}/orders/${order.order}">
    <span class="spinner" aria-hidden="true"></span>
    <div>
      <p><strong>We are booking your seats.</strong> This page shows by itself when it is done.</p>
      <p>You need not wait here: as soon as the booking is through, the tickets go to ${order.buyer.email}.</p>
      <p data-show="trouble" class="soft"></p>
    </div>
  </section>`;

const failures: Record<string, string> = {
  'payment-declined': 'The payment was declined.',
  'hold-lost': 'Before the payment was through, the seats went to somebody else.',
  unavailable: 'The payment provider could not be reached.',
};

const failure = (sale: SaleAnswer, order: Order, isHeld: boolean): Html => html`<section class="card problem">
    <p>${failures[order.failure ?? ''] ?? 'The payment did not come about.'} You have not been charged.</p>
  </section>
  <section>
    <p>${isHeld ? 'Your seats are still held for you: you can pay again.' : 'You can look what else there is.'}</p>
    <p class="actions">
      <a class="button" href="/sales/${sale.sale}/seats">${isHeld ? 'Back to your seats' : 'Choose other seats'}</a>
    </p>
  </section>`;

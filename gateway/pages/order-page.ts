import { html } from 'hono/html';
import type { z } from 'zod';
import type { OrderAnswer } from '#shared/contract/booking.ts';
import type { SaleAnswer } from '#shared/contract/sale.ts';
import { formatMoney, formatSeat } from './format.ts';
import type { Html } from './layout.ts';
import { seatList } from './shop-page.ts';

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

const orderTexts = {
  inProgress: 'Booking in progress',
  confirmed: 'Your tickets',
  failed: 'This booking did not succeed',
  refunded: 'This order was refunded',
};

/** An order, as its owner sees it. */
export const orderPage = (sale: SaleAnswer, order: z.infer<typeof OrderAnswer>): Html => html`<header>
    <h1>${orderTexts[order.state]}</h1>
    <p>${sale.event.name}, ${sale.event.venue}</p>
  </header>
  <section class="card">
    <p>Order <code>${order.order}</code></p>
    ${
      order.tickets.length > 0
        ? html`<ul class="list">
            ${order.tickets.map(({ seat, code }) => html`<li>${formatSeat(seat)}<span>Ticket code <code>${code}</code></span></li>`)}
          </ul>`
        : seatList(order.seats)
    }
    <p><strong>Total: ${formatMoney(order.total)}</strong></p>
    ${order.state === 'confirmed' ? html`<p>We sent the tickets to ${order.buyer.email}.</p>` : ''}
    ${order.state === 'failed' ? html`<p>You have not been charged.</p>` : ''}
  </section>`;

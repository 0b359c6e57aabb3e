import { html, raw } from 'hono/html';
import { renderSVG } from 'uqr';
import type { z } from 'zod';
import { calendarFile, uidOfOrder } from '#shared/calendar-file.ts';
import type { OrderAnswer } from '#shared/contract/booking.ts';
import type { SaleAnswer } from '#shared/contract/sale.ts';
import { type Html, hasFocus } from './layout.ts';
import type { Locale } from './locale.ts';
import { named, sentence } from './sentence.ts';

/** Modules of white around a QR code, without which readers do not find it. */
const QUIET_ZONE = 4;

/** One attempt to pay, whole: sent again as it is, it finds out what became of it. */
export type Attempt = { hold: string; name: string; email: string; token: string; key: string };

/** When nothing certain was heard of a payment. Asks nobody, so that it can be shown whatever is away. */
export function unclearPage(sale: SaleAnswer, attempt: Attempt, locale: Locale): Html {
  const { title, text, look } = locale.texts.order.unclear;
  return html`${header(sale, title, locale)}
    <section class="card">
      <p>${text}</p>
      <form method="post" action="/sales/${sale.sale}/orders">
        ${Object.entries(attempt).map(([name, value]) => html`<input type="hidden" name="${name}" value="${value}" />`)}
        <p class="actions"><button>${look}</button></p>
      </form>
    </section>`;
}

const header = ({ event }: SaleAnswer, title: string, locale: Locale): Html => html`<header>
  <h1 ${hasFocus(true)}>${title}</h1>
  <p>${named(event.name)}<br />${named(event.venue)}<br />${locale.day(event.startsAt, event.timeZone)}</p>
</header>`;

type Order = z.infer<typeof OrderAnswer>;

/** An order, as its owner sees it. `isHeld`: the fan still has seats to pay for. */
export function orderPage(
  sale: SaleAnswer,
  order: Order,
  { isHeld, locale }: { isHeld: boolean; locale: Locale },
): Html {
  const words = locale.texts.order;
  const total = locale.money(order.total);
  return html`${header(sale, words.titles[order.state], locale)}
    ${order.state === 'inProgress' ? progress(sale, order, locale) : ''}
    ${order.state === 'failed' ? failure(sale, order, isHeld, locale) : ''}
    <section class="card order">
      <p>${sentence(words.number, { order: html`<code dir="ltr">${order.order}</code>` })}</p>
      <ul class="list">
        ${
          order.tickets.length > 0
            ? order.tickets.map(({ seat, code }) => ticket(sale, locale.seat(seat), code, locale))
            : order.seats.map(
                ({ seat, price }) => html`<li>${words.priced(locale.seat(seat), locale.money(price))}</li>`,
              )
        }
      </ul>
      <p><strong>${words.total(total)}</strong></p>
      ${order.state === 'confirmed' ? html`<p>${sentence(words.sentTo, { email: named(order.buyer.email) })}</p>` : ''}
      ${order.state === 'refunded' ? html`<p>${words.moneyBack(total)}</p>` : ''}
      ${order.state === 'confirmed' ? keeping(sale, order, locale) : ''}
    </section>`;
}

/** What a fan does with tickets: a calendar has the day, and paper needs no battery. */
const keeping = ({ sale }: SaleAnswer, { order }: Order, { texts }: Locale): Html => html`<p class="actions">
    <a class="button" href="/sales/${sale}/orders/${order}/calendar.ics">${texts.order.toCalendar}</a>
    <button type="button" class="quiet" data-print hidden>${texts.order.print}</button>
  </p>`;

/** The concert of an order for a calendar. Without the codes: a calendar is often shared, and a code admits whoever has it. */
export const orderCalendar = (sale: SaleAnswer, order: Order, url: string, locale: Locale): string =>
  calendarFile({
    uid: uidOfOrder(order.order, url),
    saidAt: order.createdAt,
    startsAt: sale.event.startsAt,
    title: sale.event.name,
    place: sale.event.venue,
    notes: [
      locale.texts.order.number.replace('{order}', order.order),
      ...order.tickets.map(({ seat }) => locale.seat(seat)),
      locale.texts.order.calendarNote,
    ],
    url,
  });

/** On paper each ticket says what it is for: they are cut apart and handed out. */
const ticket = (
  { event }: SaleAnswer,
  seat: string,
  code: string,
  locale: Locale,
): Html => html`<li class="ticket">
  ${ticketPicture(code)}
  <div>
    <strong>${seat}</strong>
    <span class="paper">${named(event.name)}<br />${named(event.venue)}<br />${locale.day(event.startsAt, event.timeZone)}</span>
    <span>${sentence(locale.texts.order.code, { code: html`<code dir="ltr">${code}</code>` })}</span>
  </div>
</li>`;

/** The code as a QR code (ISO/IEC 18004), for the door of the hall to read; beside it stands the code itself. */
const ticketPicture = (code: string) =>
  html`<span class="qr" aria-hidden="true">${raw(renderSVG(code, { border: QUIET_ZONE, ecc: 'M' }))}</span>`;

/** The page's script asks at this address and shows the page anew when there is something else to see. */
function progress(sale: SaleAnswer, order: Order, { texts }: Locale): Html {
  const { booking, showsByItself, needNotWait, offline, unreachable } = texts.order;
  return html`<section class="card progress" role="status"
    data-poll="/api/sales/${sale.sale}/orders/${order.order}">
    <span class="spinner" aria-hidden="true"></span>
    <div>
      <p><strong>${booking}</strong> ${showsByItself}</p>
      <p>${sentence(needNotWait, { email: named(order.buyer.email) })}</p>
      <p data-show="trouble" data-offline="${offline}" data-unreachable="${unreachable}" class="soft"></p>
    </div>
  </section>`;
}

const failureOf: Record<string, 'declined' | 'lost' | 'unreachable'> = {
  'payment-declined': 'declined',
  'hold-lost': 'lost',
  unavailable: 'unreachable',
};

function failure(sale: SaleAnswer, order: Order, isHeld: boolean, { texts }: Locale): Html {
  const words = texts.order;
  return html`<section class="card problem">
      <p>${words.failures[failureOf[order.failure ?? ''] ?? 'other']} ${words.notCharged}</p>
    </section>
    <section>
      <p>${isHeld ? words.stillHeld : words.lookAround}</p>
      <p class="actions">
        <a class="button" href="/sales/${sale.sale}/seats">${isHeld ? words.backToSeats : words.otherSeats}</a>
      </p>
    </section>`;
}

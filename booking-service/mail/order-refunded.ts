import type { Event } from '../catalogue/event.ts';
import type { Mail } from './transport.ts';
import { escapeHtml, money, placeInWords, startOf } from './words.ts';

export type RefundedOrder = {
  order: string;
  buyerName: string;
  buyerEmail: string;
  amount: number;
  currency: string;
  seats: number[];
};

/** The mail that tells of a refund. The same order always makes the same mail. */
export function orderRefundedMail(id: string, event: Event, order: RefundedOrder): Mail {
  const when = startOf(event);
  const total = money(order.amount, order.currency);
  const places = order.seats.map((seat) => placeInWords(event, seat));
  const news = `your order was refunded: you get ${total} back, the way you paid. Its tickets admit nobody any more.`;

  const text = [
    `Hello ${order.buyerName},`,
    '',
    news,
    '',
    event.name,
    event.venue,
    when,
    '',
    ...places,
    '',
    `Refund: ${total}`,
    `Order: ${order.order}`,
    '',
  ].join('\n');

  const html = `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>${escapeHtml(event.name)}</title></head>
<body>
<p>Hello <bdi>${escapeHtml(order.buyerName)}</bdi>,</p>
<p>${escapeHtml(news)}</p>
<h1><bdi>${escapeHtml(event.name)}</bdi></h1>
<p><bdi>${escapeHtml(event.venue)}</bdi><br>${escapeHtml(when)}</p>
<ul>
${places.map((place) => `<li>${escapeHtml(place)}</li>`).join('\n')}
</ul>
<p>Refund: ${escapeHtml(total)}<br>Order: ${escapeHtml(order.order)}</p>
</body>
</html>
`;
  return { id, to: order.buyerEmail, subject: `Your order was refunded: ${event.name}`, text, html };
}

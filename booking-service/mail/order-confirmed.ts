import type { Event } from '../catalogue/event.ts';
import type { Mail } from './transport.ts';
import { escapeHtml, money, placeInWords, startOf } from './words.ts';

export type ConfirmedOrder = {
  order: string;
  buyerName: string;
  buyerEmail: string;
  amount: number;
  currency: string;
  tickets: { seat: number; code: string }[];
};

/** The mail that carries the tickets. The same order always makes the same mail. */
export function orderConfirmedMail(id: string, event: Event, order: ConfirmedOrder): Mail {
  const when = startOf(event);
  const total = money(order.amount, order.currency);
  const seats = order.tickets.map(({ seat, code }) => ({ place: placeInWords(event, seat), code }));

  const text = [
    `Hello ${order.buyerName},`,
    '',
    'your order is confirmed. Each code below admits one person.',
    '',
    event.name,
    event.venue,
    when,
    '',
    ...seats.map(({ place, code }) => `${place}: ${code}`),
    '',
    `Total: ${total}`,
    `Order: ${order.order}`,
    '',
  ].join('\n');

  const rows = seats
    .map(
      ({ place, code }) => `<tr><td>${escapeHtml(place)}</td><td><code>${escapeHtml(code)}</code></td></tr>`,
    )
    .join('\n');
  const html = `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>${escapeHtml(event.name)}</title></head>
<body>
<p>Hello ${escapeHtml(order.buyerName)},</p>
<p>your order is confirmed. Each code below admits one person.</p>
<h1>${escapeHtml(event.name)}</h1>
<p>${escapeHtml(event.venue)}<br>${escapeHtml(when)}</p>
<table>
<tr><th align="left">Seat</th><th align="left">Ticket</th></tr>
${rows}
</table>
<p>Total: ${escapeHtml(total)}<br>Order: ${escapeHtml(order.order)}</p>
</body>
</html>
`;
  return { id, to: order.buyerEmail, subject: `Your tickets: ${event.name}`, text, html };
}

import { calendarFile, uidOfOrder } from '#shared/calendar-file.ts';
import type { Event } from '../catalogue/event.ts';
import { qrPng } from './qr-png.ts';
import type { Attachment, Mail } from './transport.ts';
import { escapeHtml, money, placeInWords, startOf } from './words.ts';

export type ConfirmedOrder = {
  order: string;
  buyerName: string;
  buyerEmail: string;
  amount: number;
  currency: string;
  tickets: { seat: number; code: string }[];
  createdAt: Date;
  /** The page of the order, for the browser that it was bought with. */
  orderUrl: string;
};

/**
 * The mail that carries the tickets, each with its QR code, and the concert for a calendar. A hundred tickets, the most that a
 * fan may have in a sale, are some 60 KB. The same order always makes the same mail.
 */
export function orderConfirmedMail(id: string, event: Event, order: ConfirmedOrder): Mail {
  const when = startOf(event);
  const total = money(order.amount, order.currency);
  const seats = order.tickets.map(({ seat, code }) => ({
    place: placeInWords(event, seat),
    code,
    ...pictureOf(code),
  }));

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
    `In the browser that you bought with: ${order.orderUrl}`,
    '',
  ].join('\n');

  const rows = seats
    .map(
      ({
        place,
        code,
        picture,
        size,
      }) => `<tr><td><img src="cid:${picture.cid}" width="${size}" height="${size}" alt=""></td>
<td>${escapeHtml(place)}<br><code>${escapeHtml(code)}</code></td></tr>`,
    )
    .join('\n');
  const html = `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>${escapeHtml(event.name)}</title></head>
<body>
<p>Hello <bdi>${escapeHtml(order.buyerName)}</bdi>,</p>
<p>your order is confirmed. Each code below admits one person.</p>
<h1><bdi>${escapeHtml(event.name)}</bdi></h1>
<p><bdi>${escapeHtml(event.venue)}</bdi><br>${escapeHtml(when)}</p>
<table>
${rows}
</table>
<p>Total: ${escapeHtml(total)}<br>Order: ${escapeHtml(order.order)}<br>
<a href="${escapeHtml(order.orderUrl)}">Your order</a>, in the browser that you bought with</p>
</body>
</html>
`;
  return {
    ...{ id, to: order.buyerEmail, subject: `Your tickets: ${event.name}`, text, html },
    attachments: [...seats.map(({ picture }) => picture), calendarOf(event, order)],
  };
}

/** A QR code as a picture that the mail itself carries: nothing is fetched from anywhere when it is read. */
function pictureOf(code: string): { picture: Attachment & { cid: string }; size: number } {
  const { size, png } = qrPng(code);
  const name = `${code}.png`;
  return { picture: { name, type: 'image/png', content: png, cid: `${code}@tickets` }, size };
}

function calendarOf(event: Event, order: ConfirmedOrder): Attachment {
  const file = calendarFile({
    uid: uidOfOrder(order.order, order.orderUrl),
    saidAt: order.createdAt.toISOString(),
    startsAt: event.startsAt.toISOString(),
    title: event.name,
    place: event.venue,
    notes: [
      `Order ${order.order}`,
      ...order.tickets.map(({ seat }) => placeInWords(event, seat)),
      'Your tickets are on the page of your order and in the mail. The end of the concert is an estimate.',
    ],
    url: order.orderUrl,
  });
  return { name: 'tickets.ics', type: 'text/calendar; charset=utf-8', content: Buffer.from(file) };
}

import type { Event } from '../catalogue/event.ts';
import { placeOfSeat } from '../catalogue/seat-id.ts';
import type { Mail } from './transport.ts';

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
  const when = new Intl.DateTimeFormat('en-GB', {
    dateStyle: 'full',
    timeStyle: 'short',
    timeZone: event.timeZone,
  }).format(event.startsAt);
  const total = money(order.amount, order.currency);
  const seats = order.tickets.map(({ seat, code }) => {
    const { section, row, number } = placeOfSeat(event.sections, seat);
    return { place: `Section ${section.name}, row ${row}, seat ${number}`, code };
  });

  const text = [
    `Hello ${order.buyerName},`,
    '',
    'your order is confirmed. Each code below admits one person.',
    '',
    event.name,
    event.venue,
    `${when} (${event.timeZone})`,
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
<p>${escapeHtml(event.venue)}<br>${escapeHtml(`${when} (${event.timeZone})`)}</p>
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

/** An amount in minor units as people write it, with as many decimals as the currency has (ISO 4217). */
export function money(amount: number, currency: string): string {
  const format = new Intl.NumberFormat('en-GB', { style: 'currency', currency });
  return format.format(amount / 10 ** (format.resolvedOptions().maximumFractionDigits ?? 2));
}

const escapes: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

const escapeHtml = (text: string): string =>
  text.replace(/[&<>"']/g, (character) => escapes[character] as string);

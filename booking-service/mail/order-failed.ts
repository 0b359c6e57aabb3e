import type { Event } from '../catalogue/event.ts';
import type { Mail } from './transport.ts';
import { escapeHtml, money, placeInWords, startOf } from './words.ts';

export type FailedOrder = {
  order: string;
  buyerEmail: string;
  amount: number;
  currency: string;
  seats: number[];
  failure: string | null;
  /** Until when the seats are still the fan's; null when they are not. */
  heldUntil: Date | null;
  /** Where the fan can try again. */
  shopUrl: string;
};

const reasons: Record<string, string> = {
  'payment-declined': 'your payment was declined.',
  'hold-lost':
    'before your payment was through, the time to pay had run out and the seats went to somebody else.',
  unavailable: 'the payment provider could not be reached in time.',
};

/**
 * The mail that tells of a booking that did not come about to a buyer who did not wait for it. Nobody has paid for it, so it
 * carries no word that its sender chose: the address may be a stranger's.
 */
export function orderFailedMail(id: string, event: Event, order: FailedOrder): Mail {
  const when = startOf(event);
  const total = money(order.amount, order.currency);
  const places = order.seats.map((seat) => placeInWords(event, seat));
  const news = `we could not book your seats: ${reasons[order.failure ?? ''] ?? 'the payment did not come about.'}`;
  const charge = `You have not been charged. If your bank shows ${total} as reserved, it lets go of it by itself.`;
  const advice = order.heldUntil
    ? `Your seats are still held for you until ${timeOf(order.heldUntil, event.timeZone)}. Try again there:`
    : 'You have no tickets for these seats. As long as your time in the shop lasts, you can choose others there:';

  const text = [
    'Hello,',
    '',
    news,
    charge,
    '',
    event.name,
    event.venue,
    when,
    '',
    ...places,
    '',
    advice,
    order.shopUrl,
    '',
    `Order: ${order.order}`,
    '',
  ].join('\n');

  const html = `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>${escapeHtml(event.name)}</title></head>
<body>
<p>Hello,</p>
<p>${escapeHtml(news)}<br>${escapeHtml(charge)}</p>
<h1><bdi>${escapeHtml(event.name)}</bdi></h1>
<p><bdi>${escapeHtml(event.venue)}</bdi><br>${escapeHtml(when)}</p>
<ul>
${places.map((place) => `<li>${escapeHtml(place)}</li>`).join('\n')}
</ul>
<p>${escapeHtml(advice)}<br><a href="${escapeHtml(order.shopUrl)}">${escapeHtml(order.shopUrl)}</a></p>
<p>Order: ${escapeHtml(order.order)}</p>
</body>
</html>
`;
  return { id, to: order.buyerEmail, subject: `Your booking did not succeed: ${event.name}`, text, html };
}

const timeOf = (at: Date, timeZone: string): string =>
  `${new Intl.DateTimeFormat('en-GB', { timeStyle: 'medium', timeZone }).format(at)} (${timeZone})`;

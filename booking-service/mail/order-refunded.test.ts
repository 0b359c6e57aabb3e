import { expect, test } from 'vitest';
import type { Event } from '../catalogue/event.ts';
import { orderRefundedMail } from './order-refunded.ts';

const event = (texts: Partial<Event>): Event => ({
  id: 'e',
  name: 'A concert',
  venue: 'A hall',
  startsAt: new Date('2030-05-01T19:00:00Z'),
  timeZone: 'Europe/Berlin',
  currency: 'EUR',
  layoutVersion: 1,
  sections: [{ ordinal: 0, name: 'A', rows: 2, seatsPerRow: 10, firstSeat: 0, amount: 100 }],
  ...texts,
});

const order = (buyerName: string) => ({
  order: 'an-order',
  buyerName,
  buyerEmail: 'ada@example.org',
  amount: 13_000,
  currency: 'EUR',
  seats: [12, 13],
});

test('the mail says what was refunded, which seats, and that the tickets are void', () => {
  const mail = orderRefundedMail('m', event({}), order('Ada'));
  expect(mail).toMatchObject({ to: 'ada@example.org', subject: 'Your order was refunded: A concert' });
  for (const body of [mail.text, mail.html]) {
    expect(body).toContain('your order was refunded: you get €130.00 back');
    expect(body).toContain('Its tickets admit nobody any more');
    expect(body).toContain('Section A, row 2, seat 3');
    expect(body).toContain('Section A, row 2, seat 4');
    expect(body).toContain('Order: an-order');
  }
});

test('it escapes whatever people wrote', () => {
  const evil = `<script>alert("1")</script>&'`;
  const { html } = orderRefundedMail('m', event({ name: evil, venue: evil }), order(evil));
  expect(html).not.toContain('<script>');
  expect(html.match(/&lt;script&gt;alert\(&quot;1&quot;\)&lt;\/script&gt;&amp;&#39;/g)).toHaveLength(4);
});

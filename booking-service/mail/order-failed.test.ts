import { describe, expect, test } from 'vitest';
import type { Event } from '../catalogue/event.ts';
import { type FailedOrder, orderFailedMail } from './order-failed.ts';

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

const order = (facts: Partial<FailedOrder>): FailedOrder => ({
  order: 'an-order',
  buyerEmail: 'ada@example.org',
  amount: 13_000,
  currency: 'EUR',
  seats: [12, 13],
  failure: 'payment-declined',
  heldUntil: null,
  shopUrl: 'https://tickets.example.org/sales/s/seats',
  ...facts,
});

describe('the mail of a booking that did not come about', () => {
  test('says which seats of which concert, that nothing was charged, and where to go on', () => {
    const mail = orderFailedMail('m', event({}), order({}));
    expect(mail).toMatchObject({ to: 'ada@example.org', subject: 'Your booking did not succeed: A concert' });
    for (const body of [mail.text, mail.html]) {
      expect(body).toContain('You have not been charged');
      expect(body).toContain('Wednesday, 1 May 2030 at 21:00 (Europe/Berlin)');
      expect(body).toContain('Section A, row 2, seat 3');
      expect(body).toContain('Section A, row 2, seat 4');
      expect(body).toContain('https://tickets.example.org/sales/s/seats');
      expect(body).toContain('Order: an-order');
    }
  });

  test('says why', () => {
    const why = (failure: string | null) => orderFailedMail('m', event({}), order({ failure })).text;
    expect(why('payment-declined')).toContain('your payment was declined');
    expect(why('hold-lost')).toContain('the seats went to somebody else');
    expect(why('unavailable')).toContain('could not be reached');
    expect(why(null)).toContain('the payment did not come about');
  });

  test('says until when the seats are still held, in the time of the place, if they are', () => {
    const held = orderFailedMail('m', event({}), order({ heldUntil: new Date('2026-01-01T11:05:09Z') }));
    for (const body of [held.text, held.html])
      expect(body).toContain('still held for you until 12:05:09 (Europe/Berlin)');
    const lost = orderFailedMail('m', event({}), order({}));
    for (const body of [lost.text, lost.html]) expect(body).not.toContain('still held');
  });

  test('escapes whatever people wrote', () => {
    const evil = `<script>alert("1")</script>&'`;
    const mail = orderFailedMail('m', event({ name: evil, venue: evil }), order({}));
    expect(mail.html).not.toContain('<script>');
    expect(mail.html.match(/&lt;script&gt;alert\(&quot;1&quot;\)&lt;\/script&gt;&amp;&#39;/g)).toHaveLength(
      3,
    );
  });
});

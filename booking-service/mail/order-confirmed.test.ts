import { describe, expect, test } from 'vitest';
import type { Event } from '../catalogue/event.ts';
import { orderConfirmedMail } from './order-confirmed.ts';

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

const order = (name: string) => ({
  order: 'o',
  buyerName: name,
  buyerEmail: 'ada@example.org',
  amount: 200,
  currency: 'EUR',
  tickets: [{ seat: 13, code: 'a-code' }],
});

describe('the mail with the tickets', () => {
  test('says where and when in the time of the place, which seat, which code', () => {
    const { text, html } = orderConfirmedMail('m', event({}), order('Ada'));
    for (const body of [text, html]) {
      expect(body).toContain('Wednesday, 1 May 2030 at 21:00 (Europe/Berlin)');
      expect(body).toContain('Section A, row 2, seat 4');
      expect(body).toContain('a-code');
    }
  });

  test('escapes whatever people wrote', () => {
    const evil = `<script>alert("1")</script>&'`;
    const { html } = orderConfirmedMail('m', event({ name: evil, venue: evil }), order(evil));
    expect(html).not.toContain('<script>');
    expect(html.match(/&lt;script&gt;alert\(&quot;1&quot;\)&lt;\/script&gt;&amp;&#39;/g)).toHaveLength(4);
  });

  test('is the same each time', () => {
    expect(orderConfirmedMail('m', event({}), order('Ada'))).toEqual(
      orderConfirmedMail('m', event({}), order('Ada')),
    );
  });
});

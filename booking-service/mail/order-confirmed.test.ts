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
  createdAt: new Date('2030-01-01T10:00:00Z'),
  orderUrl: 'https://tickets.example.org/sales/s/orders/o',
});

describe('the mail with the tickets', () => {
  test('says where and when in the time of the place, which seat, which code', () => {
    const { text, html } = orderConfirmedMail('m', event({}), order('Ada'));
    for (const body of [text, html]) {
      expect(body).toContain('Wednesday, 1 May 2030 at 21:00 (Europe/Berlin)');
      expect(body).toContain('Section A, row 2, seat 4');
      expect(body).toContain('a-code');
      expect(body).toContain('https://tickets.example.org/sales/s/orders/o');
    }
  });

  test('carries a picture of each code, which its HTML shows, and the concert for a calendar', () => {
    const tickets = Array.from({ length: 100 }, (_, i) => ({
      seat: i % 20,
      code: `code-${i}-of-22-letters`,
    }));
    const { html, attachments = [] } = orderConfirmedMail('m', event({}), { ...order('Ada'), tickets });
    const shown = [...html.matchAll(/<img src="cid:([^"]+)"/g)].map(([, cid]) => cid);
    expect(shown).toHaveLength(100);
    expect(attachments.slice(0, 100).map(({ cid, type }) => [cid, type])).toEqual(
      shown.map((cid) => [cid, 'image/png']),
    );
    expect(html).not.toContain('src="http');
    const calendar = attachments[100]?.content.toString();
    expect(calendar).toContain('UID:o@tickets.example.org\r\n');
    expect(calendar).toContain('DTSTART:20300501T190000Z\r\n');
    // Who is shown a calendar does not get in by it.
    expect(calendar).not.toContain('code-1');
    const bytes = attachments.reduce((sum, { content }) => sum + content.length, html.length);
    expect(bytes).toBeLessThan(100_000);
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

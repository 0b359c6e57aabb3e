import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type CalendarEntry, calendarFile, uidOfOrder } from './calendar-file.ts';

const entry = (own: Partial<CalendarEntry> = {}): CalendarEntry => ({
  uid: uidOfOrder('an-order', 'https://tickets.example.org/sales/s/orders/an-order'),
  saidAt: '2026-06-01T10:00:00.123Z',
  startsAt: '2026-10-24T22:30:00.000Z',
  title: 'A concert',
  place: 'A hall',
  notes: ['Order an-order', 'Section A, row 1, seat 2'],
  url: 'https://tickets.example.org/sales/s/orders/an-order',
  ...own,
});

/** As RFC 5545 §3.1 and §3.3.11 have a reader read it. */
function read(file: string): Map<string, string> {
  const lines = file.replaceAll('\r\n ', '').split('\r\n').slice(0, -1);
  return new Map(
    lines.map((line) => {
      const colon = line.indexOf(':');
      const value = line.slice(colon + 1);
      return [line.slice(0, colon), value.replace(/\\(.)/g, (_, c) => (c === 'n' ? '\n' : c))];
    }),
  );
}

test('a calendar file says what begins when and where, over midnight and a change of the clocks', () => {
  const file = calendarFile(entry());
  expect(file).toMatch(/^BEGIN:VCALENDAR\r\nVERSION:2\.0\r\n.*\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n$/s);
  expect(Object.fromEntries(read(file))).toMatchObject({
    UID: 'an-order@tickets.example.org',
    DTSTAMP: '20260601T100000Z',
    DTSTART: '20261024T223000Z',
    DTEND: '20261025T013000Z',
    SUMMARY: 'A concert',
    LOCATION: 'A hall',
    DESCRIPTION: 'Order an-order\nSection A, row 1, seat 2',
    URL: 'https://tickets.example.org/sales/s/orders/an-order',
  });
});

test('whatever people write is read back as it was, in lines of at most 75 octets, and makes no line of its own', () => {
  const written = fc
    .string({ unit: 'grapheme', maxLength: 300 })
    .filter((text) => !/[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/u.test(text));
  fc.assert(
    fc.property(written, written, (title, place) => {
      const file = calendarFile(entry({ title, place }));
      for (const line of file.split('\r\n')) expect(Buffer.byteLength(line)).toBeLessThanOrEqual(75);
      expect(file.replaceAll('\r\n', '')).not.toMatch(/[\r\n]/);
      const fields = read(file);
      expect([fields.get('SUMMARY'), fields.get('LOCATION'), fields.size]).toEqual([title, place, 13]);
    }),
  );
});

test('a name with line breaks, separators and marks of direction adds no property and turns no text', () => {
  const evil = 'Nora\r\nATTENDEE:mailto:eve@example.org\u2028END:VEVENT;x,y\\\u202egnihtyna\u0007';
  const file = calendarFile(entry({ title: evil, notes: [evil] }));
  expect(file).not.toMatch(/^ATTENDEE/m);
  expect(file.match(/^END:VEVENT/gm)).toHaveLength(1);
  expect(read(file).get('SUMMARY')).toBe('Nora\nATTENDEE:mailto:eve@example.org\nEND:VEVENT;x,y\\gnihtyna');
});

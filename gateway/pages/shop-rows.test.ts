import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Seat } from './shop-page.ts';
import { pageStarts, rowAsked, rowPage, SEATS_SHOWN_MAX, seatsAlong } from './shop-rows.ts';

const seat = (row: number, number: number): Seat => ({
  ...{ id: `A-${row}-${number}`, section: 'A', row, number, status: 'open', kind: 'standard' },
  price: { amount: 100, currency: 'EUR' },
});

const hall = fc.record({
  rows: fc.integer({ min: 1, max: 60 }),
  seatsPerRow: fc.integer({ min: 1, max: 500 }),
  openOfTen: fc.integer({ min: 0, max: 10 }),
});

/** Open seats from a row on, as the shop tells them: at most SEATS_SHOWN_MAX. */
function told(
  { rows, seatsPerRow, openOfTen }: { rows: number; seatsPerRow: number; openOfTen: number },
  fromRow: number,
) {
  const open: Seat[] = [];
  for (let row = fromRow; row <= rows; row += 1)
    for (let number = 1; number <= seatsPerRow && open.length < SEATS_SHOWN_MAX; number += 1)
      if ((row * 7 + number * 3) % 10 < openOfTen) open.push(seat(row, number));
  return open;
}

test('from page to page every open seat of a section is listed, once, and no page is longer than the shop’s answer', () => {
  fc.assert(
    fc.property(hall, (size) => {
      const listed: string[] = [];
      for (let row = 1; row <= size.rows; ) {
        const page = rowPage(told(size, row), row, size);
        expect(page.seats.length).toBeLessThanOrEqual(SEATS_SHOWN_MAX);
        expect(page.last).toBeGreaterThanOrEqual(row);
        listed.push(...page.seats.map(({ id }) => id));
        row = page.last + 1;
      }
      let open = 0;
      for (let row = 1; row <= size.rows; row += 1)
        for (let number = 1; number <= size.seatsPerRow; number += 1)
          if ((row * 7 + number * 3) % 10 < size.openOfTen) open += 1;
      expect([new Set(listed).size, listed.length]).toEqual([open, open]);
    }),
    { numRuns: 60 },
  );
});

test('the pages that can be chosen leave out no row, however many seats are open', () => {
  fc.assert(
    fc.property(hall, (given) => {
      const size = { ...given, openOfTen: 10 };
      const starts = pageStarts(rowPage(told(size, 1), 1, size));
      for (const [i, start] of starts.entries()) {
        const { last } = rowPage(told(size, start), start, size);
        expect(last).toBeGreaterThanOrEqual((starts[i + 1] ?? size.rows + 1) - 1);
      }
    }),
    { numRuns: 60 },
  );
});

test('a row that there is not is the first', () => {
  const asked = ['3', '1', '0', '4', '-1', '1.5', 'x', '', undefined, '1e1', '99999'];
  expect(asked.map((row) => rowAsked(row, { rows: 3, seatsPerRow: 1 }))).toEqual([3, ...Array(10).fill(1)]);
});

test('of the seats that come along in an address only those of this sale do, each once and no more than may be held', () => {
  const sections = [{ name: 'A', rows: 2, seatsPerRow: 3 }];
  const given = ['A-1-1', 'A-1-1', 'A-3-1', 'A-1-4', 'B-1-1', '<b>', 'A-2-3', 'A-2-2', 'A-01-1'];
  expect(seatsAlong(given, sections, 2)).toEqual(['A-1-1', 'A-2-3']);
});

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createHall, HELD, markKinds, nameOf, OPEN, placeOf, seatNamed } from './hall.ts';
import { nearestBlock, ROW_SEATS } from './nearest-block.ts';

type Size = { rows: number; seatsPerRow: number; amount?: number };
const hallOf = (...sizes: Size[]) =>
  createHall({
    ...{ version: 1, event: 'e', layoutVersion: 1, statuses: '' },
    sections: sizes.map(({ rows, seatsPerRow, amount = 5_000 }, i) => ({
      ...{ rows, seatsPerRow, name: 'ABC'[i] as string },
      price: { amount, currency: 'EUR' },
    })),
  });
type AnyHall = ReturnType<typeof hallOf>;
const seats = (hall: AnyHall, ...ids: string[]) => ids.map((id) => seatNamed(hall, id) as number);
const take = (hall: AnyHall, ...ids: string[]) => {
  for (const seat of seats(hall, ...ids)) hall.states[seat] = HELD;
};
const nearest = (hall: AnyHall, ...ids: string[]) => {
  const block = nearestBlock(hall, seats(hall, ...ids));
  return block === null ? null : nameOf(hall, block);
};

test('next to a seat that went, in the same row, and over the one that is still open', () => {
  const hall = hallOf({ rows: 3, seatsPerRow: 10 });
  take(hall, 'A-2-5');
  expect(nearest(hall, 'A-2-4', 'A-2-5')).toBe('A-2-3');
});

test('the row behind is nearer than the far end of the same row', () => {
  const hall = hallOf({ rows: 2, seatsPerRow: 12 });
  take(hall, 'A-1-5', 'A-1-6', 'A-1-7', 'A-1-3', 'A-1-9');
  expect(nearest(hall, 'A-1-5', 'A-1-6')).toBe('A-2-5');
});

test('a section without such a block is left for the nearest one that is no dearer', () => {
  const hall = hallOf(
    { rows: 1, seatsPerRow: 4, amount: 9_000 },
    { rows: 1, seatsPerRow: 4 },
    { rows: 1, seatsPerRow: 4 },
  );
  take(hall, 'B-1-2', 'B-1-4');
  expect(nearest(hall, 'B-1-1', 'B-1-2')).toBe('C-1-1');
  take(hall, 'C-1-2', 'C-1-3');
  expect(nearest(hall, 'B-1-1', 'B-1-2')).toBeNull();
});

test('a wheelchair space is never offered for a standard seat, and a standard seat never for a wheelchair space', () => {
  const hall = hallOf({ rows: 2, seatsPerRow: 4 });
  markKinds(hall, [{ name: 'A', accessible: ['1-1', '2-4'], companions: ['1-2', '2-3'] }]);
  take(hall, 'A-1-3', 'A-1-4');
  expect(nearest(hall, 'A-1-3', 'A-1-4')).toBe('A-2-1');
  take(hall, 'A-2-1');
  expect(nearest(hall, 'A-1-3', 'A-1-4')).toBeNull();
  take(hall, 'A-1-1');
  expect(nearest(hall, 'A-1-1', 'A-1-2')).toBe('A-2-3');
});

test('what is offered is open, side by side, and no block of the section is nearer', () => {
  fc.assert(
    fc.property(
      fc.array(fc.boolean(), { minLength: 40, maxLength: 40 }),
      fc.uniqueArray(fc.integer({ min: 0, max: 39 }), { minLength: 1, maxLength: 4 }),
      (taken, chosen) => {
        const hall = hallOf({ rows: 5, seatsPerRow: 8 });
        taken.forEach((isTaken, seat) => {
          hall.states[seat] = isTaken ? HELD : OPEN;
        });
        const middleOf = (block: readonly number[]) => {
          const places = block.map((seat) => placeOf(hall, seat));
          const mean = (of: 'row' | 'number') =>
            places.reduce((sum, place) => sum + place[of], 0) / places.length;
          return { row: mean('row'), number: mean('number') };
        };
        const from = middleOf(chosen);
        const blocks = Array.from({ length: hall.seats }, (_, first) => chosen.map((_, i) => first + i))
          .filter((block) => (block[0] as number) % 8 <= 8 - block.length)
          .filter((block) => block.every((seat) => hall.states[seat] === OPEN));
        const distance = (block: readonly number[]) => {
          const { row, number } = middleOf(block);
          return (ROW_SEATS * (row - from.row)) ** 2 + (number - from.number) ** 2;
        };
        const found = nearestBlock(hall, chosen);
        if (blocks.length === 0) {
          expect(found).toBeNull();
          return;
        }
        expect(blocks.map(([first]) => first)).toContain(found);
        const offered = chosen.map((_, i) => (found as number) + i);
        expect(distance(offered)).toBeCloseTo(Math.min(...blocks.map(distance)));
      },
    ),
  );
});

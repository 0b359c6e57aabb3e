import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Section, totalSeats } from './layout.ts';
import { placeOfSeat, seatId, seatIndex } from './seat-id.ts';

const sectionsArbitrary: fc.Arbitrary<Section[]> = fc
  .array(fc.record({ rows: fc.integer({ min: 1, max: 30 }), seatsPerRow: fc.integer({ min: 1, max: 30 }) }), {
    minLength: 1,
    maxLength: 6,
  })
  .map((sizes) => {
    let firstSeat = 0;
    return sizes.map(({ rows, seatsPerRow }, ordinal) => {
      const section = { ordinal, name: `S ${ordinal}`, rows, seatsPerRow, firstSeat, amount: 1 };
      firstSeat += rows * seatsPerRow;
      return section;
    });
  });

describe('seat ids and indexes', () => {
  test('name each other, every seat once', () => {
    fc.assert(
      fc.property(sectionsArbitrary, (sections) => {
        const ids = Array.from({ length: totalSeats(sections) }, (_, seat) => seatId(sections, seat));
        expect(new Set(ids).size).toBe(ids.length);
        expect(ids.map((id) => seatIndex(sections, id))).toEqual(ids.map((_, seat) => seat));
      }),
    );
  });

  test('come in the order section, row, number, all counted from 1', () => {
    const sections: Section[] = [
      { ordinal: 0, name: 'A', rows: 2, seatsPerRow: 3, firstSeat: 0, amount: 1 },
      { ordinal: 1, name: 'B', rows: 1, seatsPerRow: 2, firstSeat: 6, amount: 1 },
    ];
    expect([0, 2, 3, 5, 6, 7].map((seat) => seatId(sections, seat))).toEqual([
      ...['A-1-1', 'A-1-3', 'A-2-1', 'A-2-3', 'B-1-1', 'B-1-2'],
    ]);
    expect(placeOfSeat(sections, 4)).toMatchObject({ row: 2, number: 2 });
  });

  test('of seats that are not there are none', () => {
    const sections: Section[] = [{ ordinal: 0, name: 'A', rows: 2, seatsPerRow: 3, firstSeat: 0, amount: 1 }];
    for (const id of ['A-3-1', 'A-1-4', 'B-1-1', 'A-9999-9999', 'a-1-1']) {
      expect(seatIndex(sections, id)).toBeNull();
    }
  });
});

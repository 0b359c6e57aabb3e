import fc from 'fast-check';
import { expect, test } from 'vitest';
import { packStates } from '#shared/seat-codes.ts';
import {
  createHall,
  markKinds,
  nameOf,
  openSeats,
  placeOf,
  pricesOf,
  seatNamed,
  type WholeMap,
} from './hall.ts';

const price = { amount: 6_500, currency: 'EUR' };
const mapOf = (sizes: { rows: number; seatsPerRow: number }[], statuses = ''): WholeMap => ({
  ...{ version: 1, event: 'e', layoutVersion: 1, statuses },
  sections: sizes.map((size, i) => ({ ...size, name: `S${i}`, price })),
});
const sizes = fc.array(
  fc.record({ rows: fc.integer({ min: 1, max: 9 }), seatsPerRow: fc.integer({ min: 1, max: 9 }) }),
  { minLength: 1, maxLength: 5 },
);

test('the states that are read are those that the booking service wrote', () => {
  fc.assert(
    fc.property(sizes, fc.infiniteStream(fc.integer({ min: 0, max: 3 })), (given, states) => {
      const empty = createHall(mapOf(given));
      const shown = Uint8Array.from({ length: empty.seats }, () => states.next().value as number);
      const statuses = Buffer.from(packStates(shown)).toString('base64');
      expect(createHall(mapOf(given, statuses)).states).toEqual(shown);
    }),
  );
});

test('every seat has a place and an id of its own, by which it is found again', () => {
  fc.assert(
    fc.property(sizes, (given) => {
      const hall = createHall(mapOf(given));
      const names = new Set<string>();
      for (let seat = 0; seat < hall.seats; seat += 1) {
        const name = nameOf(hall, seat);
        const { section, row, number } = placeOf(hall, seat);
        expect(name).toBe(`${section.name}-${row}-${number}`);
        expect(seatNamed(hall, name)).toBe(seat);
        names.add(name);
      }
      expect(names.size).toBe(hall.seats);
    }),
  );
});

test('an id that the hall does not have is no seat', () => {
  const hall = createHall(mapOf([{ rows: 2, seatsPerRow: 3 }]));
  expect(['S0-3-1', 'S0-1-4', 'S1-1-1', 'S0', ''].map((id) => seatNamed(hall, id))).toEqual(
    Array(5).fill(null),
  );
});

test('the layout tells which seats are wheelchair spaces and companion seats', () => {
  const hall = createHall(mapOf([{ rows: 2, seatsPerRow: 3 }]));
  markKinds(hall, [
    { name: 'S0', accessible: ['1-1'], companions: ['1-2'] },
    { name: 'not in this sale', accessible: ['1-1'] },
  ]);
  expect([...hall.kinds]).toEqual([1, 2, 0, 0, 0, 0]);
});

test('open seats are counted by section, and prices are told once', () => {
  const hall = createHall(
    mapOf([
      { rows: 1, seatsPerRow: 3 },
      { rows: 1, seatsPerRow: 2 },
    ]),
  );
  hall.states.set([0, 1, 2, 0, 3]);
  expect(hall.sections.map((section) => openSeats(hall, section))).toEqual([1, 1]);
  expect(pricesOf(hall)).toEqual([6_500]);
});

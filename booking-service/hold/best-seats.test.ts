import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { newId } from '#shared/ids.ts';
import { type TestDatabase, testDatabase } from '../../infra/testing/stores.ts';
import type { Section } from '../catalogue/layout.ts';
import { createDb, type Db } from '../db/client.ts';
import { pickBest } from './pick-best.ts';

/** Two sections of one event; the second begins where the first ends. */
const sections = [
  { ordinal: 0, name: 'A', rows: 3, seats_per_row: 7, amount: 2_000 },
  { ordinal: 1, name: 'B', rows: 2, seats_per_row: 10, amount: 1_000 },
];
const SEATS = 41;
const firstSeats = [0, 21];
const RUNS = 300;

let database: TestDatabase;
let db: Db;
const event = newId();

beforeAll(async () => {
  database = await testDatabase();
  db = createDb(database.url, { applicationName: 'best-seats-test', connections: 1 });
  await db.call(
    (sql) => sql`select create_event(${event}, 'x', 'x', now(), 'UTC', 'EUR', 'test', ${sql.json(sections)})`,
  );
});

afterAll(async () => {
  await db.close();
  await database.drop();
});

const setTaken = (taken: readonly boolean[]) =>
  db.call(
    (sql) => sql`
      update seat set state = given.state from (
        select ordinality - 1 as seat, state from unnest(${taken.map(Number)}::int[]) with ordinality as s (state)
      ) as given
      where event = ${event} and seat.seat = given.seat`,
  );

const bestSeats = async (ordinals: readonly number[], quantity: number): Promise<number | null> => {
  const { first } = await db.callOne<{ first: number | null }>(
    (sql) => sql`select best_seats(${event}, ${ordinals as number[]}::int[], ${quantity}) as first`,
  );
  return first;
};

/** As the booking service has the sections in memory. */
const layoutOf = (ordinals: readonly number[]): Section[] =>
  ordinals.map((ordinal) => {
    const { seats_per_row: seatsPerRow, ...section } = sections[ordinal] as (typeof sections)[number];
    return { ...section, seatsPerRow, firstSeat: firstSeats[ordinal] as number };
  });

/** The same in the plainest way: every block of every row, by orphans, row, distance to the middle, place. */
function plainBest(taken: readonly boolean[], ordinals: readonly number[], quantity: number): number | null {
  for (const ordinal of ordinals) {
    const { rows, seats_per_row: width } = sections[ordinal] as (typeof sections)[number];
    const blocks: number[][] = [];
    for (let row = 0; row < rows; row += 1) {
      const first = (firstSeats[ordinal] as number) + row * width;
      const isOpen = (place: number) => place >= 0 && place < width && !taken[first + place];
      for (let place = 0; place + quantity <= width; place += 1) {
        const block = Array.from({ length: quantity }, (_, index) => place + index);
        if (!block.every(isOpen)) continue;
        const left = isOpen(place - 1) && !isOpen(place - 2);
        const right = isOpen(place + quantity) && !isOpen(place + quantity + 1);
        const middle = Math.abs(place + quantity / 2 - width / 2);
        blocks.push([Number(left) + Number(right), row, middle, place, first + place]);
      }
    }
    blocks.sort((a, b) => a.map((value, index) => value - (b[index] as number)).find((d) => d !== 0) ?? 0);
    if (blocks[0]) return blocks[0][4] as number;
  }
  return null;
}

test('the best seats are those that the plainest search finds, in the database and in memory', async () => {
  const occupancy = fc
    .record({
      share: fc.double({ min: 0, max: 1, noNaN: true }),
      seats: fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: SEATS, maxLength: SEATS }),
    })
    .map(({ share, seats }) => seats.map((value) => value < share));
  const order = fc.constantFrom([0, 1], [1, 0], [0], [1], []);
  await fc.assert(
    fc.asyncProperty(occupancy, order, fc.integer({ min: 1, max: 11 }), async (taken, ordinals, quantity) => {
      await setTaken(taken);
      const best = plainBest(taken, ordinals, quantity);
      expect(await bestSeats(ordinals, quantity)).toBe(best);
      expect(pickBest(layoutOf(ordinals), quantity, (seat) => !taken[seat])).toBe(best);
    }),
    { numRuns: RUNS },
  );
});

test('no seat is left alone while there is a block that leaves none', async () => {
  // Row 1 of A has a gap of three and a pair would leave one alone; row 2 is empty.
  await setTaken(Array.from({ length: SEATS }, (_, seat) => seat < 4));
  expect(await bestSeats([0], 2)).toBe(7 + 2);
});

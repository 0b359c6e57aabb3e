import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { newId } from '#shared/ids.ts';
import { type TestDatabase, testDatabase } from '../../infra/testing/stores.ts';
import type { Section } from '../catalogue/layout.ts';
import { ACCESSIBLE, COMPANION, marksOf, STANDARD } from '../catalogue/marks.ts';
import { createDb, type Db } from '../db/client.ts';
import { mutateFunction } from '../testing/mutate.ts';
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

/** What one search is about: the seats that are taken, the kind of each, and what is wanted. */
type Hall = { taken: readonly boolean[]; kinds: readonly number[] };
type Wish = { ordinals: readonly number[]; quantity: number; accessible: number };

const allOf = (kind: number): number[] => new Array<number>(SEATS).fill(kind);
const emptyHall: Hall = { taken: new Array<boolean>(SEATS).fill(false), kinds: allOf(STANDARD) };

/** Places of a section's seats of one kind. */
const placesOf = (ordinal: number, kinds: readonly number[], kind: number): number[] => {
  const { rows, seats_per_row } = sections[ordinal] as (typeof sections)[number];
  const first = firstSeats[ordinal] as number;
  return kinds.slice(first, first + rows * seats_per_row).flatMap((each, i) => (each === kind ? [i] : []));
};

async function setHall({ taken, kinds }: Hall): Promise<void> {
  await db.call(
    (sql) => sql`
      update seat set state = given.state from (
        select ordinality - 1 as seat, state from unnest(${taken.map(Number)}::int[]) with ordinality as s (state)
      ) as given
      where event = ${event} and seat.seat = given.seat`,
  );
  for (const { ordinal } of sections)
    await db.call(
      (sql) => sql`
        update section set accessible = ${placesOf(ordinal, kinds, ACCESSIBLE)}::int[],
          companions = ${placesOf(ordinal, kinds, COMPANION)}::int[]
        where event = ${event} and ordinal = ${ordinal}`,
    );
}

const bestSeats = async ({ ordinals, quantity, accessible }: Wish): Promise<number | null> => {
  const { first } = await db.callOne<{ first: number | null }>(
    (sql) => sql`
      select best_seats(${event}, ${ordinals as number[]}::int[], ${quantity}, p_accessible => ${accessible}) as first`,
  );
  return first;
};

/** As the booking service has the sections in memory. */
const layoutOf = (ordinals: readonly number[], kinds: readonly number[]): Section[] =>
  ordinals.map((ordinal) => {
    const { seats_per_row: seatsPerRow, ...rest } = sections[ordinal] as (typeof sections)[number];
    const section = { ...rest, seatsPerRow, firstSeat: firstSeats[ordinal] as number };
    const [accessible, companions] = [ACCESSIBLE, COMPANION].map((kind) => placesOf(ordinal, kinds, kind));
    const marks = marksOf(section, {
      accessible: accessible as number[],
      companions: companions as number[],
    });
    return marks ? { ...section, marks } : section;
  });

const pickIn = ({ taken, kinds }: Hall, { ordinals, quantity, accessible }: Wish): number | null =>
  pickBest(layoutOf(ordinals, kinds), quantity, (seat) => !taken[seat], accessible);

/** The same in the plainest way: every block of every row, by orphans, companions, row, distance to the middle, place. */
function plainBest({ taken, kinds }: Hall, { ordinals, quantity, accessible }: Wish): number | null {
  for (const ordinal of ordinals) {
    const { rows, seats_per_row: width } = sections[ordinal] as (typeof sections)[number];
    const blocks: number[][] = [];
    for (let row = 0; row < rows; row += 1) {
      const first = (firstSeats[ordinal] as number) + row * width;
      const isOpen = (place: number) =>
        place >= 0 &&
        place < width &&
        !taken[first + place] &&
        (accessible > 0 || kinds[first + place] === STANDARD);
      for (let place = 0; place + quantity <= width; place += 1) {
        const block = Array.from({ length: quantity }, (_, index) => place + index);
        const countOf = (kind: number) => block.filter((each) => kinds[first + each] === kind).length;
        if (!block.every(isOpen) || countOf(ACCESSIBLE) !== accessible) continue;
        const left = isOpen(place - 1) && !isOpen(place - 2);
        const right = isOpen(place + quantity) && !isOpen(place + quantity + 1);
        const middle = Math.abs(place + quantity / 2 - width / 2);
        blocks.push([Number(left) + Number(right), -countOf(COMPANION), row, middle, place, first + place]);
      }
    }
    blocks.sort((a, b) => a.map((value, index) => value - (b[index] as number)).find((d) => d !== 0) ?? 0);
    if (blocks[0]) return blocks[0].at(-1) as number;
  }
  return null;
}

const shares = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: SEATS, maxLength: SEATS });
const share = fc.double({ min: 0, max: 1, noNaN: true });
/** Halls of every occupancy; of every third one no seat is marked. */
const hall: fc.Arbitrary<Hall> = fc
  .record({
    takenShare: share,
    taken: shares,
    markedShare: fc.oneof(fc.constant(0), share, share),
    marked: shares,
  })
  .map(({ takenShare, taken, markedShare, marked }) => ({
    taken: taken.map((value) => value < takenShare),
    kinds: marked.map((value) =>
      value >= markedShare ? STANDARD : value < markedShare / 2 ? ACCESSIBLE : COMPANION,
    ),
  }));
const wish: fc.Arbitrary<Wish> = fc
  .record({
    ordinals: fc.constantFrom([0, 1], [1, 0], [0], [1], []),
    quantity: fc.integer({ min: 1, max: 11 }),
    accessible: fc.oneof(fc.constant(0), fc.nat(3)),
  })
  .map(({ accessible, quantity, ...rest }) => ({
    ...rest,
    quantity,
    accessible: Math.min(accessible, quantity),
  }));

test('the best seats are those that the plainest search finds, in the database and in memory', async () => {
  let found = 0;
  let accessible = 0;
  await fc.assert(
    fc.asyncProperty(hall, wish, async (of, wanted) => {
      await setHall(of);
      const best = plainBest(of, wanted);
      expect(await bestSeats(wanted)).toBe(best);
      expect(pickIn(of, wanted)).toBe(best);
      found += Number(best !== null);
      accessible += Number(best !== null && wanted.accessible > 0);
    }),
    { numRuns: RUNS },
  );
  // Searches that find nothing prove little.
  expect([found > RUNS / 10, accessible > RUNS / 50]).toEqual([true, true]);
});

test('no seat is left alone while there is a block that leaves none', async () => {
  // Row 1 of A has a gap of three and a pair would leave one alone; row 2 is empty.
  await setHall({ ...emptyHall, taken: emptyHall.taken.map((_, seat) => seat < 4) });
  expect(await bestSeats({ ordinals: [0], quantity: 2, accessible: 0 })).toBe(7 + 2);
});

/** Row 1 of A is W C . . C W . with W a wheelchair space and C a companion seat; everything else is as always. */
const markedHall: Hall = {
  ...emptyHall,
  kinds: emptyHall.kinds.map((kind, seat) =>
    [0, 5].includes(seat) ? ACCESSIBLE : [1, 4].includes(seat) ? COMPANION : kind,
  ),
};

test.each([
  // Beside the third and fourth seat everything is marked: taking one would leave one alone, taking both leaves none.
  ['no accessible or companion seat unasked', { quantity: 2, accessible: 0 }, 2],
  ['a single seat that leaves none alone', { quantity: 1, accessible: 0 }, 6],
  ['a companion beside an accessible seat', { quantity: 2, accessible: 1 }, 0],
  ['an accessible seat alone', { quantity: 1, accessible: 1 }, 0],
  ['a third seat where nobody’s is left alone', { quantity: 3, accessible: 1 }, 0],
  ['both, and whoever is between them', { quantity: 6, accessible: 2 }, 0],
  ['never a further accessible seat', { quantity: 7, accessible: 1 }, null],
])('%s', async (_, wanted, first) => {
  await setHall(markedHall);
  const of = { ordinals: [0], ...wanted };
  expect([await bestSeats(of), pickIn(markedHall, of), plainBest(markedHall, of)]).toEqual([
    first,
    first,
    first,
  ]);
});

test('the comparison notices a search that forgets the kinds of seats, in memory and in the database', async () => {
  await setHall(markedHall);
  const wanted = { ordinals: [0], quantity: 4, accessible: 0 };
  const best = plainBest(markedHall, wanted);
  expect([await bestSeats(wanted), pickIn(markedHall, wanted)]).toEqual([best, best]);
  expect(pickIn({ ...markedHall, kinds: allOf(STANDARD) }, wanted)).not.toBe(best);
  await mutateFunction(db, 'best_seats', ' || v_marked', '');
  expect(await bestSeats(wanted)).not.toBe(best);
});

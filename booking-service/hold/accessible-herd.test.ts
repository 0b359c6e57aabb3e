import { afterEach, beforeEach, expect, test } from 'vitest';
import { newId, newSecretId } from '#shared/ids.ts';
import type { Section } from '../catalogue/layout.ts';
import { ACCESSIBLE, STANDARD } from '../catalogue/marks.ts';
import { createDb, type Db } from '../db/client.ts';
import type { Inventory } from '../inventory/inventory.ts';
import { startBooking, type TestBooking } from '../testing/booking.ts';
import { mutateFunction } from '../testing/mutate.ts';
import { violations } from '../testing/violations.ts';
import type { HoldAttempt, HoldOutcome } from './attempt.ts';
import { takeSeats } from './take.ts';
import { isBestGone } from './take-best.ts';

/** In each row a wheelchair space and its companion at either end; between them pairs from the middle leave even numbers. */
const ROWS = 20;
const SEATS_PER_ROW = 18;
const PAIRS = (ROWS * (SEATS_PER_ROW - 4)) / 2;
const ACCESSIBLE_PAIRS = ROWS * 2;
const LATE = 10;
const SEATS_PER_FAN = 4;
const ofEachRow = (...numbers: number[]): string[] =>
  Array.from({ length: ROWS }, (_, row) => numbers.map((number) => `${row + 1}-${number}`)).flat();

let booking: TestBooking;
let event: string;
let sale: string;
let kinds: Uint8Array;

beforeEach(async () => {
  booking = await startBooking();
  const marked = {
    accessible: ofEachRow(1, SEATS_PER_ROW),
    companions: ofEachRow(2, SEATS_PER_ROW - 1),
  };
  const hall = [{ name: 'A', rows: ROWS, seatsPerRow: SEATS_PER_ROW, amount: 1_000, ...marked }];
  event = (await booking.makeEvent(hall)).event;
  sale = (await booking.makeSale(event, { seatsPerFan: SEATS_PER_FAN })).sale;
  await booking.inventory.refresh();
  kinds = booking.inventory.eventOf(event)?.sections[0]?.marks?.kinds as Uint8Array;
});

afterEach(async () => {
  expect(await violations(booking.db, SEATS_PER_FAN)).toEqual([]);
  await booking.stop();
});

const bestPair = (accessible: number): HoldAttempt => ({
  ...{ hold: newSecretId(), sale, event, fan: newId(), admission: newId(), idempotencyKey: null },
  ...{ requestDigest: '', seats: null, quantity: 2, accessible, sections: [0], holdMs: 60_000 },
  seatsPerFan: SEATS_PER_FAN,
});

/** How many fans come for a pair of standard seats, and how many for an accessible seat and the one beside it. */
type Herd = { standard: number; accessible: number };
type Taken = { accessible: number; outcome: HoldOutcome };

/** All at once, those who ask for an accessible seat spread among the others. */
function herd(dbs: readonly Db[], of: Herd, inventory: Inventory | null = booking.inventory) {
  const each = Math.max(1, Math.floor((of.standard + of.accessible) / Math.max(1, of.accessible)));
  const fans = Array.from({ length: of.standard + of.accessible }, (_, i) =>
    Number(i % each === 0 && i / each < of.accessible),
  );
  return Promise.all(
    fans.map(async (accessible, i): Promise<Taken> => {
      const outcome = await takeSeats(dbs[i % dbs.length] as Db, bestPair(accessible), inventory);
      return { accessible, outcome };
    }),
  );
}

/** How many got a pair. */
const servedOf = (taken: readonly Taken[]): Herd => {
  const held = taken.filter(({ outcome }) => outcome.outcome === 'held');
  const accessible = held.filter((each) => each.accessible > 0).length;
  return { standard: held.length - accessible, accessible };
};

/** Whoever has seats of a kind that they did not ask for. */
const wrongKinds = (taken: readonly Taken[]): string[] =>
  taken
    .filter(({ outcome }) => outcome.outcome === 'held')
    .filter(({ accessible, outcome: { seats } }) => {
      const countOf = (kind: number) => seats.filter((seat) => kinds[seat] === kind).length;
      return countOf(ACCESSIBLE) !== accessible || (accessible === 0 && countOf(STANDARD) !== seats.length);
    })
    .map(({ accessible, outcome: { seats } }) => `asked for ${accessible}, has ${seats}`);

test('in a herd everybody gets the kind of seats they asked for, and nobody is refused while there is such a pair', async () => {
  const other = createDb(booking.databaseUrl, { applicationName: 'another' });
  const dbs = [booking.db, other];
  const early = { standard: PAIRS - LATE, accessible: ACCESSIBLE_PAIRS - LATE };
  const first = await herd(dbs, early);
  expect([servedOf(first), wrongKinds(first)]).toEqual([early, []]);
  const second = await herd(dbs, { standard: 2 * LATE, accessible: 2 * LATE });
  expect([servedOf(second), wrongKinds(second)]).toEqual([{ standard: LATE, accessible: LATE }, []]);
  await other.close();
});

test('accessible seats that are left are nothing for whoever does not ask, and the other way round', async () => {
  await herd([booking.db], { standard: PAIRS, accessible: 0 });
  const gone = async () => [
    await isBestGone(booking.inventory, bestPair(0)),
    await isBestGone(booking.inventory, bestPair(1)),
  ];
  expect(await gone()).toEqual([true, false]);
  expect(servedOf(await herd([booking.db], { standard: LATE, accessible: ACCESSIBLE_PAIRS }))).toEqual({
    standard: 0,
    accessible: ACCESSIBLE_PAIRS,
  });
  expect(await gone()).toEqual([true, true]);
});

test('the database, searching by itself, does the same', async () => {
  await herd([booking.db], { standard: PAIRS - LATE, accessible: 0 });
  const unasked = await herd([booking.db], { standard: LATE + 1, accessible: 0 }, null);
  expect([servedOf(unasked), wrongKinds(unasked)]).toEqual([{ standard: LATE, accessible: 0 }, []]);
  const asked = await herd([booking.db], { standard: 0, accessible: ACCESSIBLE_PAIRS + 1 }, null);
  expect([servedOf(asked), wrongKinds(asked)]).toEqual([{ standard: 0, accessible: ACCESSIBLE_PAIRS }, []]);
});

test('the proof notices a search of the database that forgets the kinds of seats', async () => {
  await mutateFunction(booking.db, 'best_seats', ' || v_marked', '');
  await herd([booking.db], { standard: PAIRS, accessible: 0 });
  expect(wrongKinds(await herd([booking.db], { standard: 1, accessible: 0 }, null))).not.toEqual([]);
});

test('the proof notices a memory that forgets them', async () => {
  const forgetful: Inventory = {
    ...booking.inventory,
    eventOf: (id) => {
      const known = booking.inventory.eventOf(id);
      return known && { ...known, sections: known.sections.map(({ marks, ...rest }): Section => rest) };
    },
  };
  const taken = await herd([booking.db], { standard: PAIRS + LATE, accessible: 0 }, forgetful);
  expect(wrongKinds(taken)).not.toEqual([]);
});

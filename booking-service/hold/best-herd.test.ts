import { afterEach, beforeEach, expect, test } from 'vitest';
import { newId, newSecretId } from '#shared/ids.ts';
import { createDb, type Db } from '../db/client.ts';
import { startBooking, type TestBooking } from '../testing/booking.ts';
import { counted } from '../testing/counted.ts';
import { violations } from '../testing/violations.ts';
import type { HoldAttempt, HoldOutcome } from './attempt.ts';
import { takeSeats } from './take.ts';

const ROWS = 20;
/** Pairs from the middle leave an even number on either side. */
const SEATS_PER_ROW = 18;
const PAIRS = (ROWS * SEATS_PER_ROW) / 2;
const LOSERS = 30;
const SEATS_PER_FAN = 4;
/** One search of the database after another would be one a fan. */
const CALLS_MAX = 100;

let booking: TestBooking;
let event: string;
let sale: string;

beforeEach(async () => {
  booking = await startBooking();
  const hall = [{ name: 'A', rows: ROWS, seatsPerRow: SEATS_PER_ROW, amount: 1_000 }];
  event = (await booking.makeEvent(hall)).event;
  sale = (await booking.makeSale(event, { seatsPerFan: SEATS_PER_FAN })).sale;
  await booking.inventory.refresh();
});

afterEach(async () => {
  expect(await violations(booking.db, SEATS_PER_FAN)).toEqual([]);
  await booking.stop();
});

const bestPair = (): HoldAttempt => ({
  ...{ hold: newSecretId(), sale, event, fan: newId(), admission: newId(), idempotencyKey: null },
  ...{ requestDigest: '', seats: null, quantity: 2, sections: [0], holdMs: 60_000 },
  seatsPerFan: SEATS_PER_FAN,
});

const herd = (dbs: readonly Db[], fans: number): Promise<HoldOutcome[]> =>
  Promise.all(
    Array.from({ length: fans }, (_, i) =>
      takeSeats(dbs[i % dbs.length] as Db, bestPair(), booking.inventory),
    ),
  );

/** How many got a pair; each of them two seats that are neighbours in one row. */
function pairsOf(taken: HoldOutcome[]): number {
  const held = taken.filter(({ outcome }) => outcome === 'held');
  for (const { seats } of held) {
    const [left, right] = seats as [number, number];
    expect([right - left, Math.floor(right / SEATS_PER_ROW)]).toEqual([1, Math.floor(left / SEATS_PER_ROW)]);
  }
  expect(new Set(held.flatMap(({ seats }) => seats)).size).toBe(2 * held.length);
  return held.length;
}

test('a herd that wants the best pairs gets all of them, in a few calls, and only who comes too late is refused', async () => {
  const db = counted(booking.db);
  expect(pairsOf(await herd([db], PAIRS - LOSERS))).toBe(PAIRS - LOSERS);
  expect(db.calls()).toBeLessThan(CALLS_MAX);
  const taken = await herd([db], 2 * LOSERS);
  expect(pairsOf(taken)).toBe(LOSERS);
  expect(taken.filter(({ outcome }) => outcome === 'taken')).toHaveLength(LOSERS);
});

test('of two services with one hall, too', async () => {
  const other = createDb(booking.databaseUrl, { applicationName: 'another' });
  expect(pairsOf(await herd([booking.db, other], PAIRS))).toBe(PAIRS);
  await other.close();
});

import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { type Clock, systemClock } from '#shared/clock.ts';
import { unpackStates } from '#shared/seat-codes.ts';
import { createDb, type Db } from '../db/client.ts';
import { startBooking, type TestBooking } from '../testing/booking.ts';
import { holdSeats } from '../testing/buy.ts';
import { createInventory, type Inventory } from './inventory.ts';
import { compactSeats, seatChanges } from './seats-answer.ts';

/** What a fan's map becomes who asks one process after another what has changed. */

const SEATS = 24;
const SKEW_MS = 5_000;

let booking: TestBooking;
beforeAll(async () => {
  booking = await startBooking();
});
afterAll(() => booking.stop());

async function makeSale(): Promise<string> {
  const { event } = await booking.makeEvent([{ name: 'A', rows: 2, seatsPerRow: 12, amount: 1 }]);
  return (await booking.makeSale(event, { seatsPerFan: 20 })).sale;
}

type SeatMap = { version: number; seats: number[] };

async function whole(inventory: Inventory, id: string): Promise<SeatMap> {
  const sale = (await inventory.findSale(id))!;
  const { version, statuses } = compactSeats(sale, inventory.seatsOf(sale.event.id));
  return { version, seats: [...unpackStates(statuses, new Uint8Array(SEATS))] };
}

async function renewed(inventory: Inventory, id: string, known: SeatMap): Promise<SeatMap> {
  const sale = (await inventory.findSale(id))!;
  const answer = seatChanges(sale, inventory.seatsOf(sale.event.id), known.version);
  if (!answer) return whole(inventory, id);
  const seats = [...known.seats];
  for (const [index, state] of answer.changes) seats[index] = state;
  return { version: answer.version, seats };
}

async function otherProcess(wrap: (db: Db) => Db, clock: Clock = systemClock) {
  const db = createDb(booking.databaseUrl, { applicationName: 'other', connections: 1 });
  const inventory = createInventory({ db: wrap(db), clock, log: booking.log });
  inventory.start();
  await inventory.refresh();
  const stop = async () => {
    await inventory.stop();
    await db.close();
  };
  return { inventory, stop };
}

test('a process whose clock is behind does not claim to know what was before it began', async () => {
  const sale = await makeSale();
  const fan = await booking.admit(sale);
  await holdSeats(fan, 'A-1-5');
  await booking.inventory.refresh();
  const map = await whole(booking.inventory, sale);
  await holdSeats(fan, 'A-2-2');
  const other = await otherProcess(
    (db) => db,
    () => systemClock() - SKEW_MS,
  );
  await holdSeats(fan, 'A-1-9');
  await other.inventory.refresh();
  expect((await renewed(other.inventory, sale, map)).seats).toEqual(
    (await whole(other.inventory, sale)).seats,
  );
  await other.stop();
});

test('what a process that is cut off shows is no newer than what it has heard', async () => {
  const sale = await makeSale();
  const [one, two] = [await booking.admit(sale), await booking.admit(sale)];
  const hold = await holdSeats(one, 'A-1-1');
  await booking.db.call(
    (sql) => sql`
      with ending as (
        update hold set expires_at = clock_timestamp() + interval '3 seconds' where id = ${hold}
        returning event, seats, expires_at
      ), freed as (
        update seat set held_until = ending.expires_at from ending
        where seat.event = ending.event and seat.seat = any (ending.seats)
      )
      insert into inventory_change (event, seats) select event, seats from ending`,
  );
  let isCut = false;
  const other = await otherProcess((db) => ({
    ...db,
    call: (statement, withinMs) =>
      isCut ? Promise.reject(new Error('cut off')) : db.call(statement, withinMs),
    callOne: (statement, withinMs) =>
      isCut ? Promise.reject(new Error('cut off')) : db.callOne(statement, withinMs),
  }));
  isCut = true;
  await holdSeats(two, 'A-2-1');
  // That takes longer than the overlap: only the version says that it has not heard of A-2-1.
  const map = await vi.waitFor(
    async () => {
      const shown = await whole(other.inventory, sale);
      expect(shown.seats[0]).toBe(0);
      return shown;
    },
    { timeout: 10_000 },
  );
  expect((await renewed(booking.inventory, sale, map)).seats).toEqual(
    (await whole(booking.inventory, sale)).seats,
  );
  await other.stop();
});

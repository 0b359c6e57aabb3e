import { expect, test, vi } from 'vitest';
import { systemClock } from '#shared/clock.ts';
import { unpackStates } from '#shared/seat-codes.ts';
import { createDb } from '../db/client.ts';
import { startBooking } from '../testing/booking.ts';
import { createInventory } from './inventory.ts';

const SEATS = 4;
/** What fans see of seats is no older than this. */
const FRESH_MS_MAX = 300;

test('the seat map shows a booking within 300 ms, in this process and in every other', async () => {
  const booking = await startBooking();
  const otherDb = createDb(booking.databaseUrl, { applicationName: 'other', connections: 1 });
  const other = createInventory({ db: otherDb, clock: systemClock, log: booking.log });
  try {
    const { event } = await booking.makeEvent([{ name: 'A', rows: 1, seatsPerRow: SEATS, amount: 5_000 }]);
    const fan = await booking.admit((await booking.makeSale(event)).sale);
    other.start();
    await other.refresh();
    const own = async () => {
      const { body } = await fan.request('GET', '/seats');
      return [...unpackStates(String(body.statuses), new Uint8Array(SEATS))];
    };
    expect(await own()).toEqual([0, 0, 0, 0]);
    expect((await fan.request('POST', '/holds', { json: { seats: ['A-1-2', 'A-1-4'] } })).status).toBe(201);
    const soon = (check: () => Promise<void>) => vi.waitFor(check, { timeout: FRESH_MS_MAX, interval: 10 });
    await Promise.all([
      soon(async () => expect(await own()).toEqual([0, 1, 0, 1])),
      soon(async () => expect([...other.seatsOf(event).states.shown]).toEqual([0, 1, 0, 1])),
    ]);
  } finally {
    await other.stop();
    await otherDb.close();
    await booking.stop();
  }
});

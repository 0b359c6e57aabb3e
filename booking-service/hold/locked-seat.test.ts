import postgres from 'postgres';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { startBooking, type TestBooking } from '../testing/booking.ts';
import { holdSeats } from '../testing/buy.ts';
import { expireHold } from '../testing/expire.ts';
import { mutateFunction } from '../testing/mutate.ts';
import { violations } from '../testing/violations.ts';

/** Somebody who is not this service keeps one seat's row locked, as a tool of the operators may. */
const FANS_ON_LOCKED_SEAT = 40;
/** What they are told to wait. */
const RETRY_AFTER_MS = 2_000;
const OTHER_FANS = 20;
const OTHERS_ANSWERED_MS_MAX = 1_000;
const FAR_TOO_LONG_MS = 1_500;
const SEATS_PER_FAN = 4;

let booking: TestBooking;
let event: string;
let sale: string;
let foreign: postgres.Sql;

beforeEach(async () => {
  booking = await startBooking();
  event = (await booking.makeEvent([{ name: 'A', rows: 2, seatsPerRow: 20, amount: 1_000 }])).event;
  sale = (await booking.makeSale(event, { seatsPerFan: SEATS_PER_FAN })).sale;
  foreign = postgres(booking.databaseUrl, { max: 1 });
  await foreign`begin`;
});

afterEach(async () => {
  await foreign.end();
  expect(await violations(booking.db, SEATS_PER_FAN)).toEqual([]);
  await booking.stop();
});

const lockSeat = (seat: number) =>
  foreign`select from seat where event = ${event} and seat = ${seat} for update`;
const seatsOf = (body: Record<string, unknown>) => (body.seats as { seat: string }[]).map(({ seat }) => seat);
const take = async (json: unknown) => (await booking.admit(sale)).request('POST', '/holds', { json });

/** Forty fans on the locked seat and, right behind them in the line, those of other seats: how long these waited. */
async function crowdOnLockedSeat() {
  await lockSeat(0);
  const fans = await Promise.all(Array.from({ length: FANS_ON_LOCKED_SEAT }, () => booking.admit(sale)));
  const others = await Promise.all(Array.from({ length: OTHER_FANS }, () => booking.admit(sale)));
  const startedMs = performance.now();
  const crowd = fans.map((fan) => fan.request('POST', '/holds', { json: { seats: ['A-1-1'] } }));
  const served = await Promise.all(
    others.map((fan, index) => fan.request('POST', '/holds', { json: { seats: [`A-2-${index + 1}`] } })),
  );
  const othersMs = performance.now() - startedMs;
  return { crowd: await Promise.all(crowd), served, othersMs };
}

test('forty fans on a seat locked from outside: fans of other seats are served, and they are told to try again', async () => {
  const { crowd, served, othersMs } = await crowdOnLockedSeat();
  expect(served.map(({ status }) => status)).toEqual(new Array(OTHER_FANS).fill(201));
  expect(othersMs).toBeLessThan(OTHERS_ANSWERED_MS_MAX);
  for (const answer of crowd) {
    expect(answer).toMatchObject({ status: 503, body: { code: 'unavailable' } });
    expect(answer.headers.get('retry-after')).toBe('2');
  }
  await foreign`rollback`;
  await vi.waitFor(async () => expect((await take({ seats: ['A-1-1'] })).status).toBe(201), RETRY_AFTER_MS);
});

test('the proof notices a call for all that waits for a seat', async () => {
  await mutateFunction(booking.db, 'take_seats_together', 'for update skip locked', 'for update');
  expect((await crowdOnLockedSeat()).othersMs).toBeGreaterThan(FAR_TOO_LONG_MS);
});

test('the best available are other seats while one of the best is locked', async () => {
  await lockSeat(9);
  const startedMs = performance.now();
  const answers = await Promise.all(Array.from({ length: 10 }, () => take({ best: { quantity: 2 } })));
  expect(performance.now() - startedMs).toBeLessThan(OTHERS_ANSWERED_MS_MAX);
  expect(answers.map(({ status }) => status)).toEqual(new Array(10).fill(201));
  const seats = answers.flatMap(({ body }) => seatsOf(body));
  expect(new Set(seats).size).toBe(20);
  expect(seats).not.toContain('A-1-10');
});

test('the best available are not said to be gone while the last of them is only locked', async () => {
  await booking.db.call((sql) => sql`update seat set state = 3 where event = ${event} and seat <> 9`);
  await lockSeat(9);
  expect(await take({ best: { quantity: 1 } })).toMatchObject({ status: 503, body: { code: 'unavailable' } });
  await foreign`rollback`;
  await vi.waitFor(
    async () => expect((await take({ best: { quantity: 1 } })).status).toBe(201),
    RETRY_AFTER_MS,
  );
});

test('the sweep tidies the other holds while a seat of one is locked', async () => {
  const fan = await booking.admit(sale);
  const holds = [await holdSeats(fan, 'A-1-1', 'A-1-2'), await holdSeats(fan, 'A-1-3')];
  for (const hold of holds) await expireHold(booking.db, hold);
  await lockSeat(0);
  const sweep = () => booking.db.callOne<{ swept: number }>((sql) => sql`select sweep_holds(100) as swept`);
  const startedMs = performance.now();
  expect(await sweep()).toEqual({ swept: 1 });
  expect(performance.now() - startedMs).toBeLessThan(OTHERS_ANSWERED_MS_MAX);
  const states = await booking.db.call(
    (sql) =>
      sql`select state from hold where id = any (${holds}::text[]) order by id = ${holds[1] as string}`,
  );
  expect(states.map(({ state }) => state)).toEqual(['active', 'expired']);
  await foreign`rollback`;
  expect(await sweep()).toEqual({ swept: 1 });
});

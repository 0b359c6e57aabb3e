import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { newId, newSecretId } from '#shared/ids.ts';
import { createLane } from '../db/lane.ts';
import { startBooking, type TestBooking } from '../testing/booking.ts';
import { inJam } from '../testing/jam.ts';
import { mutateFunction } from '../testing/mutate.ts';
import { violations } from '../testing/violations.ts';
import { takeSeats } from './take.ts';

const SEATS_PER_FAN = 4;
const CONNECTIONS = 10;
const CROSSING_ROUNDS = 300;
const CROSSING_LANES = 10;
/** Enough of the crossing requests must have been had for the test to say something; on a busy machine more rounds make them. */
const CROSSING_WHOLE_MIN = 100;

let booking: TestBooking;

/** Here each attempt is a call of its own, which waits for whoever is first; how they go together: together.test.ts. */
beforeEach(async () => {
  booking = await startBooking({ isOneByOne: true });
});

afterEach(() => booking.stop());

async function makeSale(rows: number, seatsPerRow: number) {
  const event = await booking.makeEvent([{ name: 'A', rows, seatsPerRow, amount: 1_000 }]);
  const { sale } = await booking.makeSale(event.event, { seatsPerFan: SEATS_PER_FAN });
  return { event: event.event, sale };
}

/** A jam is made on purpose, and everybody waits until it is complete. */
const waitLong = () => mutateFunction(booking.db, 'wait_briefly_for_seats', '300ms', '2s');

/** As many calls as there are connections have found the seat open before the first of them may take it. */
async function manyFansOnOneSeat() {
  await waitLong();
  const { event, sale } = await makeSale(1, 2);
  const fans = await Promise.all(Array.from({ length: 3 * CONNECTIONS }, () => booking.admit(sale)));
  return inJam({ databaseUrl: booking.databaseUrl, event, waiting: CONNECTIONS }, () =>
    Promise.all(fans.map((fan) => fan.request('POST', '/holds', { json: { seats: ['A-1-1'] } }))),
  );
}

/** One queue entry asks for many seats at once, each in a request of its own. */
async function oneFanInManyTabs() {
  await waitLong();
  const { event, sale } = await makeSale(3, 10);
  const fan = await booking.admit(sale);
  const seats = Array.from({ length: 30 }, (_, index) => `A-${(index % 3) + 1}-${(index % 10) + 1}`);
  return inJam({ databaseUrl: booking.databaseUrl, event, waiting: CONNECTIONS }, () =>
    Promise.all(seats.map((seat) => fan.request('POST', '/holds', { json: { seats: [seat] } }))),
  );
}

test('one of many has the seat that all of them had found open', async () => {
  const answers = await manyFansOnOneSeat();
  expect(answers.filter((answer) => answer.status === 201)).toHaveLength(1);
  expect(answers.filter(({ body }) => body.code === 'seats-taken')).toHaveLength(answers.length - 1);
  expect(await violations(booking.db, SEATS_PER_FAN)).toEqual([]);
});

test('a fan in many tabs never gets more than seats per fan', async () => {
  const answers = await oneFanInManyTabs();
  const held = answers.filter((answer) => answer.status === 201);
  expect(held).toHaveLength(SEATS_PER_FAN);
  expect(answers.filter(({ body }) => body.code === 'limit-reached').length).toBeGreaterThan(0);
  expect(await violations(booking.db, SEATS_PER_FAN)).toEqual([]);
});

test('crossing sets of seats, thousands of times: no deadlock, each request whole or not at all', async () => {
  const { event, sale } = await makeSale(1, 8);
  // Lanes and not the client, which would send a deadlocked statement again and hide it.
  const lanes = Array.from({ length: CROSSING_LANES }, () => createLane(booking.databaseUrl, 'crossing'));
  let whole = 0;
  await Promise.all(
    lanes.map(async (lane, index) => {
      const db = { ...booking.db, callOne: onLane(lane), isOneByOne: true };
      for (let round = 0; round < CROSSING_ROUNDS || whole < CROSSING_WHOLE_MIN; round += 1) {
        const seats = [0, 1, 2, 3, 4, 5, 6, 7].filter((seat) => (seat * 7 + round + index) % 3 !== 0);
        const attempt = {
          ...{ hold: newSecretId(), sale, event, fan: newId(), admission: newId() },
          ...{ idempotencyKey: null, requestDigest: '', sections: [0], holdMs: 60_000, seatsPerFan: 8 },
        };
        const wanted = round % 5 === 0 ? null : seats;
        const taken = await takeSeats(db, { ...attempt, seats: wanted, quantity: wanted?.length ?? 3 });
        if (taken.outcome !== 'held') continue;
        whole += 1;
        expect(await violations(booking.db, 8)).toEqual([]);
        await db.callOne((sql) => sql`select release_holds_of_fan(${sale}, ${attempt.fan})`);
      }
    }),
  );
  expect(whole).toBeGreaterThanOrEqual(CROSSING_WHOLE_MIN);
  await Promise.all(lanes.map((lane) => lane.close()));
});

describe('the proof notices', () => {
  test('seats that are taken without a lock', async () => {
    await mutateFunction(booking.db, 'take_seats', 'perform lock_seats(p_event, p_seats);', '');
    await manyFansOnOneSeat();
    expect(await violations(booking.db, SEATS_PER_FAN)).not.toEqual([]);
  });

  test('seats that are not looked at again once they are locked', async () => {
    const look = 'v_conflicts := seats_not_open(p_event, p_seats);';
    const both = new RegExp(`${look.replace(/[()]/g, '\\$&')}\\s+end if;`);
    const { source } = await booking.db.callOne<{ source: string }>(
      (sql) => sql`select pg_get_functiondef('take_seats'::regproc) as source`,
    );
    const ending = both.exec(source)?.[0] ?? 'not there';
    await mutateFunction(booking.db, 'take_seats', ending, 'end if;');
    await manyFansOnOneSeat();
    expect(await violations(booking.db, SEATS_PER_FAN)).not.toEqual([]);
  });

  test('a fan who is not locked', async () => {
    await mutateFunction(booking.db, 'take_seats', 'perform lock_fan(p_sale, p_fan);', '');
    await oneFanInManyTabs();
    expect(await violations(booking.db, SEATS_PER_FAN)).not.toEqual([]);
  });
});

const onLane =
  (lane: ReturnType<typeof createLane>): TestBooking['db']['callOne'] =>
  async (statement) => {
    const [row] = await lane.run(statement, 10_000);
    if (!row) throw new Error('No row.');
    return row;
  };

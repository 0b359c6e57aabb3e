import fc from 'fast-check';
import postgres from 'postgres';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { newId, newSecretId } from '#shared/ids.ts';
import { Problem } from '#shared/problem.ts';
import { SOON_MS } from '../../infra/testing/soon.ts';
import { createDb, type Db } from '../db/client.ts';
import { startBooking, type TestBooking } from '../testing/booking.ts';
import { counted } from '../testing/counted.ts';
import { inJam } from '../testing/jam.ts';
import { mutateFunction } from '../testing/mutate.ts';
import { violations } from '../testing/violations.ts';
import { HOLDS_PER_ADMISSION_MAX } from './attempt.ts';
import { takeSeats } from './take.ts';
import { type NamedAttempt, takeTogether } from './take-together.ts';

const FANS = 1_000;
const CALLS_MAX = 10;
const SEATS = 12;
const SEATS_PER_FAN = 3;
const RUNS = 150;
const AT_ONCE_MS = 1_000;

let booking: TestBooking;
let event: string;
let sale: string;

beforeEach(async () => {
  booking = await startBooking();
  event = (await booking.makeEvent([{ name: 'A', rows: 1, seatsPerRow: SEATS, amount: 1_000 }])).event;
  sale = (await booking.makeSale(event, { seatsPerFan: SEATS_PER_FAN })).sale;
});

afterEach(() => booking.stop());

const attempt = (seats: number[], given: Partial<NamedAttempt> = {}): NamedAttempt => ({
  ...{ hold: newSecretId(), sale, event, fan: newId(), admission: newId() },
  ...{ idempotencyKey: null, requestDigest: '', sections: [], holdMs: 60_000, seatsPerFan: SEATS_PER_FAN },
  ...{ seats, quantity: seats.length },
  ...given,
});

test('a thousand fans on one seat: one has it, 999 are told who was faster, in at most ten calls', async () => {
  const db = counted(booking.db);
  const taken = await Promise.all(Array.from({ length: FANS }, () => takeSeats(db, attempt([0]))));
  expect(taken.filter(({ outcome }) => outcome === 'held')).toHaveLength(1);
  expect(taken.filter(({ outcome, seats }) => outcome === 'taken' && String(seats) === '0')).toHaveLength(
    FANS - 1,
  );
  expect(db.calls()).toBeLessThanOrEqual(CALLS_MAX);
  expect(await violations(booking.db, SEATS_PER_FAN)).toEqual([]);
});

test('a thousand fans over HTTP on one seat: one has it, 999 are told who was faster, nothing else', async () => {
  const fans = await Promise.all(Array.from({ length: FANS }, () => booking.admit(sale)));
  const answers = await Promise.all(
    fans.map((fan) => fan.request('POST', '/holds', { json: { seats: ['A-1-1'] } })),
  );
  const refused = answers.filter(
    ({ status, body }) => status === 409 && body.code === 'seats-taken' && String(body.conflicts) === 'A-1-1',
  );
  expect([answers.filter(({ status }) => status === 201).length, refused.length]).toEqual([1, FANS - 1]);
  expect(await violations(booking.db, SEATS_PER_FAN)).toEqual([]);
});

test('attempts that go together end as one after another in a plain model', async () => {
  const seatSet = fc.uniqueArray(fc.nat(SEATS - 1), { minLength: 1, maxLength: 4 });
  const wishes = fc.array(fc.record({ seats: seatSet, holds: fc.constantFrom(0, 1, 2) }), {
    minLength: 1,
    maxLength: 8,
  });
  const states = fc.array(fc.constantFrom('open', 'over', 'held', 'sold'), {
    minLength: SEATS,
    maxLength: SEATS,
  });
  await fc.assert(
    fc.asyncProperty(wishes, states, async (wanted, before) => {
      const house = await booking.makeEvent([{ name: 'A', rows: 1, seatsPerRow: SEATS, amount: 1_000 }]);
      const of = { event: house.event, sale: newId() };
      await booking.db.call(
        (sql) => sql`
          update seat set state = given.state,
            held_until = clock_timestamp() + given.seconds * interval '1 second'
          from unnest(${before.map((state) => ({ open: 0, over: 1, held: 1, sold: 2 })[state])}::int[],
            ${before.map((state) => (state === 'held' ? 60 : -1))}::int[])
            with ordinality as given (state, seconds, place)
          where event = ${of.event} and seat = given.place - 1`,
      );
      const attempts: NamedAttempt[] = [];
      for (const { seats, holds } of wanted) {
        const next = attempt(
          seats.sort((a, b) => a - b),
          of,
        );
        attempts.push(next);
        // What the fan has already, elsewhere: it counts for the limit.
        await booking.db.call(
          (sql) => sql`
            insert into hold (id, sale, event, fan, admission, request_digest, state, seats, amount, expires_at)
            select ${next.fan} || n, ${of.sale}, 'another', ${next.fan}, 'another', '', 'active', '{0}', 0,
              clock_timestamp() + interval '1 minute'
            from generate_series(1, ${holds}::int) as n`,
        );
      }
      const taken = await takeTogether(booking.db, attempts);

      const isOpen = before.map((state) => state === 'open' || state === 'over');
      wanted.forEach(({ seats, holds }, index) => {
        const conflicts = seats.filter((seat) => !isOpen[seat]);
        const outcome =
          holds + seats.length > SEATS_PER_FAN ? 'limit' : conflicts.length > 0 ? 'taken' : 'held';
        const told = { held: seats, taken: conflicts, limit: [] }[outcome];
        expect(taken[index]).toMatchObject({ outcome, seats: told });
        if (outcome === 'held') for (const seat of seats) isOpen[seat] = false;
      });
      const rows = await booking.db.call<{ open: boolean }>(
        (sql) =>
          sql`select seat_is_open(state, held_until) as open from seat where event = ${of.event} order by seat`,
      );
      expect(rows.map(({ open }) => open)).toEqual(isOpen);
    }),
    { numRuns: RUNS },
  );
});

test('the same attempt again, or the same key, is the same hold; another wish under the key is none', async () => {
  const first = attempt([1, 2], { idempotencyKey: 'key', requestDigest: 'one' });
  const held = await takeSeats(booking.db, first);
  expect(held).toMatchObject({ outcome: 'held', seats: [1, 2], amount: 2_000 });
  const others = await Promise.all([
    takeSeats(booking.db, first),
    takeSeats(booking.db, { ...first, hold: newSecretId() }),
    takeSeats(booking.db, { ...first, hold: newSecretId(), requestDigest: 'two' }),
  ]);
  expect(others).toEqual([held, held, { ...held, outcome: 'mismatch' }]);
  expect(await violations(booking.db, SEATS_PER_FAN)).toEqual([]);
});

test('more holds than an admission may make are refused, seats of several prices are added up', async () => {
  const house = await booking.makeEvent([
    { name: 'A', rows: 1, seatsPerRow: 2, amount: 1_000 },
    { name: 'B', rows: 1, seatsPerRow: 2, amount: 300 },
  ]);
  const of = { event: house.event, sale: newId() };
  expect(await takeSeats(booking.db, attempt([1, 2], of))).toMatchObject({ outcome: 'held', amount: 1_300 });
  const busy = attempt([3], of);
  await booking.db.call(
    (sql) => sql`
      insert into hold (id, sale, event, fan, admission, request_digest, state, seats, amount, expires_at)
      select ${busy.fan} || n, ${of.sale}, 'another', ${busy.fan}, ${busy.admission}, '', 'released', '{0}', 0,
        clock_timestamp() from generate_series(1, ${HOLDS_PER_ADMISSION_MAX}::int) as n`,
  );
  expect(await takeSeats(booking.db, busy)).toMatchObject({ outcome: 'holds-limit' });
});

test('an attempt that PostgreSQL refuses fails by itself, and all others are judged', async () => {
  const before = attempt([0]);
  await takeSeats(booking.db, before);
  // Another fan's hold has this id.
  const poison = attempt([1], { hold: before.hold });
  const others = [2, 3, 4, 5, 6].map((seat) => attempt([seat]));
  const asked = [...others.slice(0, 2), poison, ...others.slice(2)].map((one) => takeSeats(booking.db, one));
  const [, , refused, ...rest] = await Promise.allSettled(asked);
  expect(booking.refused.splice(0)).toMatchObject([{ code: '23505' }]);
  expect(refused).toMatchObject({ status: 'rejected', reason: { code: '23505' } });
  expect(rest).toMatchObject(new Array(3).fill({ status: 'fulfilled', value: { outcome: 'held' } }));
  expect(await violations(booking.db, SEATS_PER_FAN)).toEqual([]);
});

describe('of a call that is refused and made again in halves', () => {
  /** Six attempts on seats 1 to 6. That on `poisoned` cannot be written: another fan's hold has its id. */
  async function withPoison(poisoned: number): Promise<NamedAttempt[]> {
    const before = attempt([0]);
    await takeSeats(booking.db, before);
    return [1, 2, 3, 4, 5, 6].map((seat) => attempt([seat], seat === poisoned ? { hold: before.hold } : {}));
  }

  /** Makes all of them through a database whose call number `lost` is made and never heard of again. */
  async function take(attempts: NamedAttempt[], { lost, cause }: { lost: number; cause: unknown }) {
    const db = counted(booking.db);
    const losing: Db = {
      ...db,
      call: async (statement, withinMs) => {
        const isLost = db.calls() + 1 === lost;
        const rows = await db.call(statement, withinMs);
        if (isLost) throw new Problem('unavailable', 'Its answer was lost.', { cause });
        return rows;
      },
    };
    const taken = await Promise.allSettled(attempts.map((one) => takeSeats(losing, one)));
    booking.refused.splice(0);
    return taken.map((one) => (one.status === 'fulfilled' ? one.value.outcome : one.reason.code));
  }

  const cut = Object.assign(new Error('cut'), { code: 'CONNECTION_CLOSED' });
  const late = 'deadline';
  const isHeld = async (seat: number): Promise<boolean> => {
    const { state } = await booking.db.callOne<{ state: number }>(
      (sql) => sql`select state from seat where event = ${event} and seat = ${seat}`,
    );
    return state === 1;
  };
  afterEach(async () => expect(await violations(booking.db, SEATS_PER_FAN)).toEqual([]));

  test.each([
    ['is cut', cut],
    ['comes too late', late],
  ])('each of the first is told what it got when the answer to the second %s', async (_, cause) => {
    // All; 1 to 3; 1; 2 and 3; 4 to 6.
    const taken = await take(await withPoison(1), { lost: 5, cause });
    expect(taken).toEqual(['23505', 'held', 'held', 'unavailable', 'unavailable', 'unavailable']);
    expect(await Promise.all([2, 3].map(isHeld))).toEqual([true, true]);
    // What nobody was told of, nobody keeps.
    await vi.waitFor(
      async () => expect(await Promise.all([4, 5, 6].map(isHeld))).toEqual([false, false, false]),
      SOON_MS,
    );
  });

  test('each of the second is told what it got when the answer to the first comes too late', async () => {
    const taken = await take(await withPoison(6), { lost: 2, cause: late });
    expect(taken).toEqual(['unavailable', 'unavailable', 'unavailable', 'held', 'held', '23505']);
  });

  test('the second is not asked for when the database was away for the first', async () => {
    const taken = await take(await withPoison(6), { lost: 2, cause: cut });
    expect(taken).toEqual(new Array(6).fill('unavailable'));
    expect(await Promise.all([4, 5, 6].map(isHeld))).toEqual([false, false, false]);
  });
});

test('an attempt whose fan somebody else has locked waits by itself', async () => {
  const foreign = postgres(booking.databaseUrl, { max: 1 });
  const blocked = attempt([0]);
  await foreign`begin`;
  await foreign`select lock_fan(${sale}, ${blocked.fan})`;
  const waiting = takeSeats(booking.db, blocked);
  const startedMs = performance.now();
  const others = await Promise.all([1, 2, 3].map((seat) => takeSeats(booking.db, attempt([seat]))));
  expect(others.map(({ outcome }) => outcome)).toEqual(['held', 'held', 'held']);
  expect(performance.now() - startedMs).toBeLessThan(AT_ONCE_MS);
  await foreign`rollback`;
  expect(await waiting).toMatchObject({ outcome: 'held', seats: [0] });
  await foreign.end();
});

describe('of two services', () => {
  let other: Db;
  beforeEach(() => {
    other = createDb(booking.databaseUrl, { applicationName: 'another' });
  });
  afterEach(() => other.close());

  /** Each service makes an attempt of its own; none may write before `waiting` of them have looked. */
  async function rivals(attempts: [NamedAttempt, NamedAttempt], waiting: number) {
    const [one, two] = attempts;
    await inJam({ databaseUrl: booking.databaseUrl, event, waiting, of: 'holds' }, () =>
      Promise.all([takeTogether(booking.db, [one]), takeTogether(other, [two])]),
    );
    return violations(booking.db, SEATS_PER_FAN);
  }
  /** Each of the two is a part of what the fan may have; both together are more. */
  const ofOneFan = (): [NamedAttempt, NamedAttempt] => {
    const fan = newId();
    return [attempt([0, 1], { fan }), attempt([2, 3], { fan })];
  };

  test('only one takes a seat that both want, and the other is told nothing that may not come true', async () => {
    const foreign = postgres(booking.databaseUrl, { max: 1 });
    await foreign`begin`;
    await foreign`lock table hold in share mode`;
    const [one, two] = [attempt([0]), attempt([0])];
    const taking = takeTogether(booking.db, [one]);
    await vi.waitFor(async () => {
      const [row] = await foreign<{ waiting: number }[]>`
        select count(*)::int as waiting from pg_locks where not granted and database = (
          select oid from pg_database where datname = current_database()
        )`;
      expect(row?.waiting).toBe(1);
    }, SOON_MS);
    // The first may yet roll back.
    expect(await takeTogether(other, [two])).toEqual([null]);
    await foreign`commit`;
    expect(await taking).toMatchObject([{ outcome: 'held' }]);
    expect(await takeTogether(other, [two])).toMatchObject([{ outcome: 'taken', seats: [0] }]);
    expect(await violations(booking.db, SEATS_PER_FAN)).toEqual([]);
    await foreign.end();
  });

  test('a fan of both gets no more than seats per fan', async () => {
    expect(await rivals(ofOneFan(), 1)).toEqual([]);
  });

  test('the proof notices seats that are taken without a lock', async () => {
    await mutateFunction(booking.db, 'take_seats_together', 'for update skip locked', '');
    expect(await rivals([attempt([0]), attempt([0])], 2)).not.toEqual([]);
  });

  test('the proof notices a fan who is not locked', async () => {
    const lock = "pg_try_advisory_xact_lock(hashtextextended('fan ' || sale || ' ' || fan, 0))";
    await mutateFunction(booking.db, 'take_seats_together', lock, 'true');
    expect(await rivals(ofOneFan(), 2)).not.toEqual([]);
  });
});

describe('the proof notices', () => {
  const together = (attempts: NamedAttempt[]) => takeTogether(booking.db, attempts);

  test('a seat whose state is not looked at', async () => {
    await together([attempt([0])]);
    await mutateFunction(
      booking.db,
      'take_seats_together',
      'and seat.seat = wanted.seat and seat_is_open(seat.state, seat.held_until)',
      'and seat.seat = wanted.seat',
    );
    await mutateFunction(
      booking.db,
      'take_seats_together',
      'where not seat_is_open',
      'where false and not seat_is_open',
    );
    await together([attempt([0])]);
    expect(await violations(booking.db, SEATS_PER_FAN)).not.toEqual([]);
  });

  test('a seat that is given twice in one call', async () => {
    await mutateFunction(
      booking.db,
      'take_seats_together',
      'v_states[v_place] := c_taken;\n          seats',
      'seats',
    );
    await together([attempt([0, 1]), attempt([1, 2])]);
    expect(await violations(booking.db, SEATS_PER_FAN)).not.toEqual([]);
  });

  test('a limit that is not kept', async () => {
    await mutateFunction(booking.db, 'take_seats_together', '> v_attempt.seats_per_fan', '> 1000');
    await together([attempt([0, 1, 2, 3, 4])]);
    expect(await violations(booking.db, SEATS_PER_FAN)).not.toEqual([]);
  });
});

import postgres from 'postgres';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { newId, newSecretId } from '#shared/ids.ts';
import { createDb, type Db } from '../db/client.ts';
import type { HoldAttempt } from '../hold/attempt.ts';
import { takeSeats } from '../hold/take.ts';
import { startBooking, type TestBooking } from '../testing/booking.ts';
import { counted } from '../testing/counted.ts';
import { expireHold } from '../testing/expire.ts';
import { inJam } from '../testing/jam.ts';
import { mutateFunction } from '../testing/mutate.ts';
import { setStrangely } from '../testing/set-strangely.ts';
import { violations } from '../testing/violations.ts';
import { beginOrder, type OrderAttempt } from './begin.ts';
import { confirmOrder } from './end.ts';
import { readOrder } from './read-orders.ts';

const SEATS_PER_FAN = 4;
const FANS = 100;
const AT_ONCE_MS = 1_000;
const ROUNDS = 10;
/** A hundred orders of three steps each. */
const CALLS_MAX = 6;

let booking: TestBooking;
let event: string;
let sale: string;

beforeEach(async () => {
  booking = await startBooking();
  event = (await booking.makeEvent([{ name: 'A', rows: 2, seatsPerRow: FANS, amount: 1_000 }])).event;
  sale = (await booking.makeSale(event, { seatsPerFan: SEATS_PER_FAN })).sale;
});

afterEach(() => booking.stop());

/** A fan with a hold of these seats, as an order begins. */
async function ready(seats: number[], given: Partial<OrderAttempt> = {}): Promise<OrderAttempt> {
  const fan = newId();
  const attempt: HoldAttempt = {
    ...{ hold: newSecretId(), sale, event, fan, admission: newId(), idempotencyKey: null, requestDigest: '' },
    ...{ seats, quantity: seats.length, sections: [], holdMs: 60_000, seatsPerFan: SEATS_PER_FAN },
  };
  expect(await takeSeats(booking.db, attempt)).toMatchObject({ outcome: 'held' });
  return {
    ...{ order: newSecretId(), sale, event, fan, admission: attempt.admission, token: { iat: 1 } },
    ...{ idempotencyKey: 'key', requestDigest: '', emailKey: `${fan}@example.org`, currency: 'EUR' },
    request: {
      hold: attempt.hold,
      buyer: { name: 'Ada "Quote" \\ O’Hara, {x}', email: `${fan}@example.org` },
      payment: { token: 'tok_ok' },
    },
    ...{ mayBegin: true, paymentMs: 60_000, seatsPerFan: SEATS_PER_FAN },
    ...given,
  };
}

const begin = (attempts: OrderAttempt[], db: Db = booking.db) =>
  Promise.all(attempts.map((attempt) => beginOrder(db, attempt)));
const outcomes = (begun: { outcome: string }[]) => begun.map(({ outcome }) => outcome);

test('a hundred orders at once: each is confirmed with its own tickets, in a few calls', async () => {
  const attempts = await Promise.all(Array.from({ length: FANS }, (_, seat) => ready([seat, FANS + seat])));
  const db = counted(booking.db);
  expect(outcomes(await begin(attempts, db))).toEqual(new Array(FANS).fill('begun'));
  const ended = await Promise.all(attempts.map(({ order }) => confirmOrder(db, order, 2)));
  expect(ended).toEqual(new Array(FANS).fill({ state: 'confirmed', failure: null }));
  expect(db.calls()).toBeLessThanOrEqual(CALLS_MAX);
  const orders = await Promise.all(attempts.map(({ order }) => readOrder(db, order)));
  expect(orders.map((order) => order?.tickets.map(({ seat }) => seat))).toEqual(
    attempts.map((_, seat) => [seat, FANS + seat]),
  );
  const codes = orders.flatMap((order) => order?.tickets.map(({ code }) => code));
  expect(new Set(codes).size).toBe(2 * FANS);
  expect(db.calls()).toBeLessThanOrEqual(CALLS_MAX);
  expect(await violations(booking.db, SEATS_PER_FAN)).toEqual([]);
});

test('orders that begin together: one that is refused, known, or of a hold that is gone, is told so by itself', async () => {
  const plain = await ready([0]);
  const known = await ready([1]);
  await begin([known]);
  const gone = await ready([2]);
  await expireHold(booking.db, gone.request.hold);
  await ready([2]);
  const finished = await ready([3], { mayBegin: false });
  const stranger = await ready([4]);
  const foreign = { ...stranger, fan: newId() };
  const over = await ready([5, 6], { seatsPerFan: 1 });
  const expired = await ready([7]);
  await expireHold(booking.db, expired.request.hold);
  const begun = await begin([plain, known, gone, finished, foreign, over, expired]);
  expect(outcomes(begun)).toEqual([
    ...['begun', 'begun', 'hold-lost', 'finished', 'hold-lost', 'fan-limit', 'begun'],
  ]);
  expect(begun[0]).toMatchObject({ order: plain.order, seats: 1, amount: 1_000, currency: 'EUR' });
  const stored = await booking.db.call<{ name: string }>(
    (sql) => sql`select buyer_name as name from ticket_order where id = ${plain.order}`,
  );
  expect(stored).toEqual([{ name: plain.request.buyer.name }]);
  expect(await violations(booking.db, SEATS_PER_FAN)).toEqual([]);
});

test('one buyer in many queue entries gets no more than seats per fan', async () => {
  const emailKey = 'ada@example.org';
  const attempts = await Promise.all([0, 2, 4, 6].map((seat) => ready([seat, seat + 1], { emailKey })));
  const begun = outcomes(await begin(attempts));
  expect(begun.sort()).toEqual(['begun', 'begun', 'buyer-limit', 'buyer-limit']);
  expect(await violations(booking.db, SEATS_PER_FAN)).toEqual([]);
});

test('two services, on a PostgreSQL whose transactions look at one moment only: one buyer gets no more all the same', async () => {
  await setStrangely(booking.databaseUrl);
  const services = [1, 2].map(() => createDb(booking.databaseUrl, { applicationName: 'strange' }));
  for (let round = 0; round < ROUNDS; round += 1) {
    const emailKey = `ada-${round}@example.org`;
    const seats = Array.from({ length: 4 }, (_, i) => 8 * round + 2 * i);
    const attempts = await Promise.all(seats.map((seat) => ready([seat, seat + 1], { emailKey })));
    const begun = await Promise.all(attempts.map((attempt, i) => beginOrder(services[i % 2] as Db, attempt)));
    expect(outcomes(begun).sort()).toEqual(['begun', 'begun', 'buyer-limit', 'buyer-limit']);
  }
  const [row] = await (services[0] as Db).call<{ at: Date; style: string }>(
    (sql) => sql`select timestamptz '2026-05-11T12:00:00Z' as at, current_setting('DateStyle') as style`,
  );
  expect(row).toEqual({ at: new Date('2026-05-11T12:00:00Z'), style: 'ISO, MDY' });
  await Promise.all(services.map((service) => service.close()));
  expect(await violations(booking.db, SEATS_PER_FAN)).toEqual([]);
});

test('orders that are confirmed together: one whose seat is somebody else’s fails by itself', async () => {
  const attempts = await Promise.all([0, 1, 2].map((seat) => ready([seat])));
  await begin(attempts);
  const [lost] = attempts as [OrderAttempt];
  await expireHold(booking.db, lost.request.hold);
  await ready([0]);
  const ended = await Promise.all(attempts.map(({ order }) => confirmOrder(booking.db, order, 1)));
  expect(ended).toEqual([
    { state: 'failed', failure: 'hold-lost' },
    { state: 'confirmed', failure: null },
    { state: 'confirmed', failure: null },
  ]);
  expect(await Promise.all(attempts.map(({ order }) => confirmOrder(booking.db, order, 1)))).toEqual(ended);
  expect(await violations(booking.db, SEATS_PER_FAN)).toEqual([]);
});

describe('the proof notices', () => {
  test('a seat that is sold without looking whose it is', async () => {
    await mutateFunction(
      booking.db,
      'lock_whole_holds',
      'where seat.hold = named.id and seat.state in (0, 1)',
      '',
    );
    const attempt = await ready([0]);
    await expireHold(booking.db, attempt.request.hold);
    // Of somebody else by now, who has not bought it yet: no second ticket would be in the way.
    await ready([0]);
    await begin([attempt]);
    await confirmOrder(booking.db, attempt.order, 1);
    expect(await violations(booking.db, SEATS_PER_FAN)).not.toEqual([]);
  });

  test('part of a hold that is sold as if it were the whole', async () => {
    await mutateFunction(booking.db, 'lock_whole_holds', 'having count(*) = locked.quantity', '');
    const attempt = await ready([0, 1]);
    await begin([attempt]);
    await expireHold(booking.db, attempt.request.hold);
    await ready([0]);
    await confirmOrder(booking.db, attempt.order, 2).catch(() => undefined);
    expect(await violations(booking.db, SEATS_PER_FAN)).not.toEqual([]);
  });

  test('a limit per buyer that is not kept', async () => {
    await mutateFunction(booking.db, 'begin_orders', "then 'buyer-limit'", "then 'begun'");
    const emailKey = 'ada@example.org';
    const attempts = await Promise.all([0, 4].map((seat) => ready([seat, seat + 1, seat + 2], { emailKey })));
    for (const attempt of attempts) {
      await begin([attempt]);
      await confirmOrder(booking.db, attempt.order, 3);
    }
    expect(await violations(booking.db, SEATS_PER_FAN)).not.toEqual([]);
  });

  test('a buyer who is not locked', async () => {
    const lock = "pg_try_advisory_xact_lock(hashtextextended('buyer ' || event || ' ' || email_key, 0))";
    await mutateFunction(booking.db, 'begin_orders', lock, 'true');
    const other = createDb(booking.databaseUrl, { applicationName: 'another' });
    const emailKey = 'ada@example.org';
    const attempts = await Promise.all([0, 4].map((seat) => ready([seat, seat + 1, seat + 2], { emailKey })));
    const options = { databaseUrl: booking.databaseUrl, event, waiting: 2 };
    await inJam({ ...options, of: 'orders' }, () =>
      Promise.all([booking.db, other].map((db, index) => begin(attempts.slice(index, index + 1), db))),
    );
    await other.close();
    for (const attempt of attempts) await confirmOrder(booking.db, attempt.order, 3);
    expect(await violations(booking.db, SEATS_PER_FAN)).not.toEqual([]);
  });
});

test('one call that hangs delays no order of anybody else', async () => {
  const [first, ...others] = (await Promise.all([0, 1, 2, 3].map((seat) => ready([seat])))) as [
    OrderAttempt,
    ...OrderAttempt[],
  ];
  let hangs: () => void = () => undefined;
  const isHanging = new Promise<void>((resolve) => {
    hangs = resolve;
  });
  let end: () => void = () => undefined;
  const ended = new Promise<void>((resolve) => {
    end = resolve;
  });
  let calls = 0;
  const db: Db = {
    ...booking.db,
    call: async (statement, withinMs) => {
      calls += 1;
      if (calls === 1) {
        hangs();
        await ended;
      }
      return booking.db.call(statement, withinMs);
    },
  };
  const hanging = begin([first], db);
  await isHanging;
  expect(outcomes(await begin(others, db))).toEqual(['begun', 'begun', 'begun']);
  end();
  expect(outcomes(await hanging)).toEqual(['begun']);
});

test('who asks again for an order that is confirmed does not wait behind orders that somebody else blocks', async () => {
  const attempts = await Promise.all([0, 1, 2, 3, 4, 5].map((seat) => ready([seat])));
  const [known, ...blocked] = attempts as [OrderAttempt, ...OrderAttempt[]];
  await begin([known]);
  await confirmOrder(booking.db, known.order, 1);
  const foreign = postgres(booking.databaseUrl, { max: 1 });
  await foreign`begin`;
  await foreign`select from seat where event = ${event} and seat between 1 and 5 for update`;
  const refused = Promise.allSettled(blocked.map((attempt) => beginOrder(booking.db, attempt)));
  const startedMs = performance.now();
  expect(await begin([{ ...known, order: newSecretId() }])).toMatchObject([
    { outcome: 'confirmed', order: known.order, seats: 1, amount: 1_000 },
  ]);
  expect(performance.now() - startedMs).toBeLessThan(AT_ONCE_MS);
  expect((await refused).map(({ status }) => status)).toEqual(new Array(5).fill('rejected'));
  await foreign`rollback`;
  await foreign.end();
});

test('a payment that somebody else keeps locked delays no other payment', async () => {
  const pay = (order: string) =>
    booking.payments.authorise({ order, amount: 1_000, currency: 'EUR' }, 'tok_ok');
  const [locked, ...others] = Array.from({ length: 10 }, newId) as [string, ...string[]];
  await pay(locked);
  const foreign = postgres(booking.databaseUrl, { max: 1 });
  await foreign`begin`;
  await foreign`select from test_payment where payment = ${locked} for update`;
  const startedMs = performance.now();
  const captured = booking.payments.capture(locked);
  const again = pay(locked);
  expect(await Promise.all(others.map(pay))).toEqual(others.map(() => 'authorised'));
  await Promise.all(others.map((order) => booking.payments.capture(order)));
  expect(performance.now() - startedMs).toBeLessThan(AT_ONCE_MS);
  await foreign`rollback`;
  expect(await again).toBe('authorised');
  await captured;
  await foreign.end();
});

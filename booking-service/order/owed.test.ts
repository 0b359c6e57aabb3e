import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { retryGivenUpPayments } from '../outbox/dead-letters.ts';
import { defaultPatience } from '../outbox/deliver.ts';
import type { TestBooking, TestFan } from '../testing/booking.ts';
import { holdSeats, placeOrder } from '../testing/buy.ts';
import { expireLease } from '../testing/expire.ts';
import { startSelling } from '../testing/on-sale.ts';
import { settlePayments } from '../testing/settle-payments.ts';
import { violations } from '../testing/violations.ts';
import { reconcileOrders } from './reconcile.ts';

const SEATS_PER_FAN = 4;
const REFUSALS = 4;
const brief = { ...defaultPatience, attemptsMax: 3 };

let booking: TestBooking;
let sale: string;
let fan: TestFan;
let hold: string;

beforeEach(async () => {
  const hall = [{ name: 'A', rows: 1, seatsPerRow: 10, amount: 5_000 }];
  ({ booking, sale } = await startSelling(hall, { seatsPerFan: SEATS_PER_FAN }));
  fan = await booking.admit(sale);
  hold = await holdSeats(fan, 'A-1-1');
});

afterEach(async () => {
  vi.restoreAllMocks();
  await booking.stop();
});

const found = () => violations(booking.db, SEATS_PER_FAN);
const refusing = (command: 'capture' | 'cancel' | 'lookUp') =>
  vi.spyOn(booking.payments, command).mockRejectedValue(new Error('account closed'));

/** An order whose end is known, and of which the provider takes no word; each in its way. */
const ways = [
  { command: 'capture', kind: 'payment-capture', state: 'confirmed', money: 'captured' },
  { command: 'cancel', kind: 'payment-cancellation', state: 'failed', money: 'cancelled' },
] as const;
type Way = (typeof ways)[number];

async function owing({ command }: Way) {
  const refused = refusing(command);
  if (command === 'cancel') {
    const { authorise } = booking.payments;
    vi.spyOn(booking.payments, 'authorise').mockRejectedValueOnce(new Error('killed'));
    const left = String((await placeOrder(fan, hold)).body.order);
    await expireLease(booking.db, left);
    await reconcileOrders(booking);
    await authorise({ order: left, amount: 5_000, currency: 'EUR' }, 'tok_ok');
    await expireLease(booking.db, left);
    return { order: left, refused };
  }
  const order = String((await placeOrder(fan, hold)).body.order);
  await expireLease(booking.db, order);
  return { order, refused };
}

const facts = async (order: string) => {
  const row = await booking.db.callOne<{ state: string; payment: string }>(
    (sql) => sql`select state, payment from ticket_order where id = ${order}`,
  );
  return { ...row, money: await booking.payments.lookUp(order) };
};

const messages = () =>
  booking.db.call<{ kind: string; state: string; attempts: number; waitSeconds: number }>(
    (sql) => sql`
      select kind, state, attempts, extract(epoch from due_at - clock_timestamp())::float8 as "waitSeconds"
      from outbox_message where kind like 'payment-%'`,
  );

describe.each(ways)('a $command that the provider refuses', (way) => {
  test('a few times is asked for later and later, as the database remembers, and done once', async () => {
    const { order, refused } = await owing(way);
    refused.mockClear();
    for (let attempts = 1; attempts <= REFUSALS; attempts += 1) {
      await settlePayments(booking);
      const [message, ...others] = await messages();
      expect(others).toEqual([]);
      expect(message).toMatchObject({ kind: way.kind, state: 'due', attempts });
      const waitSeconds = 2 ** (attempts - 1);
      expect(message?.waitSeconds).toBeGreaterThan(0.5 * waitSeconds);
      expect(message?.waitSeconds).toBeLessThan(1.3 * waitSeconds);
    }
    expect(refused).toHaveBeenCalledTimes(REFUSALS);
    refused.mockRestore();
    await settlePayments(booking);
    expect(await facts(order)).toEqual({ state: way.state, payment: 'settled', money: way.money });
    expect(await messages()).toMatchObject([{ state: 'sent' }]);
    expect(await found()).toEqual([]);
  });

  test('is not asked for meanwhile, however often the worker looks', async () => {
    const { order, refused } = await owing(way);
    await settlePayments(booking);
    refused.mockClear();
    for (let look = 1; look <= 3; look += 1) {
      await expireLease(booking.db, order);
      await reconcileOrders(booking);
    }
    expect(refused).not.toHaveBeenCalled();
    expect(await messages()).toMatchObject([{ state: 'due', attempts: 1 }]);
  });

  test('to the end is told to the organiser, who sends it again, and is done once', async () => {
    const { order, refused } = await owing(way);
    refused.mockClear();
    for (let look = 1; look <= brief.attemptsMax + 2; look += 1) await settlePayments(booking, brief);
    expect(refused).toHaveBeenCalledTimes(brief.attemptsMax);
    const word = way.kind.slice('payment-'.length);
    expect(await found()).toEqual([
      `The ${word} of order ${order} was given up after 3 attempts; last error: Error: account closed`,
    ]);
    const { body } = await booking.internal('GET', '/internal/mail/dead');
    const [letter] = body.messages as { message: string }[];
    expect(letter).toMatchObject({ kind: way.kind, order, sale, recipient: null, attempts: 3 });
    refused.mockRestore();
    await settlePayments(booking, brief);
    expect((await facts(order)).payment).not.toBe('settled');
    const json = { reason: 'the account is open again' };
    const resent = await booking.internal('POST', `/internal/mail/${letter?.message}/resend`, { json });
    expect(resent).toMatchObject({ status: 200, body: { state: 'due' } });
    await settlePayments(booking, brief);
    expect(await facts(order)).toEqual({ state: way.state, payment: 'settled', money: way.money });
    expect(await found()).toEqual([]);
  });

  test('to the end is not forgotten: it is asked for again seldom, once each time', async () => {
    const { order, refused } = await owing(way);
    for (let look = 1; look <= brief.attemptsMax; look += 1) await settlePayments(booking, brief);
    refused.mockClear();
    const { attemptsMax } = brief;
    await retryGivenUpPayments(booking.db, { afterMs: 60_000, attemptsMax });
    await settlePayments(booking, brief);
    expect(refused).not.toHaveBeenCalled();
    for (let time = 1; time <= 2; time += 1) {
      await retryGivenUpPayments(booking.db, { afterMs: 0, attemptsMax });
      for (let look = 1; look <= 3; look += 1) await settlePayments(booking, brief);
      expect(refused).toHaveBeenCalledTimes(time);
      expect(await messages()).toMatchObject([{ state: 'dead', attempts: attemptsMax }]);
    }
    refused.mockRestore();
    await retryGivenUpPayments(booking.db, { afterMs: 0, attemptsMax });
    await settlePayments(booking, brief);
    expect(await facts(order)).toEqual({ state: way.state, payment: 'settled', money: way.money });
  });

  test('is in the log with its reason when that begins and when it is given up, not each time', async () => {
    await owing(way);
    const warn = vi.spyOn(booking.log, 'warn');
    for (let look = 1; look <= brief.attemptsMax + 2; look += 1) await settlePayments(booking, brief);
    expect(warn.mock.calls.map(([about, what]) => [String((about as { err: Error }).err), what])).toEqual([
      ['Error: account closed', 'not delivered'],
      ['Error: account closed', 'given up'],
    ]);
  });
});

test('a capture that was given up is nobody’s concern once its order is refunded', async () => {
  const { order } = await owing(ways[0]);
  for (let look = 1; look <= brief.attemptsMax; look += 1) await settlePayments(booking, brief);
  await booking.internal('POST', `/internal/orders/${order}/refund`, { json: { reason: 'never paid' } });
  expect((await booking.internal('GET', '/internal/mail/dead')).body.messages).toEqual([]);
  await settlePayments(booking, brief);
  expect(await facts(order)).toEqual({ state: 'refunded', payment: 'settled', money: 'cancelled' });
  expect(await found()).toEqual([]);
});

describe('an order of which the provider cannot say how it was paid', () => {
  /** What the worker did by this time after the lease of as many attempts; the order is its own again before. */
  async function isAskedFor(order: string, attempts: number, ago: string): Promise<boolean> {
    const asked = refusing('lookUp');
    await booking.db.call((sql) => sql`update ticket_order set attempts = ${attempts} where id = ${order}`);
    await expireLease(booking.db, order, ago);
    await reconcileOrders(booking);
    const wasAsked = asked.mock.calls.length > 0;
    asked.mockRestore();
    return wasAsked;
  }

  async function abandoned(): Promise<string> {
    const { body } = await placeOrder(fan, hold, { token: 'tok_unknown' });
    return String(body.order);
  }

  test('is asked about more and more seldom, a fifth more or less, and at least every seven minutes', async () => {
    const order = await abandoned();
    for (const [attempts, before, after] of [
      [0, '9 seconds', '11 seconds'],
      [1, '9 seconds', '11 seconds'],
      [2, '15 seconds', '25 seconds'],
      [4, '63 seconds', '97 seconds'],
      [6, '255 seconds', '385 seconds'],
      [1_000, '255 seconds', '385 seconds'],
    ] as const) {
      expect(await isAskedFor(order, attempts, before), `${attempts} attempts, ${before}`).toBe(false);
      expect(await isAskedFor(order, attempts, after), `${attempts} attempts, ${after}`).toBe(true);
    }
    await expireLease(booking.db, order, '1 hour');
    await settlePayments(booking);
    expect(await facts(order)).toEqual({ state: 'confirmed', payment: 'settled', money: 'captured' });
    expect(await found()).toEqual([]);
  });

  test('is its fan’s to retry all the while, as soon as nobody is asking', async () => {
    const order = await abandoned();
    expect(await isAskedFor(order, 9, '1 hour')).toBe(true);
    expect((await placeOrder(fan, hold, { token: 'tok_unknown' })).body.code).toBe('in-progress');
    await expireLease(booking.db, order, '1 second');
    const retried = await placeOrder(fan, hold, { token: 'tok_unknown' });
    expect(retried).toMatchObject({ status: 201, body: { order } });
  });
});

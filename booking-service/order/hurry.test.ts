import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { watchOutage } from '../payment/outage.ts';
import { startBooking, type TestBooking } from '../testing/booking.ts';
import { holdSeats, placeOrder } from '../testing/buy.ts';
import { expireLease } from '../testing/expire.ts';
import { settlePayments } from '../testing/settle-payments.ts';
import { hurryAfterOutage } from './hurry.ts';
import { outcomeOf } from './pay.ts';
import { reconcileOrders } from './reconcile.ts';

let booking: TestBooking;
let captured: string[];
let unknown: string;

/** Three captures that wait for half an hour, and an order of unknown outcome that is asked about in some minutes. */
beforeEach(async () => {
  booking = await startBooking();
  const { event } = await booking.makeEvent([{ name: 'A', rows: 1, seatsPerRow: 9, amount: 5_000 }]);
  const { sale } = await booking.makeSale(event, { seatsPerFan: 4 });
  const buy = async (seat: string, token: string) => {
    const fan = await booking.admit(sale);
    return String((await placeOrder(fan, await holdSeats(fan, seat), { token })).body.order);
  };
  const refused = vi.spyOn(booking.payments, 'capture').mockRejectedValue(new Error('away'));
  captured = [];
  for (const seat of ['A-1-1', 'A-1-2', 'A-1-3']) captured.push(await buy(seat, 'tok_ok'));
  for (const order of captured) await expireLease(booking.db, order);
  await settlePayments(booking);
  refused.mockRestore();
  unknown = await buy('A-1-4', 'tok_unknown');
  await booking.db.call(
    (sql) => sql`
      update outbox_message set due_at = clock_timestamp() + interval '30 minutes' where kind = 'payment-capture'`,
  );
  await booking.db.call((sql) => sql`update ticket_order set attempts = 6 where id = ${unknown}`);
  await expireLease(booking.db, unknown, '20 seconds');
});

afterEach(async () => {
  vi.restoreAllMocks();
  await booking.stop();
});

/** A worker's provider that has had no answer for some orders. */
async function failedFor(orders: readonly string[]) {
  const outage = watchOutage(booking.payments);
  const away = vi.spyOn(booking.payments, 'lookUp').mockRejectedValue(new Error('away'));
  for (const order of orders) await outcomeOf(outage, order).catch(() => undefined);
  away.mockRestore();
  return outage;
}

const waiting = () =>
  booking.db.call<{ id: string }>(
    (sql) => sql`
      select ticket_order as id from outbox_message
      where kind = 'payment-capture' and state = 'due' and due_at > clock_timestamp()`,
  );
const stateOf = async (order: string) =>
  (
    await booking.db.callOne<{ state: string }>(
      (sql) => sql`select state from ticket_order where id = ${order}`,
    )
  ).state;

test('a provider’s first answer after an outage makes due what waits for its next attempt, in slices', async () => {
  const outage = await failedFor(captured);
  const hurry = hurryAfterOutage(booking.db, outage, { perRunMax: 2 });
  expect(await hurry()).toBe(false);
  expect(await waiting()).toHaveLength(3);
  await reconcileOrders(booking);
  expect(await stateOf(unknown)).toBe('inProgress');
  await outage.payments.lookUp('anything');
  expect(await hurry()).toBe(true);
  expect(await waiting()).toHaveLength(1);
  expect(await hurry()).toBe(false);
  expect(await waiting()).toEqual([]);
  await reconcileOrders(booking);
  expect(await stateOf(unknown)).toBe('confirmed');
});

test('what few orders had no answer for is no outage, and hurries nothing', async () => {
  const outage = await failedFor(captured.slice(1));
  const hurry = hurryAfterOutage(booking.db, outage);
  await outage.payments.lookUp('anything');
  expect(await hurry()).toBe(false);
  expect(await waiting()).toHaveLength(3);
  await reconcileOrders(booking);
  expect(await stateOf(unknown)).toBe('inProgress');
});

test('a provider that comes and goes hurries what waits once in ten minutes', async () => {
  let now = 0;
  const outage = { isAway: () => false, hasComeBack: () => true };
  const hurry = hurryAfterOutage(booking.db, outage, { clock: () => now });
  const hurriedAt = async (ms: number) => {
    now = ms;
    await booking.db.call(
      (sql) => sql`
        update outbox_message set due_at = clock_timestamp() + interval '30 minutes' where kind = 'payment-capture'`,
    );
    await hurry();
    return (await waiting()).length === 0;
  };
  expect([await hurriedAt(0), await hurriedAt(599_999), await hurriedAt(600_000)]).toEqual([
    true,
    false,
    true,
  ]);
});

test('what is being delivered, or is the fan’s own to retry first, is not hurried', async () => {
  await booking.db.call(
    (sql) => sql`
      update outbox_message set due_at = clock_timestamp() + interval '9 seconds' where kind = 'payment-capture'`,
  );
  await booking.db.call((sql) => sql`update ticket_order set attempts = 1 where id = ${unknown}`);
  await expireLease(booking.db, unknown, '1 second');
  await hurryAfterOutage(booking.db, { isAway: () => false, hasComeBack: () => true })();
  expect(await waiting()).toHaveLength(3);
  await reconcileOrders(booking);
  expect(await stateOf(unknown)).toBe('inProgress');
});

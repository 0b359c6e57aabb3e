import { afterAll, beforeAll, expect, test } from 'vitest';
import { newId } from '#shared/ids.ts';
import { type Answer, startBooking, type TestBooking, type TestFan } from '../testing/booking.ts';
import { holdSeats, placeOrder } from '../testing/buy.ts';

/*
 * What one admission buys is bounded by PostgreSQL alone: here nothing is known of a queue, and every request says that the
 * admission is live, as gateways do that have lost Redis or have not heard of an order yet (I9).
 */
let booking: TestBooking;
let sale: string;

beforeAll(async () => {
  booking = await startBooking();
  const event = await booking.makeEvent([{ name: 'A', rows: 20, seatsPerRow: 20, amount: 5_000 }]);
  ({ sale } = await booking.makeSale(event.event, { seatsPerFan: 10 }));
});
afterAll(() => booking.stop());

let row = 0;
async function holdsOfOneSeat(fan: TestFan, count: number): Promise<string[]> {
  row += 1;
  return Promise.all(Array.from({ length: count }, (_, seat) => holdSeats(fan, `A-${row}-${seat + 1}`)));
}
const boughtBy = async (fan: TestFan): Promise<number> => {
  const [count] = await booking.db.call<{ orders: number }>(
    (sql) => sql`
      select count(*)::int as orders from ticket_order
      where sale = ${sale} and fan = ${fan.id} and state in ('inProgress', 'confirmed', 'refunded')`,
  );
  return count?.orders ?? 0;
};
const code = ({ status, body }: Answer) => (status === 201 || status === 202 ? String(status) : body.code);

test('ten orders of one admission at once, each of its own seat and key, are one order', async () => {
  const fan = await booking.admit(sale);
  const holds = await holdsOfOneSeat(fan, 10);
  const answers = await Promise.all(holds.map((hold, i) => placeOrder(fan, hold, { key: `at-once-${i}` })));
  expect(answers.map(code).filter((word) => word === '201')).toHaveLength(1);
  for (const answer of answers)
    expect(['201', 'in-progress', 'already-finished'], String(code(answer))).toContain(code(answer));
  expect(await boughtBy(fan)).toBe(1);
});

test('whoever has bought buys nothing more by the same admission, however live it is said to be', async () => {
  const fan = await booking.admit(sale);
  const [first = '', second = '', third = ''] = await holdsOfOneSeat(fan, 3);
  expect((await placeOrder(fan, first, { key: 'first' })).status).toBe(201);
  const again = await placeOrder(fan, second, { key: 'second', email: 'another@example.org' });
  expect(again).toMatchObject({ status: 409, body: { code: 'already-finished' } });
  const later = await placeOrder(fan, third, { key: 'third', headers: { prefer: 'respond-async' } });
  expect(later).toMatchObject({ status: 409, body: { code: 'already-finished' } });
  // Its own key has its answer as ever.
  expect((await placeOrder(fan, first, { key: 'first' })).status).toBe(201);
  expect(await boughtBy(fan)).toBe(1);
});

test('a refund does not open the admission again', async () => {
  const fan = await booking.admit(sale);
  const [first = '', second = ''] = await holdsOfOneSeat(fan, 2);
  const { body } = await placeOrder(fan, first, { key: 'first' });
  const refunded = await booking.internal('POST', `/internal/orders/${body.order}/refund`, {
    json: { reason: 'a test' },
  });
  expect(refunded.status).toBe(200);
  expect(code(await placeOrder(fan, second, { key: 'second' }))).toBe('already-finished');
});

test('an order that is left to the worker keeps the admission from beginning another', async () => {
  const fan = await booking.admit(sale);
  const [first = '', second = ''] = await holdsOfOneSeat(fan, 2);
  const headers = { prefer: 'respond-async' };
  expect((await placeOrder(fan, first, { key: 'first', headers })).status).toBe(202);
  expect(code(await placeOrder(fan, second, { key: 'second', headers }))).toBe('in-progress');
  expect(code(await placeOrder(fan, second, { key: 'third' }))).toBe('in-progress');
  expect(await boughtBy(fan)).toBe(1);
});

test('a payment that failed leaves the admission as it was, and another admission of the fan is its own', async () => {
  const fan = await booking.admit(sale);
  const [first = '', second = ''] = await holdsOfOneSeat(fan, 2);
  expect((await placeOrder(fan, first, { key: 'first', token: 'tok_declined' })).status).toBe(402);
  expect((await placeOrder(fan, first, { key: 'second' })).status).toBe(201);
  const next = await booking.admit(sale, { sub: fan.id, jti: newId() });
  expect((await placeOrder(next, second, { key: 'third', email: 'one@example.org' })).status).toBe(201);
});

test('orders of many admissions in one call are judged alike: each once', async () => {
  const fans = await Promise.all(Array.from({ length: 8 }, () => booking.admit(sale)));
  const holds = await Promise.all(fans.map((fan) => holdsOfOneSeat(fan, 2)));
  const answers = await Promise.all(
    fans.flatMap((fan, i) => (holds[i] ?? []).map((hold, n) => placeOrder(fan, hold, { key: `many-${n}` }))),
  );
  expect(answers.map(code).filter((word) => word === '201')).toHaveLength(fans.length);
  for (const fan of fans) expect(await boughtBy(fan)).toBe(1);
});

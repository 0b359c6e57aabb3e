import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { internalHeaders } from '#shared/internal.ts';
import { startBooking, type TestBooking } from '../testing/booking.ts';
import { buyer, holdSeats, placeOrder } from '../testing/buy.ts';
import { settlePayments } from '../testing/settle-payments.ts';
import { violations } from '../testing/violations.ts';

const SEATS_PER_FAN = 4;
const FAILED_ORDERS_MAX = 20;

let booking: TestBooking;
let sale: string;

beforeAll(async () => {
  booking = await startBooking();
});

beforeEach(async () => {
  const event = await booking.makeEvent([{ name: 'A', rows: 2, seatsPerRow: 10, amount: 5_000 }]);
  sale = (await booking.makeSale(event.event, { seatsPerFan: SEATS_PER_FAN })).sale;
});

afterAll(async () => {
  expect(await violations(booking.db, SEATS_PER_FAN)).toEqual([]);
  await booking.stop();
});

const authorisations = async (): Promise<number> => {
  const row = await booking.db.callOne<{ sum: number }>(
    (sql) => sql`select coalesce(sum(authorisations), 0)::int as sum from test_payment`,
  );
  return row.sum;
};

const reconcile = () => settlePayments(booking);

describe('an order', () => {
  test('sells the held seats, with a ticket for each, and tells the gateway', async () => {
    const fan = await booking.admit(sale);
    const hold = await holdSeats(fan, 'A-1-2', 'A-1-1');
    const placed = await placeOrder(fan, hold, { email: buyer.email });
    expect(placed.status).toBe(201);
    expect(placed.body).toMatchObject({ total: { amount: 10_000, currency: 'EUR' } });
    expect(placed.body.tickets).toMatchObject([{ seat: 'A-1-1' }, { seat: 'A-1-2' }]);
    expect(placed.headers.get('location')).toBe(`/api/sales/${sale}/orders/${placed.body.order}`);
    expect(placed.headers.get(internalHeaders.order)).toBe(placed.body.order);
    // The order ends the admission, whatever the fan holds besides.
    expect(placed.headers.get(internalHeaders.holdEnds)).toBeNull();

    const read = await fan.request('GET', `/orders/${placed.body.order}`);
    const { tickets, total } = placed.body;
    expect(read.body).toMatchObject({ state: 'confirmed', buyer, failure: null, tickets, total });
    const listed = await fan.request('GET', '/orders');
    expect(listed.body.orders).toEqual([read.body]);
  });

  test('is not there for anybody but its owner, whatever is asked for', async () => {
    const owner = await booking.admit(sale);
    const { body } = await placeOrder(owner, await holdSeats(owner, 'A-1-1'));
    const other = await booking.admit(sale);
    const answers = await Promise.all([
      other.request('GET', `/orders/${body.order}`),
      other.request('GET', '/orders/AAAAAAAAAAAAAAAAAAAAAA'),
      other.request('GET', "/orders/'; drop table seat; --"),
    ]);
    expect(answers.map((answer) => answer.status)).toEqual([404, 404, 404]);
    expect(new Set(answers.map((answer) => JSON.stringify(answer.body))).size).toBe(1);
    expect((await other.request('GET', '/orders')).body.orders).toEqual([]);
  });

  test('needs a hold of the fan’s own that is neither given back nor bought', async () => {
    const fan = await booking.admit(sale);
    const other = await booking.admit(sale);
    const foreign = await holdSeats(other, 'A-1-1');
    const released = await holdSeats(fan, 'A-1-2');
    await fan.request('DELETE', `/holds/${released}`);
    const bought = await holdSeats(fan, 'A-1-3');
    const claims = { sub: fan.id };
    await placeOrder(await booking.admit(sale, claims), bought, { key: 'bought' });
    for (const hold of [foreign, released, bought, 'no-such-hold']) {
      expect(await placeOrder(fan, hold, { key: hold })).toMatchObject({
        status: 409,
        body: { code: 'hold-lost' },
      });
    }
  });

  test('without an Idempotency-Key is refused', async () => {
    const fan = await booking.admit(sale);
    const hold = await holdSeats(fan, 'A-1-1');
    const json = { hold, buyer, payment: { token: 'tok_ok' } };
    const answer = await fan.request('POST', '/orders', { json });
    expect(answer).toMatchObject({ status: 400, body: { code: 'malformed-request' } });
  });
});

describe('one idempotency key', () => {
  test('used fifty times at once makes one order and one authorisation', async () => {
    const fan = await booking.admit(sale);
    const hold = await holdSeats(fan, 'A-1-1', 'A-1-2');
    const before = await authorisations();
    const answers = await Promise.all(
      Array.from({ length: 50 }, () => placeOrder(fan, hold, { token: 'tok_slow' })),
    );
    const placed = answers.filter((answer) => answer.status === 201);
    const others = answers.filter((answer) => answer.body.code === 'in-progress');
    expect(placed.length).toBeGreaterThan(0);
    expect(placed.length + others.length).toBe(50);
    expect(new Set(placed.map((answer) => JSON.stringify(answer.body))).size).toBe(1);
    expect((await authorisations()) - before).toBe(1);
  });

  test('gives the same answer again, also to a finished admission', async () => {
    const fan = await booking.admit(sale);
    const hold = await holdSeats(fan, 'A-1-1');
    const first = await placeOrder(fan, hold);
    const finished = { headers: { [internalHeaders.admission]: 'finished' } };
    const again = await placeOrder(fan, hold, finished);
    expect(again).toMatchObject({ status: 201, body: first.body });
    expect((await fan.request('GET', `/orders/${first.body.order}`, finished)).status).toBe(200);
  });

  test('with another body is refused', async () => {
    const fan = await booking.admit(sale);
    const hold = await holdSeats(fan, 'A-1-1');
    await placeOrder(fan, hold);
    const answer = await placeOrder(fan, hold, { email: 'eve@example.org' });
    expect(answer).toMatchObject({ status: 422, body: { code: 'idempotency-mismatch' } });
  });

  test('is the fan’s own: another fan may use the same one', async () => {
    const one = await booking.admit(sale);
    const other = await booking.admit(sale);
    const first = await placeOrder(one, await holdSeats(one, 'A-1-1'));
    const second = await placeOrder(other, await holdSeats(other, 'A-1-2'), { email: 'bob@example.org' });
    expect([first.status, second.status]).toEqual([201, 201]);
    expect(first.body.order).not.toBe(second.body.order);
  });
});

describe('a finished admission', () => {
  test('books nothing new', async () => {
    const fan = await booking.admit(sale);
    const hold = await holdSeats(fan, 'A-1-1');
    const headers = { [internalHeaders.admission]: 'finished' };
    expect(await placeOrder(fan, hold, { headers })).toMatchObject({
      status: 409,
      body: { code: 'already-finished' },
    });
    const answer = await fan.request('POST', '/holds', { json: { seats: ['A-1-2'] }, headers });
    expect(answer).toMatchObject({ status: 409, body: { code: 'already-finished' } });
  });
});

describe('a payment', () => {
  test('that is declined leaves the hold to the fan, who may try again with a new key', async () => {
    const fan = await booking.admit(sale);
    const hold = await holdSeats(fan, 'A-1-1');
    const declined = await placeOrder(fan, hold, { token: 'tok_declined' });
    expect(declined).toMatchObject({ status: 402, body: { code: 'payment-declined' } });
    expect(Number(declined.headers.get(internalHeaders.holdEnds))).toBeGreaterThan(Date.now());
    expect((await placeOrder(fan, hold, { token: 'tok_declined' })).status).toBe(402);
    const failed = await fan.request('GET', `/orders/${declined.body.order}`);
    expect(failed.body).toMatchObject({ state: 'failed', failure: 'payment-declined', tickets: [] });
    expect((await placeOrder(fan, hold, { key: 'two' })).status).toBe(201);
  });

  test('cannot be declined for ever: the 21st attempt of an admission is refused and nobody is asked', async () => {
    const fan = await booking.admit(sale);
    const hold = await holdSeats(fan, 'A-1-1');
    for (let count = 0; count < FAILED_ORDERS_MAX; count += 1) {
      const declined = await placeOrder(fan, hold, { token: 'tok_declined', key: `key-${count}` });
      expect(declined.status).toBe(402);
    }
    const before = await authorisations();
    const refused = await placeOrder(fan, hold, { token: 'tok_declined', key: 'one-more' });
    expect(refused).toMatchObject({
      status: 409,
      body: { code: 'limit-reached', detail: 'Too many payments have failed in this admission.' },
    });
    expect(await authorisations()).toBe(before);
    expect((await fan.request('GET', '/orders')).body.orders).toHaveLength(FAILED_ORDERS_MAX);
    // An earlier key has its answer as before.
    expect((await placeOrder(fan, hold, { token: 'tok_declined', key: 'key-0' })).status).toBe(402);
  });

  test('whose outcome is unknown is found out, and the key then answers with the order', async () => {
    const fan = await booking.admit(sale);
    const hold = await holdSeats(fan, 'A-1-1');
    const unknown = await placeOrder(fan, hold, { token: 'tok_unknown' });
    expect(unknown).toMatchObject({ status: 409, body: { code: 'in-progress' } });
    const waiting = await fan.request('GET', `/orders/${unknown.body.order}`);
    expect(waiting.body).toMatchObject({ state: 'inProgress', tickets: [] });
    await reconcile();
    expect(await placeOrder(fan, hold, { token: 'tok_unknown' })).toMatchObject({
      status: 201,
      body: { order: unknown.body.order },
    });
  });

  test('makes the hold live at least as long as a payment may take, once', async () => {
    const event = await booking.makeEvent([{ name: 'A', rows: 1, seatsPerRow: 10, amount: 5_000 }]);
    const short = await booking.makeSale(event.event, { holdSeconds: 5 });
    const fan = await booking.admit(short.sale);
    const hold = await holdSeats(fan, 'A-1-1');
    const first = await placeOrder(fan, hold, { token: 'tok_declined', key: 'one' });
    const end = Number(first.headers.get(internalHeaders.holdEnds));
    expect(end).toBeGreaterThan(Date.now() + 290_000);
    const second = await placeOrder(fan, hold, { token: 'tok_declined', key: 'two' });
    expect(Number(second.headers.get(internalHeaders.holdEnds))).toBe(end);
  });

  test('reaches no further behind the end of the admission than a payment may take', async () => {
    const ends = Math.floor(Date.now() / 1000) + 20;
    const fan = await booking.admit(sale, { ends, exp: ends + 300 });
    const hold = await holdSeats(fan, 'A-1-1');
    const answer = await placeOrder(fan, hold, { token: 'tok_declined' });
    const end = Number(answer.headers.get(internalHeaders.holdEnds));
    expect(Math.abs(end - Date.now() - 300_000)).toBeLessThan(5_000);
  });
});

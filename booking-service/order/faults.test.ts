import postgres from 'postgres';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { type Answer, startBooking, type TestBooking, type TestFan } from '../testing/booking.ts';
import { holdSeats, placeOrder } from '../testing/buy.ts';
import { expireHold, expireLease } from '../testing/expire.ts';
import { mutateFunction } from '../testing/mutate.ts';
import { settlePayments } from '../testing/settle-payments.ts';
import { violations } from '../testing/violations.ts';

const FANS = 60;
const SEATS_PER_FAN = 2;
const TRIES_MAX = 40;
/** What is told to who meets a locked seat. */
const RETRY_AFTER_MS = 2_000;
const KILL_EVERY_MS = 150;
const ANSWER_MS_MAX = 3_000;

let booking: TestBooking;
let sale: string;
let event: string;

beforeEach(async () => {
  booking = await startBooking();
  event = (await booking.makeEvent([{ name: 'A', rows: 4, seatsPerRow: 20, amount: 1_000 }])).event;
  sale = (await booking.makeSale(event, { seatsPerFan: SEATS_PER_FAN })).sale;
});

afterEach(() => booking.stop());

/** Asks with the same key until there is an answer that settles it, as a fan's page would. */
async function persist(fan: TestFan, path: string, json: unknown, key: string): Promise<Answer> {
  for (let attempt = 1; ; attempt += 1) {
    const answer = await fan.request('POST', path, { json, headers: { 'idempotency-key': key } });
    const isOpen = answer.status === 503 || answer.body.code === 'in-progress';
    if (!isOpen || attempt === TRIES_MAX) return answer;
    if (typeof answer.body.order === 'string')
      await expireLease(booking.db, answer.body.order).catch(() => undefined);
  }
}

test('while backends are killed all the time: what was acknowledged is there, once, and nothing is sold twice', async () => {
  const admin = postgres(booking.databaseUrl, { max: 1 });
  const stop = new AbortController();
  const killing = (async () => {
    while (!stop.signal.aborted) {
      await admin`
        select pg_terminate_backend(pid) from pg_stat_activity
        where datname = current_database() and application_name = 'booking-test'`;
      await new Promise((resolve) => setTimeout(resolve, KILL_EVERY_MS));
    }
  })();

  const placed: { fan: TestFan; body: Record<string, unknown> }[] = [];
  await Promise.all(
    Array.from({ length: FANS }, async (_, index) => {
      const fan = await booking.admit(sale);
      const seat = `A-${(index % 4) + 1}-${(index % 20) + 1}`;
      const hold = await persist(fan, '/holds', { seats: [seat] }, 'hold');
      if (hold.status !== 201) return;
      const buyer = { name: 'A fan', email: `${fan.id.toLowerCase()}@example.org` };
      const json = { hold: hold.body.hold, buyer, payment: { token: 'tok_ok' } };
      const order = await persist(fan, '/orders', json, 'order');
      if (order.status === 201) placed.push({ fan, body: order.body });
    }),
  );
  stop.abort();
  await killing;
  await admin.end();

  expect(placed.length).toBeGreaterThan(FANS / 4);
  for (const { fan, body } of placed) {
    const { body: read } = await fan.request('GET', `/orders/${body.order}`);
    expect(read).toMatchObject({ state: 'confirmed', tickets: body.tickets });
    expect((await fan.request('GET', '/orders')).body.orders).toHaveLength(1);
  }
  await booking.db.call(
    (sql) => sql`update ticket_order set lease_until = clock_timestamp() - interval '1 minute'`,
  );
  await settlePayments(booking);
  expect(await violations(booking.db, SEATS_PER_FAN)).toEqual([]);
  const unsettled = await booking.db.call(
    (sql) => sql`select id from ticket_order where payment <> 'settled'`,
  );
  expect(unsettled).toEqual([]);
});

test('while somebody else keeps a seat locked: an answer within 3 s, and fans of other seats are served', async () => {
  const [fan, other] = await Promise.all([booking.admit(sale), booking.admit(sale)]);
  const foreign = postgres(booking.databaseUrl, { max: 1 });
  await foreign`begin`;
  await foreign`select from seat where event = ${event} and seat = 0 for update`;
  const startedMs = performance.now();
  const [locked, free] = await Promise.all([
    fan.request('POST', '/holds', { json: { seats: ['A-1-1'] } }),
    other.request('POST', '/holds', { json: { seats: ['A-1-2'] } }),
  ]);
  expect(performance.now() - startedMs).toBeLessThan(ANSWER_MS_MAX);
  expect(locked).toMatchObject({ status: 503, body: { code: 'unavailable' } });
  expect(locked.headers.get('retry-after')).toBe('2');
  expect(free.status).toBe(201);
  await foreign`rollback`;
  await foreign.end();
  await vi.waitFor(async () => {
    expect((await fan.request('POST', '/holds', { json: { seats: ['A-1-1'] } })).status).toBe(201);
  }, RETRY_AFTER_MS);
});

test('the proof notices an order that does not look whose the seats are', async () => {
  await mutateFunction(
    booking.db,
    'seats_are_of_hold',
    'hold is not distinct from p_hold and state in (0, 1)',
    'true',
  );
  const [late, rival] = await Promise.all([booking.admit(sale), booking.admit(sale)]);
  const hold = await holdSeats(late, 'A-1-1');
  await expireHold(booking.db, hold);
  expect((await placeOrder(rival, await holdSeats(rival, 'A-1-1'))).status).toBe(201);
  expect((await placeOrder(late, hold)).status).not.toBe(201);
  expect(await violations(booking.db, SEATS_PER_FAN)).not.toEqual([]);
  // The second net holds all the same: the seat has one live ticket.
  const tickets = await booking.db.call(
    (sql) => sql`select code from ticket where event = ${event} and live`,
  );
  expect(tickets).toHaveLength(1);
});

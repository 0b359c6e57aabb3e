import postgres from 'postgres';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { type OwnPostgres, ownPostgres } from '../../infra/testing/postgres-server.ts';
import { type Answer, startBooking, type TestBooking, type TestFan } from '../testing/booking.ts';
import { holdSeats, placeOrder } from '../testing/buy.ts';
import { settlePayments } from '../testing/settle-payments.ts';
import { violations } from '../testing/violations.ts';

const FANS = 12;
const SEATS_PER_FAN = 4;
const ANSWER_MS_MAX = 3_000;
const HEAL_MS_MAX = 10_000;
/** More than the server takes. */
const SESSIONS_MAX = 500;

let server: OwnPostgres;
let booking: TestBooking;
let sale: string;
let rows = 0;

beforeAll(async () => {
  server = await ownPostgres();
  booking = await startBooking({ databaseUrl: server.url });
  const { event } = await booking.makeEvent([{ name: 'A', rows: 4, seatsPerRow: 2 * FANS, amount: 1_000 }]);
  sale = (await booking.makeSale(event, { seatsPerFan: SEATS_PER_FAN })).sale;
});
afterAll(async () => {
  await booking.stop();
  await server.stop();
});

/** Each has seats on hold, and the next ones free. */
async function shoppers() {
  rows += 1;
  const row = rows;
  return Promise.all(
    Array.from({ length: FANS }, async (_, i) => {
      const fan = await booking.admit(sale);
      return { fan, hold: await holdSeats(fan, `A-${row}-${i + 1}`), next: `A-${row}-${FANS + i + 1}` };
    }),
  );
}
type Shopper = Awaited<ReturnType<typeof shoppers>>[number];

const holdNext = ({ fan, next }: { fan: TestFan; next: string }) =>
  fan.request('POST', '/holds', { json: { seats: [next] }, headers: { 'idempotency-key': 'next' } });

async function inTime(answer: Promise<Answer>): Promise<Answer> {
  const startedMs = performance.now();
  const answered = await answer;
  expect(performance.now() - startedMs).toBeLessThan(ANSWER_MS_MAX);
  return answered;
}

/** Every fan pays, and takes a further seat, at once: each is answered in time, and clearly. */
async function everybodyAsks(fans: Shopper[], during: () => Promise<unknown>): Promise<Answer[]> {
  const asked = fans.flatMap((fan) => [inTime(placeOrder(fan.fan, fan.hold)), inTime(holdNext(fan))]);
  const [answers] = await Promise.all([Promise.all(asked), during()]);
  for (const { status, body, headers } of answers) {
    if (status === 201) continue;
    expect([503, 409]).toContain(status);
    expect(['unavailable', 'in-progress', 'already-finished']).toContain(body.code);
    if (body.code !== 'already-finished') expect(headers.get('retry-after')).not.toBeNull();
  }
  return answers;
}

/** Each fan's own key goes on to the end, and nothing is half, double or owed. */
async function everybodyEnds(fans: Shopper[]) {
  await vi.waitFor(() => booking.db.call((sql) => sql`select 1`), { timeout: HEAL_MS_MAX });
  await booking.db.call(
    (sql) => sql`
      update ticket_order set lease_until = clock_timestamp() - interval '1 second' where state = 'inProgress'`,
  );
  for (const { fan, hold } of fans) {
    expect((await placeOrder(fan, hold)).status).toBe(201);
    expect((await fan.request('GET', '/orders')).body.orders).toHaveLength(1);
  }
  await booking.db.call(
    (sql) => sql`
      update ticket_order set lease_until = clock_timestamp() - interval '1 minute' where payment <> 'settled'`,
  );
  await settlePayments(booking);
  expect(await violations(booking.db, SEATS_PER_FAN)).toEqual([]);
  const owing = await booking.db.call((sql) => sql`select id from ticket_order where payment <> 'settled'`);
  expect(owing).toEqual([]);
}

test('PostgreSQL that crashes under the orders and comes back: answers within 3 s, no order is half', async () => {
  const fans = await shoppers();
  await everybodyAsks(fans, async () => {
    await server.crash();
    await server.start();
  });
  await everybodyEnds(fans);
}, 60_000);

test('PostgreSQL that stays away: everybody is told to come again within 3 s, and does', async () => {
  const fans = await shoppers();
  await server.crash();
  const answers = await everybodyAsks(fans, async () => undefined);
  expect(answers.map(({ status }) => status)).toEqual(new Array(2 * FANS).fill(503));
  await server.start();
  await everybodyEnds(fans);
}, 60_000);

test('connections that others have used up: everybody is told to come again within 3 s, and does', async () => {
  const fans = await shoppers();
  const others: postgres.Sql[] = [];
  const oneMore = async (): Promise<boolean> => {
    const sql = postgres(server.url, { max: 1, idle_timeout: 0, onnotice: () => undefined });
    others.push(sql);
    return sql`select 1`.then(
      () => true,
      () => false,
    );
  };
  const useUp = async () => {
    while (others.length < SESSIONS_MAX && (await oneMore()));
  };
  await useUp();
  const [first] = others;
  // Ours end, and theirs take the places.
  await (first as postgres.Sql)`
    select pg_terminate_backend(pid) from pg_stat_activity where application_name in ('booking-test', 'inventory-test')`;
  await useUp();
  const answers = await everybodyAsks(fans, async () => undefined);
  expect(answers.some(({ status }) => status === 503)).toBe(true);
  await Promise.all(others.map((sql) => sql.end({ timeout: 1 })));
  await everybodyEnds(fans);
}, 60_000);

import postgres from 'postgres';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { type OwnPostgres, ownPostgres } from '../../infra/testing/postgres-server.ts';
import type { Answer, TestBooking, TestFan } from '../testing/booking.ts';
import { holdSeats, placeOrder } from '../testing/buy.ts';
import { everybodyEnds } from '../testing/everybody-ends.ts';
import { startSelling } from '../testing/on-sale.ts';

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
  const hall = [{ name: 'A', rows: 4, seatsPerRow: 2 * FANS, amount: 1_000 }];
  const options = { databaseUrl: server.url };
  ({ booking, sale } = await startSelling(hall, { seatsPerFan: SEATS_PER_FAN }, options));
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

/** When PostgreSQL is back, on each of the connections: what follows here is asked for once. */
async function everybodyEndsAfterwards(fans: Shopper[]): Promise<void> {
  const onEach = () => Promise.all(fans.map(() => booking.db.call((sql) => sql`select 1`)));
  await vi.waitFor(onEach, { timeout: HEAL_MS_MAX });
  await everybodyEnds(booking, fans, SEATS_PER_FAN);
}

test('PostgreSQL that crashes under the orders and comes back: answers within 3 s, no order is half', async () => {
  const fans = await shoppers();
  await everybodyAsks(fans, async () => {
    await server.crash();
    await server.start();
  });
  await everybodyEndsAfterwards(fans);
}, 60_000);

test('PostgreSQL that stays away: everybody is told to come again within 3 s, and does', async () => {
  const fans = await shoppers();
  await server.crash();
  const answers = await everybodyAsks(fans, async () => undefined);
  expect(answers.map(({ status }) => status)).toEqual(new Array(2 * FANS).fill(503));
  await server.start();
  await everybodyEndsAfterwards(fans);
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
  await everybodyEndsAfterwards(fans);
}, 60_000);

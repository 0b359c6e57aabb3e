import { Redis } from 'ioredis';
import postgres from 'postgres';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { createDb } from '../../booking-service/db/client.ts';
import { ORDER_JOBS } from '../../booking-service/intake/connection.ts';
import { violations } from '../../booking-service/testing/violations.ts';
import { type OwnRedis, ownRedis } from '../testing/redis-server.ts';
import { type Shop, startShop } from '../testing/shop.ts';
import { SOON_MS } from '../testing/soon.ts';
import { createFan, type Fan } from './fan.ts';
import { type Answer, ask, bearer } from './http.ts';
import { openSale } from './organise.ts';

const JOURNEY_MS_MAX = 120_000;
/** From a worker's start to the mail of what its predecessor left: 5 to 12 s, more on a busy machine. */
const MAIL_MS_MAX = 25_000;
/** Whether or not Redis is there to carry the job. */
const TAKEN_MS_MAX = 2_000;
const SEATS_PER_FAN = 4;
const ORDERS_WAITING_MAX = 30;

let redis: OwnRedis;
let shop: Shop;
let sale: string;
let sql: postgres.Sql;
let fans = 0;

beforeAll(async () => {
  redis = await ownRedis();
  shop = await startShop({
    env: { REDIS_URL: redis.url, ASYNC_ORDERS_WAITING_MAX: String(ORDERS_WAITING_MAX) },
  });
  sql = postgres(shop.databaseUrl, { max: 2 });
  const hall = [{ name: 'A', rows: 10, seatsPerRow: 20 }];
  sale = await openSale(shop, hall, {
    capacity: 200,
    admitPerMinute: 60_000,
    seatsPerFan: SEATS_PER_FAN,
  });
});
afterAll(async () => {
  await sql?.end();
  await shop?.stop();
  await redis?.stop();
});

/** A fan who is in the shop and holds the best seat there is. */
async function atTheTill(): Promise<{ fan: Fan; hold: string; email: string }> {
  fans += 1;
  const name = `fan-${fans}`;
  const fan = createFan(shop.gatewayUrls, sale, name, Date.now() + JOURNEY_MS_MAX);
  await fan.join();
  expect(await fan.queueUp()).toBe('admitted');
  const held = await fan.shop<{ hold: string }>('POST', '/holds', { best: { quantity: 1 } });
  expect(held.status).toBe(201);
  return { fan, hold: held.body.hold, email: `${name}@example.org` };
}

type AtTheTill = Awaited<ReturnType<typeof atTheTill>>;

const pay = ({ fan, hold, email }: AtTheTill, token: string, prefer?: string): Promise<Answer> =>
  ask('POST', `${shop.gatewayUrls[0]}/api/sales/${sale}/orders`, {
    json: { hold, buyer: { name: 'A fan', email }, payment: { token } },
    headers: {
      ...bearer(fan.admissionToken()),
      'idempotency-key': 'pay',
      ...(prefer === undefined ? {} : { prefer }),
    },
  });

type Taken = { token: string; till: AtTheTill; order: string; location: string };

async function takeOrder(till: AtTheTill, token: string): Promise<Taken> {
  const taken = await pay(till, token, 'return=minimal, Respond-Async');
  expect(taken).toMatchObject({ status: 202, body: { state: 'inProgress' } });
  const order = String(taken.body.order);
  expect(taken.headers).toMatchObject({
    location: `/api/sales/${sale}/orders/${order}`,
    'preference-applied': 'respond-async',
  });
  return { token, till, order, location: String(taken.headers.location) };
}

const outcome = async ({ till, location }: Taken) =>
  (
    await ask(`GET`, `${shop.gatewayUrls[0]}${location}`, {
      headers: bearer(till.fan.admissionToken()),
    })
  ).body;

/** Every order has ended as its card says, once, and its buyer and the provider have been told. */
async function expectEnds(orders: Taken[]): Promise<void> {
  await vi.waitFor(
    async () => {
      for (const taken of orders) {
        const declined = taken.token === 'tok_declined';
        expect(await outcome(taken)).toMatchObject(
          declined ? { state: 'failed', failure: 'payment-declined', tickets: [] } : { state: 'confirmed' },
        );
      }
      const done = await sql`
        select from outbox_message join ticket_order on ticket_order.id = ticket_order
        where outbox_message.state = 'sent' and kind like '%mail' and payment = 'settled'
          and ticket_order = any (${orders.map(({ order }) => order)})`;
      expect(done).toHaveLength(orders.length);
    },
    { timeout: MAIL_MS_MAX, interval: 100 },
  );
  const mails = await ask<string>('GET', `${shop.gatewayUrls[0]}/dev/mail`);
  for (const { till } of orders) expect(mails.body).toContain(till.email);
  for (const { order, token } of orders) {
    const [payment] = await sql`
      select test_payment.state, authorisations, captures, payment_token,
        (select array_agg(kind order by kind) from outbox_message
          where outbox_message.ticket_order = ticket_order.id and kind not like 'payment-%') as told
      from test_payment join ticket_order on ticket_order.id = test_payment.payment where ticket_order.id = ${order}`;
    expect(payment, `${token} ${order}`).toMatchObject(
      token === 'tok_declined'
        ? { state: 'declined', authorisations: 1, captures: 0, told: ['order-failed-mail'] }
        : {
            state: 'captured',
            authorisations: 1,
            captures: 1,
            told: ['admission-finished', 'order-confirmed-mail'],
          },
    );
    expect(payment).toMatchObject({ payment_token: null });
  }
}

const jobKeys = async (): Promise<string[]> => {
  const connection = new Redis(redis.url);
  try {
    return await connection.keys(`${ORDER_JOBS.prefix}:*`);
  } finally {
    connection.disconnect();
  }
};

async function removeJobs(): Promise<void> {
  const connection = new Redis(redis.url);
  try {
    await connection.del(...(await jobKeys()));
  } finally {
    connection.disconnect();
  }
}

test('orders taken while the worker is dead survive a crash of Redis, and are booked when the worker is back', async () => {
  const tokens = ['tok_ok', 'tok_slow', 'tok_unknown', 'tok_declined'];
  const tills = await Promise.all([...tokens, 'tok_ok', 'tok_ok'].map(atTheTill));
  await shop.kill('worker');
  const orders = await Promise.all(tokens.map((token, index) => takeOrder(tills[index]!, token)));
  for (const taken of orders) {
    expect(await outcome(taken)).toMatchObject({ state: 'inProgress', tickets: [] });
    expect(await pay(taken.till, taken.token)).toMatchObject({ status: 409, body: { code: 'in-progress' } });
  }
  const jobs = orders.map(({ order }) => `${ORDER_JOBS.prefix}:${ORDER_JOBS.name}:${order}`);
  await vi.waitFor(async () => expect(await jobKeys()).toEqual(expect.arrayContaining(jobs)), SOON_MS);

  await redis.kill();
  // Without Redis an order is taken all the same, and whoever waits for one gets it.
  const takenAtMs = performance.now();
  orders.push(await takeOrder(tills[4]!, 'tok_ok'));
  expect(performance.now() - takenAtMs).toBeLessThan(TAKEN_MS_MAX);
  expect((await pay(tills[5]!, 'tok_ok')).status).toBe(201);
  await redis.start();
  expect(await jobKeys()).toEqual(expect.arrayContaining(jobs));

  await shop.restart('worker');
  await expectEnds(orders);
  // An ended order answers as if it had been waited for.
  expect(await pay(orders[0]!.till, 'tok_ok', 'respond-async')).toMatchObject({
    status: 201,
    body: { order: orders[0]!.order },
  });
  expect(await pay(orders[3]!.till, 'tok_declined', 'respond-async')).toMatchObject({
    status: 402,
    body: { code: 'payment-declined' },
  });
}, 90_000);

test('orders whose jobs are lost with Redis’ data are found in the books', async () => {
  const tokens = ['tok_ok', 'tok_slow', 'tok_unknown', 'tok_declined'];
  const tills = await Promise.all(tokens.map(atTheTill));
  await shop.kill('worker');
  const orders = await Promise.all(tokens.map((token, index) => takeOrder(tills[index]!, token)));
  await vi.waitFor(async () => expect(await jobKeys()).not.toEqual([]), SOON_MS);
  await removeJobs();
  await shop.restart('worker');
  await expectEnds(orders);
}, 60_000);

test('a worker that lives on while Redis dies and comes back books on, in between without Redis', async () => {
  const tills = await Promise.all([atTheTill(), atTheTill()]);
  await redis.kill();
  const orders = [await takeOrder(tills[0]!, 'tok_ok')];
  await expectEnds(orders);
  await redis.start();
  orders.push(await takeOrder(tills[1]!, 'tok_ok'));
  await expectEnds(orders);
}, 60_000);

test('a worker that is killed in the midst of its jobs leaves each order to end once', async () => {
  const tokens = Array.from({ length: 24 }, (_, index) => ['tok_ok', 'tok_slow', 'tok_unknown'][index % 3]!);
  const tills = await Promise.all(tokens.map(atTheTill));
  const orders = await Promise.all(tokens.map((token, index) => takeOrder(tills[index]!, token)));
  // Only a slow card is sure to be still under way when the worker has died.
  const slow = orders.filter(({ token }) => token === 'tok_slow').map(({ order }) => order);
  const underWay = async () => {
    const [row] = await sql`
      select count(*)::int as begun from ticket_order
      where state = 'inProgress' and attempts > 0 and id = any (${slow})`;
    return Number(row?.begun);
  };
  await expect.poll(underWay, { interval: 10 }).toBeGreaterThan(0);
  await shop.kill('worker');
  expect(await underWay()).toBeGreaterThan(0);
  await shop.restart('worker');
  await expectEnds(orders);
  const db = createDb(shop.databaseUrl, { applicationName: 'journey' });
  expect(await violations(db, SEATS_PER_FAN)).toEqual([]);
  await db.close();
}, 60_000);

test('a full queue says so before anything is begun, and has room again once the worker is back', async () => {
  const tills = await Promise.all(Array.from({ length: ORDERS_WAITING_MAX + 1 }, atTheTill));
  await shop.kill('worker');
  const late = tills.pop()!;
  // The count of what waits is up to a quarter of a second old; one after another there is none too many.
  const orders: Taken[] = [];
  for (const till of tills) orders.push(await takeOrder(till, 'tok_ok'));
  const refused = await pay(late, 'tok_ok', 'respond-async');
  expect(refused).toMatchObject({ status: 503, body: { code: 'unavailable' } });
  expect(refused.headers['retry-after']).toBe('5');
  expect((await late.fan.shop('GET', '/orders')).body).toEqual({ orders: [] });
  expect((await late.fan.shop('GET', '/holds')).body.holds).toMatchObject([{ hold: late.hold }]);
  await shop.restart('worker');
  await vi.waitFor(async () => orders.push(await takeOrder(late, 'tok_ok')), { timeout: MAIL_MS_MAX });
  await expectEnds(orders);
}, 60_000);

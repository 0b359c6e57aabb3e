import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { StatusAnswer } from '#shared/contract/queue.ts';
import { until } from '../local/processes.mjs';
import { type OwnRedis, ownRedis } from '../testing/redis-server.ts';
import { type Shop, startShop } from '../testing/shop.ts';
import { openStores, verify } from '../verify/verify.ts';
import { createFan, type Fan } from './fan.ts';
import { ask } from './http.ts';
import { openSale } from './organise.ts';

const JOURNEY_MS_MAX = 100_000;
/** Half of it is the recovery; every fan of this journey asks more often than four times within it. */
const GRACE_SECONDS = 20;
const NOTICED_MS_MAX = 10_000;
const RESTORED_MS_MAX = 40_000;
const FANS = 6;

let redis: OwnRedis;
let shop: Shop;
beforeAll(async () => {
  redis = await ownRedis();
  shop = await startShop({ gateways: 2, env: { REDIS_URL: redis.url } });
});
afterAll(async () => {
  await shop?.stop();
  await redis?.stop();
});

test('Redis is emptied in the middle of a sale, and a gateway dies: everybody keeps their place, and gets in by it', async () => {
  const [gateway] = shop.gatewayUrls;
  const hall = [{ name: 'A', rows: 2, seatsPerRow: 10 }];
  const sale = await openSale(shop, hall, {
    capacity: 1,
    admitPerMinute: 6_000,
    graceSeconds: GRACE_SECONDS,
  });
  const fan = (key: string) => createFan(shop.gatewayUrls, sale, key, Date.now() + JOURNEY_MS_MAX);
  const inside = fan('inside');
  await inside.join();
  expect(await inside.queueUp()).toBe('admitted');
  const fans: Fan[] = [];
  for (let i = 0; i < FANS; i += 1) {
    const waiting = fan(`waiting-${i}`);
    await waiting.join();
    fans.push(waiting);
  }
  const gone = fans[2] as Fan;
  await gone.leave();
  const all = () => Promise.all(fans.map((each) => each.poll()));
  const positions = async () => (await all()).map(({ position }) => position);
  await expect.poll(positions, { timeout: NOTICED_MS_MAX }).toEqual([1, 2, null, 3, 4, 5]);
  // Gateways remember a fifth of a second later what they show; fans ask four times a second.
  for (let asked = 0; asked < 3; asked += 1) await all();

  const emptied = new Redis(redis.url);
  await emptied.flushall();
  emptied.disconnect();
  const noticed = await until<StatusAnswer[] | false>(async () => {
    const statuses = await all();
    return statuses.every(({ position }) => position === null) && statuses;
  }, NOTICED_MS_MAX);
  expect(noticed).toBeTruthy();
  const refused = await ask('POST', `${gateway}/api/sales/${sale}/queue`, { json: {} });
  expect(refused).toMatchObject({ status: 503, body: { code: 'unavailable' } });
  await shop.kill('gateway-2');
  await shop.restart('gateway-2');
  // Whoever is inside shops on.
  const held = await inside.shop<{ hold: string }>('POST', '/holds', { seats: ['A-1-1'] });
  expect(held.status).toBe(201);

  const restored = await until<StatusAnswer[] | false>(async () => {
    const statuses = await all();
    return statuses.every(({ position }, i) => position !== null || i === 2) && statuses;
  }, RESTORED_MS_MAX);
  const back = restored || [];
  expect(back.map(({ queueNumber }) => queueNumber)).toEqual([2, 3, 4, 5, 6, 7]);
  expect(back.map(({ position }) => position)).toEqual([1, 2, null, 3, 4, 5]);
  expect(back[2]?.state).toBe('left');
  expect((await fan('newcomer').join()).queueNumber).toBe(FANS + 2);

  const order = {
    hold: held.body.hold,
    buyer: { name: 'I', email: 'i@example.org' },
    payment: { token: 'tok_ok' },
  };
  expect((await inside.shop('POST', '/orders', order, 'pay')).status).toBe(201);
  const admitted: number[] = [];
  await Promise.all(
    fans
      .filter((each) => each !== gone)
      .map(async (each) => {
        expect(await each.queueUp()).toBe('admitted');
        admitted.push(each.seen.queueNumber);
        await each.leave();
      }),
  );
  expect(admitted).toEqual([2, 3, 5, 6, 7]);
  for (const { seen } of fans) {
    expect(seen.positions).toEqual([...seen.positions].sort((a, b) => b - a));
  }
  const stores = await openStores({ databaseUrl: shop.databaseUrl, redisUrl: redis.url });
  const { results } = await verify(stores, { patienceMs: 60_000 });
  await stores.close();
  expect(results.flatMap(({ findings }) => findings.map(({ text }) => text))).toEqual([]);
}, 150_000);

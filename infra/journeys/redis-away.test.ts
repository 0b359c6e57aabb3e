import { afterAll, beforeAll, expect, test } from 'vitest';
import { until } from '../local/processes.mjs';
import { type OwnRedis, ownRedis } from '../testing/redis-server.ts';
import { type Shop, startShop } from '../testing/shop.ts';
import { createFan } from './fan.ts';
import { ask } from './http.ts';
import { openSale } from './organise.ts';

const JOURNEY_MS_MAX = 60_000;
const REFUSAL_MS_MAX = 600;
/** After a fault heals turns flow again within this time (I14). */
const HEAL_MS_MAX = 10_000;
const SNAPSHOT_MS_MAX = 2_500;

let redis: OwnRedis;
let shop: Shop;
beforeAll(async () => {
  redis = await ownRedis();
  shop = await startShop({ env: { REDIS_URL: redis.url } });
});
afterAll(async () => {
  await shop?.stop();
  await redis?.stop();
});

test('while Redis is dead joins are refused at once, places are kept and admitted fans buy; then turns flow again', async () => {
  const [gateway] = shop.gatewayUrls;
  const hall = [{ name: 'A', rows: 2, seatsPerRow: 10 }];
  const sale = await openSale(shop, hall, { capacity: 1, admitPerMinute: 6_000 });
  const [inside, waiting] = ['inside', 'waiting'].map((key) =>
    createFan(shop.gatewayUrls, sale, key, Date.now() + JOURNEY_MS_MAX),
  );
  await inside!.join();
  await inside!.queueUp();
  expect(await waiting!.join()).toMatchObject({ position: 1, queueNumber: 2 });

  await redis.kill();
  const refusedAt = performance.now();
  const refused = await ask('POST', `${gateway}/api/sales/${sale}/queue`, { json: {} });
  expect(performance.now() - refusedAt).toBeLessThan(REFUSAL_MS_MAX);
  expect(refused).toMatchObject({ status: 503, body: { code: 'unavailable' } });
  expect(refused.headers['retry-after']).toBeDefined();

  const kept = await until(async () => {
    const status = await waiting!.poll();
    return status.position === null ? status : false;
  }, SNAPSHOT_MS_MAX);
  expect(kept).toMatchObject({ state: 'waiting', queueNumber: 2, position: null, ahead: null });

  const held = await inside!.shop<{ hold: string }>('POST', '/holds', { seats: ['A-1-1'] });
  expect(held.status).toBe(201);
  const order = {
    hold: held.body.hold,
    buyer: { name: 'I', email: 'i@example.org' },
    payment: { token: 'tok_ok' },
  };
  expect((await inside!.shop('POST', '/orders', order, 'pay')).status).toBe(201);

  await redis.start();
  const healedAt = performance.now();
  // The order's completion reaches the gateway by the outbox: the room is free and the next fan gets in.
  expect(await waiting!.queueUp()).toBe('admitted');
  expect(performance.now() - healedAt).toBeLessThan(HEAL_MS_MAX);
  expect(waiting!.seen.queueNumber).toBe(2);
  expect((await inside!.poll()).state).toBe('finished');
}, 90_000);

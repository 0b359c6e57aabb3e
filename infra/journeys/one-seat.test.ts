import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Shop, startShop } from '../testing/shop.ts';
import { createFan } from './fan.ts';
import { openSale } from './organise.ts';

const FANS = 1_000;
const CLICKS_MS_MAX = 5_000;
const ADMISSION_MS_MAX = 60_000;
const JOINING_AT_ONCE = 50;

let shop: Shop;
beforeAll(async () => {
  shop = await startShop({ worker: false });
});
afterAll(() => shop?.stop());

test('1,000 admitted fans click one seat: one gets it, 999 are told so, within 5 s', async () => {
  const hall = [{ name: 'A', rows: 1, seatsPerRow: 10 }];
  const sale = await openSale(shop, hall, { capacity: FANS, admitPerMinute: 1_000_000 });
  const fans = Array.from({ length: FANS }, (_, i) =>
    createFan(shop.gatewayUrls, sale, `fan-${i}`, Date.now() + ADMISSION_MS_MAX),
  );
  const queue = [...fans];
  await Promise.all(
    Array.from({ length: JOINING_AT_ONCE }, async () => {
      for (let fan = queue.pop(); fan; fan = queue.pop()) {
        await fan.join();
        expect(await fan.queueUp()).toBe('admitted');
        // Nobody clicks a seat they have not seen.
        expect((await fan.shop('GET', '/seats?status=open&section=A&limit=10')).status).toBe(200);
      }
    }),
  );

  const clickedAt = performance.now();
  const answers = await Promise.all(fans.map((fan) => fan.shop('POST', '/holds', { seats: ['A-1-5'] })));
  const clicksMs = performance.now() - clickedAt;
  const won = answers.filter(({ status }) => status === 201);
  const refused = answers.filter(({ status, body }) => status === 409 && body.code === 'seats-taken');
  console.log(
    `1,000 clicks answered in ${Math.round(clicksMs)} ms: ${won.length} × 201, ${refused.length} × seats-taken`,
  );
  expect(won).toHaveLength(1);
  expect(refused).toHaveLength(FANS - 1);
  expect(refused.every(({ body }) => JSON.stringify(body.conflicts) === '["A-1-5"]')).toBe(true);
  expect(clicksMs).toBeLessThan(CLICKS_MS_MAX);
}, 120_000);

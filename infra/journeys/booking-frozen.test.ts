import postgres from 'postgres';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Shop, startShop } from '../testing/shop.ts';
import { createFan, type Fan } from './fan.ts';
import { ask, bearer } from './http.ts';
import { openSale } from './organise.ts';

const JOURNEY_MS_MAX = 60_000;
const WELL_AGAIN_MS_MAX = 10_000;

let shop: Shop;
let sql: postgres.Sql;
beforeAll(async () => {
  shop = await startShop();
  sql = postgres(shop.databaseUrl, { max: 1 });
});
afterAll(async () => {
  await sql?.end();
  await shop?.stop();
});

async function inside(sale: string, name: string): Promise<Fan> {
  const fan = createFan(shop.gatewayUrls, sale, name, Date.now() + JOURNEY_MS_MAX);
  await fan.join();
  expect(await fan.queueUp()).toBe('admitted');
  return fan;
}

test('what was asked of a booking service that stood still, by fans who were told so and have left, is not done when it goes on', async () => {
  const sale = await openSale(shop, [{ name: 'A', rows: 2, seatsPerRow: 10 }], {
    ...{ capacity: 5, admitPerMinute: 6_000 },
  });
  const fans = await Promise.all(['plain', 'keyed', 'best', 'rival'].map((name) => inside(sale, name)));
  const [plain, keyed, best, rival] = fans as [Fan, Fan, Fan, Fan];
  /** Asked once: who persists gets what they want in the end. */
  const hold = (fan: Fan, wanted: object, key?: string) =>
    ask('POST', `${shop.gatewayUrls[0]}/api/sales/${sale}/holds`, {
      json: wanted,
      headers: { ...bearer(fan.admissionToken()), ...(key ? { 'idempotency-key': key } : {}) },
    });
  // The gateway has connections to it, as it has in a sale.
  expect(await plain.shop('GET', '/seats')).toMatchObject({ status: 200 });

  shop.freeze('booking');
  const unanswered = await Promise.all([
    hold(plain, { seats: ['A-1-1'] }),
    hold(keyed, { seats: ['A-1-2'] }, 'the-key-of-this-hold'),
    hold(best, { best: { quantity: 2 } }),
  ]);
  expect(unanswered.map(({ status }) => status)).toEqual([503, 503, 503]);
  await Promise.all([plain, keyed, best].map((fan) => fan.leave()));
  shop.thaw('booking');

  await expect
    .poll(() => rival.shop('GET', '/seats').then(({ status }) => status), { timeout: WELL_AGAIN_MS_MAX })
    .toBe(200);
  const seats = ['A-1-1', 'A-1-2'];
  expect(await rival.shop('POST', '/holds', { seats })).toMatchObject({ status: 201 });
  expect(await sql`select count(*)::int as n from hold where sale = ${sale}`).toEqual([{ n: 1 }]);
}, 90_000);

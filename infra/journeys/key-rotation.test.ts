import postgres from 'postgres';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { until } from '../local/processes.mjs';
import { newSecrets } from '../local/secrets.mjs';
import type { ServiceName } from '../testing/services.ts';
import { type Shop, startShop } from '../testing/shop.ts';
import { createFan, type Fan } from './fan.ts';
import { ask, bearer } from './http.ts';
import { openSale } from './organise.ts';

const JOURNEY_MS_MAX = 150_000;
const DELIVERED_MS_MAX = 10_000;
const BUYERS = 3;
const WAITING = 3;

const older = newSecrets();
const newer = newSecrets();
const PUBLIC_URL = 'https://tickets.somewhere.net';

/** The variables with the older value first or second, as RUNBOOK.md ("Change keys") has them step by step. */
const keys = (first: typeof older, second?: typeof older) => {
  const both = second ? [first, second] : [first];
  return {
    SIGNING_KEYS: JSON.stringify(both.flatMap(({ SIGNING_KEYS }) => JSON.parse(SIGNING_KEYS))),
    QUEUE_TICKET_SECRET: both.map((each) => each.QUEUE_TICKET_SECRET).join(','),
    INTERNAL_SECRET: both.map((each) => each.INTERNAL_SECRET).join(','),
    ORGANISER_KEYS: both.map((each) => `nora:${each.ORGANISER_KEY}`).join(','),
  };
};

let shop: Shop;
beforeAll(async () => {
  shop = await startShop({
    gateways: 2,
    bookings: 2,
    env: {
      NODE_ENV: 'production',
      // Nothing in front of them looks at /readyz.
      DRAIN_SECONDS: '0',
      PUBLIC_URL,
      TRUSTED_PROXIES: '10.0.0.0/8',
      SMTP_URL: 'smtp://127.0.0.1:1',
      MAIL_FROM: 'Tickets <tickets@somewhere.net>',
      TEST_PAYMENTS: 'on',
      ORGANISER_KEY: '',
      ...keys(older),
    },
  });
});
afterAll(() => shop?.stop());

const halves: ServiceName[][] = [
  ['gateway-1', 'booking-2'],
  ['gateway-2', 'booking', 'worker'],
];

test('keys are changed by the runbook while fans poll, claim and buy, and nobody is refused', async () => {
  const deadlineAt = Date.now() + JOURNEY_MS_MAX;
  const asOrganiser = { ...shop, organiserKey: older.ORGANISER_KEY };
  const hall = [{ name: 'A', rows: 20, seatsPerRow: 25 }];
  const sale = await openSale(asOrganiser, hall, { capacity: 50, admitPerMinute: 6_000 });
  const slow = await openSale(asOrganiser, hall, { capacity: 1, admitPerMinute: 6_000 });
  const fanOf = (ofSale: string, key: string) => createFan(shop.gatewayUrls, ofSale, key, deadlineAt);

  /** Whatever was refused as not valid; it must stay empty. */
  const refused: string[] = [];
  const expectNotRefused = (status: number, what: string) => {
    if (status === 401 || status === 403) refused.push(`${what}: ${status}`);
  };

  const inside = fanOf(slow, 'inside');
  await inside.join();
  expect(await inside.queueUp()).toBe('admitted');
  const token = inside.admissionToken();
  const waiting: Fan[] = Array.from({ length: WAITING }, (_, i) => fanOf(slow, `waiting-${i}`));
  for (const fan of waiting) await fan.join();

  const signedIn = await fetch(`${shop.gatewayUrls[0]}/organiser/sign-in`, {
    method: 'POST',
    body: new URLSearchParams({ key: older.ORGANISER_KEY }),
    redirect: 'manual',
  });
  const session = /^[^;]+/.exec(signedIn.headers.get('set-cookie') ?? '')?.[0] ?? '';
  expect(session).toMatch(/^__Host-console=/);

  /** Everybody who was there before the keys changed, at every gateway. */
  async function everybodyIsKnown(organiserKey: string): Promise<void> {
    await Promise.all(
      waiting.map(async (fan, i) => {
        expect(await fan.poll()).toMatchObject({ state: 'waiting', position: i + 1 });
        // Another tab, without the ticket: the key alone finds the place.
        expect(await fanOf(slow, `waiting-${i}`).join()).toMatchObject({ queueNumber: fan.seen.queueNumber });
      }),
    );
    expect((await inside.shop('GET', '/seats?limit=1')).status).toBe(200);
    expect(await inside.queueUp()).toBe('admitted');
    expect(inside.admissionToken()).toBe(token);
    for (const gateway of shop.gatewayUrls) {
      const stats = `${gateway}/api/organiser/sales/${sale}/stats`;
      expect((await ask('GET', stats, { headers: bearer(organiserKey) })).status).toBe(200);
      const page = await ask('GET', `${gateway}/organiser`, {
        headers: { cookie: session, accept: 'text/html' },
      });
      expect(page.status).toBe(200);
    }
  }

  let isOver = false;
  let bought = 0;
  const buyers = Array.from({ length: BUYERS }, async (_, buyer) => {
    for (let round = 0; !isOver; round += 1) {
      const key = `buyer-${buyer}-${round}`;
      const fan = fanOf(sale, key);
      try {
        await fan.join();
        if ((await fan.queueUp()) !== 'admitted') continue;
      } catch (error) {
        refused.push(String(error));
        continue;
      }
      const held = await fan.shop<{ hold: string }>('POST', '/holds', { best: { quantity: 1 } });
      expectNotRefused(held.status, `${key} holds`);
      if (held.status !== 201) continue;
      const order = {
        hold: held.body.hold,
        buyer: { name: key, email: `${key}@example.org` },
        payment: { token: 'tok_ok' },
      };
      // A service that ends in the middle leaves an order that goes on by itself: its key tells what became of it.
      const ordered = await until(async () => {
        const answer = await fan.shop('POST', '/orders', order, key);
        return answer.status === 409 && answer.body.code === 'in-progress' ? false : answer;
      }, JOURNEY_MS_MAX);
      expectNotRefused(ordered ? ordered.status : 0, `${key} orders`);
      if (ordered && ordered.status === 201) bought += 1;
    }
  });

  /** A rolling restart: in its middle old and new ones meet, on every way from a gateway to a booking service. */
  async function roll(changes: Record<string, string>, organiserKey: string): Promise<void> {
    for (const half of halves) {
      await Promise.all(half.map((name) => shop.restart(name, { env: changes })));
      await everybodyIsKnown(organiserKey);
      const enough = bought + refused.length + BUYERS;
      expect(await until(async () => bought + refused.length > enough, JOURNEY_MS_MAX)).toBe(true);
      expect(refused).toEqual([]);
    }
  }

  await everybodyIsKnown(older.ORGANISER_KEY);
  await roll(keys(older, newer), older.ORGANISER_KEY); // 1: known everywhere
  await roll(keys(newer, older), newer.ORGANISER_KEY); // 2: used everywhere
  isOver = true;
  await Promise.all(buyers);
  expect(refused).toEqual([]);

  // 3: what began under the older keys is over, and they are good for nothing any more.
  await Promise.all(halves.flat().map((name) => shop.restart(name, { env: keys(newer) })));
  const next = await openSale({ ...shop, organiserKey: newer.ORGANISER_KEY }, hall, {
    capacity: 50,
    admitPerMinute: 6_000,
  });
  const fan = fanOf(next, 'next');
  await fan.join();
  expect(await fan.queueUp()).toBe('admitted');
  expect((await fan.shop('POST', '/holds', { best: { quantity: 1 } })).status).toBe(201);
  for (const gateway of shop.gatewayUrls) {
    const seats = await ask('GET', `${gateway}/api/sales/${slow}/seats?limit=1`, { headers: bearer(token) });
    expect(seats).toMatchObject({ status: 401, body: { code: 'token-invalid' } });
    const sales = `${gateway}/api/organiser/sales`;
    expect((await ask('GET', sales, { headers: bearer(older.ORGANISER_KEY) })).status).toBe(401);
  }

  // What the worker tells the gateways by the internal secret has arrived, whichever of them it met.
  const sql = postgres(shop.databaseUrl, { max: 1 });
  try {
    const untold = async () =>
      (await sql`select from outbox_message where kind = 'admission-finished' and state <> 'sent'`).length;
    expect(await until(async () => (await untold()) === 0, DELIVERED_MS_MAX)).toBe(true);
    const [row] = await sql<
      { orders: number }[]
    >`select count(*)::int as orders from ticket_order where state = 'confirmed'`;
    expect(row?.orders).toBe(bought);
  } finally {
    await sql.end();
  }
}, 180_000);

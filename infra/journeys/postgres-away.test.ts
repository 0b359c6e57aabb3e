import postgres from 'postgres';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { OrganiserSaleAnswer } from '#shared/contract/sale.ts';
import type { StatsAnswer } from '#shared/contract/stats.ts';
import { until } from '../local/processes.mjs';
import { type OwnPostgres, ownPostgres } from '../testing/postgres-server.ts';
import { type Shop, startShop } from '../testing/shop.ts';
import { createFan } from './fan.ts';
import { ask, bearer } from './http.ts';
import { openSale } from './organise.ts';

const JOURNEY_MS_MAX = 80_000;
/** What an organiser does is in effect everywhere within a second; asking about it on a busy machine takes one more. */
const EFFECT_MS_MAX = 2_000;
/** Whoever protects the shop is not kept waiting for a database that is away. */
const ANSWER_MS_MAX = 2_000;
/** After a fault heals everything flows again within this time (I14). */
const HEAL_MS_MAX = 10_000;

let own: OwnPostgres;
let shop: Shop;
beforeAll(async () => {
  own = await ownPostgres();
  shop = await startShop({ gateways: 2, env: { DATABASE_URL: own.url } });
});
afterAll(async () => {
  await shop?.stop();
  await own?.stop();
});

const organise = <Body = OrganiserSaleAnswer>(
  gateway: number,
  method: 'GET' | 'POST' | 'PATCH',
  path: string,
  json?: unknown,
) =>
  ask<Body>(method, `${shop.gatewayUrls[gateway]}/api/organiser/sales/${path}`, {
    headers: bearer(shop.organiserKey),
    json,
  });

test('what protects the shop acts at once while PostgreSQL is away, survives the gateway, and becomes durable in order', async () => {
  const sale = await openSale(shop, [{ name: 'A', rows: 2, seatsPerRow: 10 }], {
    capacity: 1,
    admitPerMinute: 6_000,
  });
  const [inside, waiting] = ['inside', 'waiting'].map((key) =>
    createFan(shop.gatewayUrls, sale, key, Date.now() + JOURNEY_MS_MAX),
  );
  await inside!.join();
  await inside!.queueUp();
  const { position } = await waiting!.join();
  expect(position).toBe(1);

  const ticket = await ask<{ queueTicket: string }>(
    'POST',
    `${shop.gatewayUrls[0]}/api/sales/${sale}/queue`,
    {
      json: {},
      headers: { 'idempotency-key': 'watcher' },
    },
  );
  /** What a waiting fan is told by one gateway. */
  const told = async (gateway: number) =>
    (
      await ask<{ saleState: string; notice: { text: string } | null }>(
        'GET',
        `${shop.gatewayUrls[gateway]}/api/sales/${sale}/queue/me?version=0`,
        { headers: bearer(ticket.body.queueTicket) },
      )
    ).body;
  const stats = async (gateway: number) =>
    (await organise<StatsAnswer>(gateway, 'GET', `${sale}/stats`)).body;
  const everywhere = async (what: (gateway: number) => Promise<boolean>) =>
    (await what(0)) && (await what(1));

  await own.shutDown();
  const pausedAt = performance.now();
  const paused = await organise(0, 'POST', `${sale}/pause`, { reason: 'the till is on fire' });
  expect(performance.now() - pausedAt).toBeLessThan(ANSWER_MS_MAX);
  expect(paused).toMatchObject({ status: 200, body: { state: 'paused', durable: false, version: 2 } });
  const isPaused = async (gateway: number) => (await told(gateway)).saleState === 'paused';
  expect(await until(() => everywhere(isPaused), EFFECT_MS_MAX)).toBe(true);

  const slower = { capacity: 3, admitPerMinute: 600, version: 2 };
  expect(await organise(1, 'PATCH', sale, slower)).toMatchObject({
    status: 200,
    body: { capacity: 3, admitPerMinute: 600, durable: false, version: 3 },
  });
  const hasCapacity = async (gateway: number) => (await stats(gateway)).capacity === 3;
  expect(await until(() => everywhere(hasCapacity), EFFECT_MS_MAX)).toBe(true);

  await shop.kill('booking');
  const notice = { notice: 'We go on in ten minutes.', version: 3 };
  expect(await organise(1, 'PATCH', sale, notice)).toMatchObject({ status: 200, body: { durable: false } });
  const isTold = async (gateway: number) => (await told(gateway)).notice?.text === notice.notice;
  expect(await until(() => everywhere(isTold), EFFECT_MS_MAX)).toBe(true);

  await shop.kill('gateway-1');
  await shop.restart('gateway-1');
  // There is room for two more, and there has been for seconds: nobody got a turn.
  for (const gateway of [0, 1]) {
    expect(await stats(gateway)).toMatchObject({
      state: 'paused',
      capacity: 3,
      admitPerMinute: 600,
      waiting: 2,
      ready: 0,
      admitted: 1,
      durable: false,
      unsavedChanges: 3,
      notice: { text: notice.notice },
    });
  }
  expect(await waiting!.poll()).toMatchObject({ state: 'waiting', position: 1, saleState: 'paused' });

  await own.start();
  await shop.restart('booking');
  const isDurable = async (gateway: number) => (await stats(gateway)).durable;
  expect(await until(() => everywhere(isDurable), HEAL_MS_MAX)).toBe(true);
  expect(await recorded(sale)).toEqual([
    'makeSale 1 organiser null 1 6000 false null',
    'pause 2 organiser the till is on fire 1 6000 true null',
    'patch 3 organiser null 3 600 true null',
    `patch 4 organiser null 3 600 true ${notice.notice}`,
  ]);

  expect((await organise(0, 'POST', `${sale}/resume`)).body).toMatchObject({ state: 'open', durable: true });
  const resumedAt = performance.now();
  expect(await waiting!.queueUp()).toBe('admitted');
  expect(performance.now() - resumedAt).toBeLessThan(HEAL_MS_MAX);
}, 120_000);

/** The changes of a sale as the books have them, in the order of their times. */
async function recorded(sale: string): Promise<string[]> {
  const sql = postgres(own.url, { max: 1 });
  try {
    const changes = await sql<{ line: string }[]>`
      select concat_ws(' ', action, version, by, coalesce(reason, 'null'), settings ->> 'capacity',
        settings ->> 'admitPerMinute', settings ->> 'paused', coalesce(settings #>> '{notice,text}', 'null')) as line
      from sale_change where sale = ${sale} order by at, version`;
    return changes.map(({ line }) => line);
  } finally {
    await sql.end();
  }
}

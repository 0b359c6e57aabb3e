import { Redis } from 'ioredis';
import type { Browser, BrowserContextOptions } from 'playwright-core';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { until } from '../local/processes.mjs';
import { chromePath, launchChrome } from '../testing/chrome.ts';
import { type Shop, startShop } from '../testing/shop.ts';
import { SOON_MS } from '../testing/soon.ts';
import { createFan, type Fan } from './fan.ts';
import { ask, bearer } from './http.ts';
import { openSale } from './organise.ts';

const JOURNEY_MS_MAX = 60_000;
/** Within a second everywhere; asking about it on a busy machine takes one more. */
const NOTICE_MS_MAX = 2_000;
/** On a page that is open. */
const PAGE_NOTICE_MS_MAX = 1_000;
const PAGE_MS_MAX = 15_000;

const hall = [
  { name: 'Stalls', rows: 2, seatsPerRow: 4 },
  { name: 'Balcony', rows: 1, seatsPerRow: 6 },
];
/** Half of it is a recovery. */
const GRACE_SECONDS = 20;
const presale = {
  capacity: 10,
  admitPerMinute: 6_000,
  sections: ['Stalls'],
  accessCodes: ['NIGHT-1', 'Night-2', 'night-3'],
};

let shop: Shop;
beforeAll(async () => {
  shop = await startShop({ gateways: 2 });
});
afterAll(() => shop?.stop());

const fanWith = (sale: string, key: string, accessCode: string): Fan =>
  createFan(shop.gatewayUrls, sale, key, Date.now() + JOURNEY_MS_MAX, { accessCode });

const join = (sale: string, json: object) =>
  ask('POST', `${shop.gatewayUrls[1]}/api/sales/${sale}/queue`, { json });

test('a fan of the presale gets in by a code, and seats of its sections only, chosen or best available', async () => {
  const sale = await openSale(shop, hall, presale);
  expect(await join(sale, {})).toMatchObject({ status: 403, body: { code: 'forbidden' } });
  expect(await join(sale, { accessCode: 'night-9' })).toMatchObject({ status: 403 });
  const ada = fanWith(sale, 'ada', 'night-1');
  await ada.join();
  expect(await ada.queueUp()).toBe('admitted');

  const { body } = await ada.shop<{ seats: { section: string }[] }>('GET', '/seats?status=open&limit=100');
  expect(new Set(body.seats.map(({ section }) => section))).toEqual(new Set(['Stalls']));
  for (const outside of [
    { seats: ['Balcony-1-1'] },
    { seats: ['Stalls-1-1', 'Balcony-1-1'] },
    { best: { quantity: 1, section: 'Balcony' } },
  ]) {
    const refused = await ada.shop('POST', '/holds', outside);
    expect([refused.status, refused.body.code]).toEqual([422, 'invalid-field']);
  }
  const held = await ada.shop<{ hold: string; seats: { seat: string }[] }>('POST', '/holds', {
    best: { quantity: 4 },
  });
  expect(held.body.seats.every(({ seat }) => seat.startsWith('Stalls-'))).toBe(true);
  // The dearest section is not the point: when the stalls are gone, best available does not wander into the balcony.
  const ben = fanWith(sale, 'ben', 'NIGHT-2');
  await ben.join();
  await ben.queueUp();
  // Cleo is in before: nobody is let in while all seats are held.
  const cleo = fanWith(sale, 'cleo', 'night-3');
  await cleo.join();
  await cleo.queueUp();
  expect((await ben.shop('POST', '/holds', { best: { quantity: 4 } })).status).toBe(201);
  expect(await cleo.shop('POST', '/holds', { best: { quantity: 1 } })).toMatchObject({
    status: 409,
    body: { code: 'seats-taken' },
  });
});

test('codes are told to nobody, and are back when Redis has lost everything', async () => {
  const sale = await openSale(shop, hall, { ...presale, graceSeconds: GRACE_SECONDS });
  const [gateway] = shop.gatewayUrls;
  const headers = bearer(shop.organiserKey);
  const answers = await Promise.all([
    ask('GET', `${gateway}/api/sales/${sale}`),
    ask('GET', `${gateway}/sales/${sale}`),
    ask('GET', `${gateway}/api/organiser/sales`, { headers }),
    ask('GET', `${gateway}/api/organiser/sales/${sale}`, { headers }),
    ask('GET', `${gateway}/api/organiser/sales/${sale}/audit`, { headers }),
    ask('POST', `${gateway}/api/organiser/sales/${sale}/pause`, { headers }),
    ask('POST', `${gateway}/api/organiser/sales/${sale}/resume`, { headers }),
    ask('GET', `${gateway}/openapi.json`),
  ]);
  for (const answer of answers) {
    expect(answer.status).toBe(200);
    expect(JSON.stringify(answer.body)).not.toMatch(/night-\d/i);
  }
  expect(answers[0]?.body).toMatchObject({ accessCodeNeeded: true });
  expect(answers[3]?.body).toMatchObject({ accessCodeUses: 1 });
  const sql = postgres(shop.databaseUrl, { max: 1 });
  const durable = await sql`
    select (select array_agg(code order by code) from access_code where sale = ${sale}) as codes,
      (select string_agg(settings::text, '') from sale_change where sale = ${sale}) as settings`;
  await sql.end();
  expect(durable[0]).toMatchObject({
    codes: ['night-1', 'night-2', 'night-3'],
    settings: expect.not.stringMatching(/night|accessCode/),
  });

  const redis = new Redis(shop.redisUrl);
  await redis.flushdb();
  redis.disconnect();
  const isBack = async () =>
    (await ask('GET', `${gateway}/api/organiser/sales/${sale}`, { headers })).status === 200;
  expect(await until(isBack, SOON_MS)).toBe(true);
  // While places are brought back nobody gets a new one, with or without a code.
  const isRecovered = async () => (await join(sale, {})).status !== 503;
  expect(await until(isRecovered, GRACE_SECONDS * 1000)).toBe(true);
  expect(await join(sale, {})).toMatchObject({ status: 403 });
  expect(await join(sale, { accessCode: 'NIGHT-9' })).toMatchObject({ status: 403 });
  expect(await join(sale, { accessCode: 'NIGHT-3' })).toMatchObject({ status: 201 });
});

describe.skipIf(!chromePath)('in a real browser', () => {
  let chrome: Browser;
  beforeAll(async () => {
    chrome = await launchChrome();
  });
  afterAll(() => chrome?.close());

  const visit = async (sale: string, options: BrowserContextOptions = {}) => {
    const context = await chrome.newContext({ viewport: { width: 390, height: 844 }, ...options });
    const page = await context.newPage();
    page.setDefaultTimeout(PAGE_MS_MAX);
    await page.goto(`${shop.gatewayUrls[0]}/sales/${sale}`);
    return { page, close: () => context.close() };
  };

  test.each([{ javaScriptEnabled: true }, { javaScriptEnabled: false }])(
    'the queue page asks for the code, says when it is wrong, and lets its owner in (%j)',
    async (options) => {
      const sale = await openSale(shop, hall, { ...presale, capacity: 1 });
      const inside = fanWith(sale, 'inside', 'night-1');
      await inside.join();
      await inside.queueUp();
      const { page, close } = await visit(sale, options);
      if (options.javaScriptEnabled) await page.getByRole('link', { name: 'Join the queue' }).click();
      await page.waitForURL(/\/place\??$/);
      const field = page.getByLabel('Your access code');
      await field.fill('NIGHT-9');
      await page.getByRole('button', { name: 'Join the queue' }).click();
      expect(await page.getByRole('alert').innerText()).toBe('This access code is not valid for this sale.');
      expect(await field.inputValue()).toBe('NIGHT-9');
      expect(await field.getAttribute('aria-invalid')).toBe('true');
      await field.fill('night-2');
      await page.getByRole('button', { name: 'Join the queue' }).click();
      await page.getByText('Position: 1').waitFor();
      expect(page.url()).toMatch(/\/sales\/[^/]+\/place$/);
      await close();
    },
  );

  test('a message of the organiser comes to a page that is open, with its time, and goes again', async () => {
    const sale = await openSale(shop, hall, { capacity: 1, admitPerMinute: 6_000 });
    const inside = createFan(shop.gatewayUrls, sale, 'inside', Date.now() + JOURNEY_MS_MAX);
    await inside.join();
    await inside.queueUp();
    const { page, close } = await visit(sale);
    await page.getByRole('button', { name: 'Join the queue' }).click();
    const notice = page.getByRole('status').first();
    await page.getByText('Position: 1').waitFor();
    expect(await notice.innerText()).toBe('');

    const tell = async (version: number, text: string | null) => {
      const answer = await ask('PATCH', `${shop.gatewayUrls[1]}/api/organiser/sales/${sale}`, {
        headers: bearer(shop.organiserKey),
        json: { version, notice: text },
      });
      expect(answer.status).toBe(200);
    };
    await tell(1, 'A fire alarm. <b>Your place is kept.</b>');
    await notice.getByText('A fire alarm. <b>Your place is kept.</b>').waitFor();
    expect(await notice.innerText()).toMatch(/The organiser, \d+:\d\d:\d\d/);
    await tell(2, null);
    await expect.poll(() => notice.innerText(), { timeout: PAGE_NOTICE_MS_MAX }).toBe('');
    await close();
  });
});

test('a notice is in the status and on the page of every gateway within a second', async () => {
  const sale = await openSale(shop, hall, {
    capacity: 1,
    admitPerMinute: 60,
    // A sale at rest: its snapshots are renewed less often.
    opensAt: new Date(Date.now() + 3_600_000).toISOString(),
  });
  const shows = async (text: string) => {
    const told = await Promise.all(
      shop.gatewayUrls.flatMap((gateway) => [
        ask('GET', `${gateway}/api/sales/${sale}`),
        ask('GET', `${gateway}/sales/${sale}`),
      ]),
    );
    return told.every(({ body }) => JSON.stringify(body).includes(text));
  };
  expect(await until(() => shows('Harbour Hall'), SOON_MS)).toBe(true);
  await ask('PATCH', `${shop.gatewayUrls[0]}/api/organiser/sales/${sale}`, {
    headers: bearer(shop.organiserKey),
    json: { version: 1, notice: 'Doors at seven' },
  });
  expect(await until(() => shows('Doors at seven'), NOTICE_MS_MAX)).toBe(true);
});

import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Redis } from 'ioredis';
import postgres from 'postgres';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { CLOCK_TOLERANCE_SECONDS, PAYMENT_EXTENSION_SECONDS } from '#shared/internal.ts';
import { saleKey } from '../../gateway/redis/keys.ts';
import { type Shop, startShop } from '../testing/shop.ts';
import { bothChecks } from '../verify/both/checks.ts';
import { openStores, type Stores, type Verdict, verify } from '../verify/verify.ts';
import { createFan } from './fan.ts';
import { ask, bearer } from './http.ts';
import { openSale } from './organise.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const FANS = 80;
const CAPACITY = 12;
const ADMISSION_SECONDS = 600;
const SALE_MS_MAX = 60_000;
/** Shorter than the shop's own: what is owed longer in a healthy shop on a busy machine would show. */
const PATIENCE_MS = 30_000;
const hall = [{ name: 'A', rows: 10, seatsPerRow: 10 }];

let shop: Shop;
let stores: Stores;
let sql: postgres.Sql;
let redis: Redis;
let sale: string;
beforeAll(async () => {
  shop = await startShop();
  stores = await openStores(shop);
  sql = postgres(shop.databaseUrl, { max: 1 });
  redis = new Redis(shop.redisUrl);
  sale = await openSale(shop, hall, {
    capacity: CAPACITY,
    admitPerMinute: 60_000,
    seatsPerFan: 2,
    claimSeconds: 2,
    admissionSeconds: ADMISSION_SECONDS,
  });
});
afterAll(async () => {
  await stores?.close();
  await sql?.end();
  redis?.disconnect();
  await shop?.stop();
});

const said = ({ results }: Verdict) =>
  Object.fromEntries(
    results.flatMap(({ name, findings }) =>
      findings.length > 0 ? [[name, findings.map(({ text }) => text)]] : [],
    ),
  );

/** Some buy, some leave at every step, some go without a word. */
async function fanGoes(i: number): Promise<void> {
  const fan = createFan(shop.gatewayUrls, sale, `fan-${i}`, Date.now() + SALE_MS_MAX);
  await fan.join();
  if (i % 10 === 3) return fan.leave();
  if (i % 10 === 4) return;
  if ((await fan.queueUp()) !== 'admitted') return;
  if (i % 10 === 5) return fan.leave();
  const held = await fan.shop<{ hold: string }>('POST', '/holds', { best: { quantity: 1 } });
  expect(held.status).toBe(201);
  const buyer = { name: `Fan ${i}`, email: `fan-${i}@example.org` };
  const payment = { token: i % 10 === 6 ? 'tok_declined' : 'tok_ok' };
  const paid = await fan.shop('POST', '/orders', { hold: held.body.hold, buyer, payment }, 'pay');
  expect(paid.status).toBe(i % 10 === 6 ? 402 : 201);
  if (paid.status === 402) await fan.leave();
}

test('a busy, healthy shop gives no false alarm, whenever it is looked at', async () => {
  let isOver = false;
  const looks: Verdict[] = [];
  const looking = (async () => {
    while (!isOver) looks.push(await verify(stores, { patienceMs: PATIENCE_MS }));
  })();
  const organiser = (async () => {
    for (const command of ['pause', 'resume']) {
      const url = `${shop.gatewayUrls[0]}/api/organiser/sales/${sale}/${command}`;
      expect((await ask('POST', url, { headers: bearer(shop.organiserKey), json: {} })).status).toBe(200);
    }
    // What has members of its own is stored in another order of them.
    const [{ version }] = (await sql`select version from sale where id = ${sale}`) as [{ version: number }];
    const noticed = await ask('PATCH', `${shop.gatewayUrls[0]}/api/organiser/sales/${sale}`, {
      headers: bearer(shop.organiserKey),
      json: { version, notice: 'Doors open at eight.' },
    });
    expect(noticed.status).toBe(200);
  })();
  await Promise.all([organiser, ...Array.from({ length: FANS }, (_, i) => fanGoes(i))]);
  isOver = true;
  await looking;
  const last = await verify(stores, { patienceMs: PATIENCE_MS });
  for (const look of [...looks, last]) expect(said(look)).toEqual({});
  expect(looks.length).toBeGreaterThan(3);
  expect(last.looked).toMatchObject({ orders: expect.any(Number), entries: FANS, holds: expect.any(Number) });
  expect(last.looked.orders).toBeGreaterThan(FANS / 2);
}, 120_000);

/** Each makes the two stores disagree, and undoes it. */
const plants: Record<string, { plant: () => Promise<unknown>; undo: () => Promise<unknown> }> = {
  'sales-are-live-as-recorded': {
    plant: () => redis.hset(saleKey(sale, 'sale'), 'capacity', CAPACITY + 1),
    undo: () => redis.hset(saleKey(sale, 'sale'), 'capacity', CAPACITY),
  },
  'only-admitted-fans-shop': {
    plant: () =>
      sql`update hold set admission = 'x' || admission where sale = ${sale} and state = 'confirmed'`,
    undo: () =>
      sql`update hold set admission = substr(admission, 2) where sale = ${sale} and state = 'confirmed'`,
  },
  'who-bought-has-left-the-shop': {
    plant: () => changeBuyer((entry) => ({ ...entry, state: 'expired' })),
    undo: () => changeBuyer((entry) => ({ ...entry, state: 'finished' })),
  },
};

async function buyer(): Promise<string> {
  const [row] = await sql<
    { fan: string }[]
  >`select min(fan) as fan from ticket_order where state = 'confirmed'`;
  return row!.fan;
}

const buyersEntry = async () =>
  JSON.parse((await redis.hget(saleKey(sale, 'entries'), await buyer())) as string) as object;

async function changeBuyer(change: (entry: object) => object): Promise<void> {
  await redis.hset(saleKey(sale, 'entries'), await buyer(), JSON.stringify(change(await buyersEntry())));
}

test.each(Object.entries(plants))(
  'stores that disagree make one check speak: %s',
  async (name, { plant, undo }) => {
    await plant();
    try {
      expect(Object.keys(said(await verify(stores, { patienceMs: PATIENCE_MS })))).toEqual([name]);
    } finally {
      await undo();
    }
  },
);

test('who was in the shop when Redis lost data, and is brought to an end without a token, is no false alarm', async () => {
  const forget = (entry: object) => changeBuyer(() => ({ ...entry, jti: undefined }));
  const entry = await buyersEntry();
  try {
    await forget(entry);
    expect(Object.keys(said(await verify(stores, { patienceMs: PATIENCE_MS })))).toEqual([
      'only-admitted-fans-shop',
    ]);
    await redis.hset(saleKey(sale, 'queue'), 'lostAt', Date.now());
    expect(said(await verify(stores, { patienceMs: PATIENCE_MS }))).toEqual({});
  } finally {
    await redis.hdel(saleKey(sale, 'queue'), 'lostAt');
    await changeBuyer(() => entry);
  }
});

test('a loss of Redis excuses nobody who held or ordered when no admission from before it could be alive', async () => {
  const fan = await buyer();
  const entries = saleKey(sale, 'entries');
  const entry = (await redis.hget(entries, fan)) as string;
  const [first] = await sql<{ heldAt: number; orderedAt: number }[]>`
    select (extract(epoch from min(hold.created_at)) * 1000)::float8 as "heldAt",
      (extract(epoch from min(ticket_order.created_at)) * 1000)::float8 as "orderedAt"
    from hold join ticket_order on ticket_order.hold = hold.id where hold.fan = ${fan}`;
  const { heldAt, orderedAt } = first as { heldAt: number; orderedAt: number };
  const lostAndSaid = async (lostAt: number) => {
    await redis.hset(saleKey(sale, 'queue'), 'lostAt', Math.round(lostAt));
    return Object.keys(said(await verify(stores, { patienceMs: PATIENCE_MS })));
  };
  const heldMs = (ADMISSION_SECONDS + CLOCK_TOLERANCE_SECONDS) * 1_000;
  const orderedMs = heldMs + PAYMENT_EXTENSION_SECONDS * 1_000;
  try {
    // As if the queue had never known this fan.
    await redis.hdel(entries, fan);
    const [afterwards, longAfterwards] = ['only-admitted-fans-shop', 'who-bought-has-left-the-shop'];
    expect(await lostAndSaid(heldAt - heldMs + 100)).not.toContain(afterwards);
    const late = await lostAndSaid(heldAt - heldMs - 100);
    expect(late).toContain(afterwards);
    expect(late).not.toContain(longAfterwards);
    expect(await lostAndSaid(orderedAt - orderedMs - 100)).toEqual(
      expect.arrayContaining([afterwards, longAfterwards]),
    );
  } finally {
    await redis.hdel(saleKey(sale, 'queue'), 'lostAt');
    await redis.hset(entries, fan, entry);
  }
});

test('every check of both stores has its planted fault', () => {
  expect(Object.keys(plants).sort()).toEqual(bothChecks.map(({ name }) => name).sort());
});

function runVerify(args: string[], env: Record<string, string>): Promise<{ code: number; output: string }> {
  const child = spawn(process.execPath, ['infra/verify.mjs', ...args], {
    cwd: root,
    env: { PATH: process.env.PATH, ...env },
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      output += chunk;
    });
  return new Promise((resolve) => child.once('close', (code) => resolve({ code: Number(code), output })));
}

test('the command ends with 0, with 1 and a breach explained, with 2 where there is no shop', async () => {
  const empty = await mkdtemp(join(tmpdir(), 'admit-one-verify-'));
  const env = { DATA_DIR: empty, DATABASE_URL: shop.databaseUrl, REDIS_URL: shop.redisUrl };
  try {
    expect(await runVerify([], env)).toMatchObject({
      code: 0,
      output: expect.stringContaining('Every promise is kept.'),
    });
    await sql`update seat set state = 2 where event = (select event from sale where id = ${sale}) and seat = 99`;
    const broken = await runVerify([], env);
    expect(broken.code).toBe(1);
    expect(broken.output).toMatch(/I1 is broken: every sold seat has a live ticket — 1 found/);
    expect(broken.output).toContain('Seat A-10-10 of event');
    const machine = await runVerify(['--json', '--sale', sale], env);
    expect(machine.code).toBe(1);
    expect(Object.keys(said(JSON.parse(machine.output)))).toEqual(['sold-seats-have-tickets']);

    expect(await runVerify([], { DATA_DIR: empty })).toMatchObject({
      code: 2,
      output: expect.stringContaining('start one with npm start'),
    });
    expect((await runVerify(['--nonsense'], env)).code).toBe(2);
    const away = { ...env, REDIS_URL: 'redis://127.0.0.1:9' };
    expect(await runVerify([], away)).toMatchObject({
      code: 2,
      output: expect.stringContaining('could not be looked at'),
    });
  } finally {
    await rm(empty, { recursive: true, force: true });
  }
});

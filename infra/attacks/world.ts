import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Redis } from 'ioredis';
import postgres from 'postgres';
import { createFan, type Fan } from '../journeys/fan.ts';
import { ask, bearer } from '../journeys/http.ts';
import { command, openSale } from '../journeys/organise.ts';
import { newSecrets } from '../local/secrets.mjs';
import { type Shop, startShop } from '../testing/shop.ts';
import { type CountingProxy, startCountingProxy } from './counting-proxy.ts';
import { type Forger, forgeTokens } from './forged-tokens.ts';

const SETTING_UP_MS_MAX = 30_000;
/** One ticket may ask five times a second: whoever is looked after that often has to be several. */
const WAITING_FANS = 8;

/** Of one address, before it is told to stop for long. */
export const WRONG_CREDENTIALS_MAX = 20;

export type ServiceName = 'gateway' | 'booking';

/** One shop under attack, with honest fans in it. */
export type World = {
  shop: Shop;
  proxy: CountingProxy;
  forger: Forger;
  /** Where forged tokens say that their keys are. */
  trap: { url: string; asked: () => number };
  portOf: (service: ServiceName) => number;
  /** The sale under attack, and another one. */
  sale: string;
  otherSale: string;
  /** An attacker has been let into the sale, and waits in the other one: what they hold by right. */
  /** `admissionCookie`: what the cookie carries, which is not the token, for a browser that does not say its name. */
  attacker: {
    queueTicket: string;
    admissionToken: string;
    admissionCookie: string;
    otherQueueTicket: string;
  };
  /** Throws unless the fans who wait and the one who shops are answered as if nothing were. */
  lookAfterHonestFans: () => Promise<void>;
  /** All that an attack could have written, by name. */
  whatIsWritten: () => Promise<Record<string, string>>;
  stop: () => Promise<void>;
};

export async function openWorld(): Promise<World> {
  const { SIGNING_KEYS } = newSecrets();
  let proxy: CountingProxy | undefined;
  const shop = await startShop({
    // As behind a proxy on this machine: whoever brings X-Forwarded-For has an address, and limits.
    env: {
      SIGNING_KEYS,
      TRUSTED_PROXIES: '127.0.0.1',
      RATE_LIMITS: `credentials=0.001/${WRONG_CREDENTIALS_MAX}`,
    },
    inFrontOfBooking: async (url) => {
      proxy = await startCountingProxy(url);
      return proxy.url;
    },
  });
  const passing = proxy as unknown as CountingProxy;
  const sql = postgres(shop.databaseUrl, { max: 1 });
  const redis = new Redis(shop.redisUrl);
  const settings = { capacity: 2, admitPerMinute: 6_000, admissionSeconds: 3_600 };
  const hall = [{ name: 'A', rows: 2, seatsPerRow: 10 }];
  const [sale, otherSale] = await Promise.all([
    openSale(shop, hall, settings),
    openSale(shop, hall, settings),
  ]);

  const fanOf = (of: string, name: string) =>
    createFan(shop.gatewayUrls, of, name, Date.now() + SETTING_UP_MS_MAX);
  const enter = async (fan: Fan) => {
    await fan.join();
    if ((await fan.queueUp()) !== 'admitted') throw new Error('not let in');
    return fan;
  };
  // Nobody has a turn there.
  await command(shop, otherSale, 'pause');
  const shopper = await enter(fanOf(sale, 'shopper'));
  const attacking = await enter(fanOf(sale, 'attacker'));
  const waiting: { url: string; ticket: string; position: number; queueNumber: number }[] = [];
  const joinBy = async (of: string, name: string) => {
    const { body } = await ask<{ queueTicket: string }>(
      'POST',
      `${shop.gatewayUrls[0]}/api/sales/${of}/queue`,
      {
        json: {},
        headers: { 'idempotency-key': name },
      },
    );
    return body.queueTicket;
  };
  for (let position = 1; position <= WAITING_FANS; position += 1) {
    waiting.push({
      url: `${shop.gatewayUrls[0]}/api/sales/${sale}/queue/me`,
      ticket: await joinBy(sale, `waiting-${position}`),
      position,
      queueNumber: position + 2,
    });
  }
  const attacker = {
    queueTicket: await joinBy(sale, 'attacker'),
    admissionToken: attacking.admissionToken(),
    admissionCookie: attacking.admissionCookie().slice(`admission-${sale}=`.length),
    otherQueueTicket: await joinBy(otherSale, 'attacker'),
  };

  const tables = (
    await sql<{ name: string }[]>`
      select table_name as name from information_schema.tables
      where table_schema = 'public' and table_type = 'BASE TABLE' order by 1`
  ).map(({ name }) => name);
  const readTables = tables
    .map(
      (name) =>
        `select '${name}' as name, count(*) || ' ' || coalesce(md5(string_agg(t::text, ',' order by t::text)), '') as digest from "${name}" t`,
    )
    .join(' union all ');
  let turn = 0;

  let asked = 0;
  const trap = createServer((_, response) => {
    asked += 1;
    response.end();
  });
  await once(trap.listen(0, '127.0.0.1'), 'listening');

  const stop = async () => {
    redis.disconnect();
    trap.close();
    await Promise.all([sql.end(), shop.stop()]);
    passing.close();
  };
  return {
    ...{ shop, proxy: passing, sale, otherSale, attacker, stop },
    forger: await forgeTokens(SIGNING_KEYS, sale),
    trap: { url: `http://127.0.0.1:${(trap.address() as AddressInfo).port}/keys`, asked: () => asked },
    portOf: (service) =>
      Number(new URL(service === 'gateway' ? String(shop.gatewayUrls[0]) : shop.bookingUrl).port),
    async lookAfterHonestFans() {
      const { url, ticket, position, queueNumber } = waiting[turn++ % WAITING_FANS] as (typeof waiting)[0];
      const [told, seen] = await Promise.all([
        ask('GET', url, { headers: bearer(ticket) }),
        shopper.shop<{ seats: unknown[] }>('GET', '/seats?status=open&limit=100'),
      ]);
      const { state, position: now, queueNumber: number } = told.body;
      const isAnswered =
        told.status === 200 && state === 'waiting' && now === position && number === queueNumber;
      if (!isAnswered) throw new Error(`a fan who waits is told ${told.status} ${JSON.stringify(told.body)}`);
      if (seen.status !== 200 || seen.body.seats.length !== 20)
        throw new Error(`a fan who shops is told ${seen.status} ${JSON.stringify(seen.body)}`);
      passing.take();
    },
    async whatIsWritten() {
      const [rows, keys] = await Promise.all([
        sql.unsafe<{ name: string; digest: string }[]>(readTables),
        readKeys(redis),
      ]);
      return { ...Object.fromEntries(rows.map(({ name, digest }) => [name, digest])), ...keys };
    },
  };
}

/** What the shop writes by itself, of fans who only wait: presence, measures, the pace of turns. */
const BY_ITSELF =
  /:stalled-check$|:(?:seen-\d|absent|scratch|measures|forecasts|turns|joins|queue|sale|holding-since|called)$|^admit-one:stock$|:(?:fact|asked)$/;

async function readKeys(redis: Redis): Promise<Record<string, string>> {
  const names = (await redis.keys('*')).filter((name) => !BY_ITSELF.test(name)).sort();
  const dumps = await Promise.all(names.map((name) => redis.dumpBuffer(name)));
  return Object.fromEntries(names.map((name, index) => [name, dumps[index]?.toString('base64') ?? '']));
}

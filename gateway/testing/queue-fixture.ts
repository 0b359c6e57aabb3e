import { createHash } from 'node:crypto';
import { Cluster } from 'ioredis';
import type { SaleDefinition } from '#shared/contract/sale.ts';
import { newId } from '#shared/ids.ts';
import { createLog } from '#shared/log.ts';
import { testRedis } from '../../infra/testing/stores.ts';
import { createDrawing, type Drawing } from '../lobby/draw.ts';
import { connectRedis, type RedisClient } from '../redis/client.ts';
import { saleKey } from '../redis/keys.ts';
import type { Store } from '../redis/script.ts';
import { putSale } from '../sale/live-sale.ts';

export const silentLog = createLog('test', 'silent');

/** A real Redis database and a clock that stands still until it is told to move. */
export type QueueFixture = {
  store: Store;
  redis: RedisClient;
  now: () => number;
  /** Moves the clock. */
  pass: (seconds: number) => void;
  /** A sale that is live, open since a minute unless told otherwise. */
  sale: (settings?: Partial<SaleDefinition>, accessCodes?: string[]) => Promise<string>;
  /** Goes on with the draw of a frozen lobby. */
  draw: (sale: string) => Promise<void>;
  /** Takes everything away that this Redis has. */
  empty: () => Promise<void>;
  /** The names of all keys of a sale, sorted. */
  keysOf: (sale: string) => Promise<string[]>;
  close: () => Promise<void>;
};

/** The id of an entry, as unlike others as real ones are, and always the same for the same name. */
export const entryOf = (name: string): string =>
  createHash('sha256').update(name).digest().subarray(0, 8).toString('base64url');

export const mastersOf = (redis: RedisClient): RedisClient[] =>
  redis instanceof Cluster ? redis.nodes('master') : [redis];

/** `redisUrl`: a server of the caller's own instead. */
export async function queueFixture(redisUrl?: string): Promise<QueueFixture> {
  const url = redisUrl ?? (await testRedis()).url;
  const redis = await connectRedis(url, silentLog);
  let nowMs = Date.parse('2026-06-01T10:00:00.000Z');
  const store: Store = { redis, time: () => nowMs };
  let drawing: Drawing | null = null;
  return {
    store,
    redis,
    now: () => nowMs,
    pass: (seconds) => {
      nowMs += Math.round(seconds * 1000);
    },
    async sale(settings = {}, accessCodes = []) {
      const definition = { ...definitionAt(nowMs), ...settings };
      await putSale(store, definition, accessCodes);
      return definition.sale;
    },
    empty: async () => {
      await Promise.all(mastersOf(redis).map((node) => node.flushdb()));
    },
    keysOf: async (sale) => {
      const keys = await Promise.all(mastersOf(redis).map((node) => node.keys(`admit-one:{${sale}}:*`)));
      return keys.flat().map(String).sort();
    },
    draw: (sale) => {
      drawing ??= createDrawing(store);
      return drawing.write(sale);
    },
    close: async () => {
      await drawing?.stop();
      redis.disconnect();
    },
  };
}

/** The same store; `after` is awaited after each script call, before the caller has its reply. */
export function afterEachCall({ redis, time }: Store, after: () => Promise<unknown>): Store {
  const watched = new Proxy(redis, {
    get(target, name) {
      const value = Reflect.get(target, name, target) as unknown;
      if (name !== 'call') return typeof value === 'function' ? value.bind(target) : value;
      return async (...args: [string, ...string[]]) => {
        const reply = await target.call(...args);
        await after();
        return reply;
      };
    },
  });
  return { redis: watched, time };
}

export const definitionAt = (nowMs: number): SaleDefinition => ({
  sale: newId(),
  event: newId(),
  name: 'General sale',
  opensAt: new Date(nowMs - 60_000).toISOString(),
  lobbyOpensAt: null,
  closesAt: null,
  capacity: 1_000,
  admitPerMinute: 60_000,
  seatsPerFan: 6,
  claimSeconds: 180,
  admissionSeconds: 600,
  holdSeconds: 300,
  graceSeconds: 900,
  adaptiveRate: { enabled: true, minPerMinute: null },
  beacon: null,
  beaconGiven: null,
  paused: false,
  closedAt: null,
  notice: null,
  sections: [{ name: 'A', price: { amount: 6_500, currency: 'EUR' }, seats: 100 }],
  accessCodeUses: null,
  createdAt: new Date(nowMs).toISOString(),
  version: 1,
});

/** How many entries are where, counted from the sets themselves: I13's right-hand side. */
export async function census(redis: RedisClient, sale: string) {
  const [waiting, ready, blocked, admitted, lobby, counters] = await Promise.all([
    redis.zcard(saleKey(sale, 'waiting')),
    redis.zcard(saleKey(sale, 'ready')),
    redis.zcard(saleKey(sale, 'blocked')),
    redis.zcard(saleKey(sale, 'admitted')),
    redis.zcard(saleKey(sale, 'lobby')),
    redis.hgetall(saleKey(sale, 'queue')),
  ]);
  const ended = Object.entries(counters)
    .filter(([name]) => name.startsWith('ended:'))
    .reduce((sum, [, n]) => sum + Number(n), 0);
  return { joined: Number(counters.joined ?? 0), lobby, waiting, ready: ready + blocked, admitted, ended };
}

import { Redis } from 'ioredis';
import { SaleDefinition, SaleRequest } from '#shared/contract/sale.ts';
import { newId } from '#shared/ids.ts';
import { createLog } from '#shared/log.ts';
import { takePlace } from '../../../gateway/queue/place.ts';
import { connectRedis, type RedisClient } from '../../../gateway/redis/client.ts';
import { saleKeys } from '../../../gateway/redis/keys.ts';
import type { Store } from '../../../gateway/redis/script.ts';
import { putSale } from '../../../gateway/sale/live-sale.ts';
import { entryOf } from './fans.ts';

const JOINS_AT_ONCE = 5_000;

export type OpenStore = Store & { redis: RedisClient };

export async function connectStore(redisUrl: string): Promise<OpenStore> {
  return { redis: await connectRedis(redisUrl, createLog('bench', 'error')), time: () => null };
}

/** A sale that has opened a minute ago. */
export async function openSale(store: Store, settings: Partial<SaleDefinition> = {}): Promise<string> {
  const now = Date.now();
  const at = (seconds: number) => new Date(now + seconds * 1000).toISOString();
  const request = SaleRequest.parse({
    name: 'General sale',
    opensAt: at(-60),
    capacity: 1,
    admitPerMinute: 1,
    claimSeconds: 3_600,
    graceSeconds: 86_400,
  });
  const definition = SaleDefinition.parse({
    ...request,
    sale: newId(),
    event: newId(),
    sections: [{ name: 'A', price: { amount: 6_500, currency: 'EUR' }, seats: 100_000 }],
    paused: false,
    closedAt: null,
    notice: null,
    accessCodeUses: null,
    createdAt: at(0),
    version: 1,
    ...settings,
  });
  await putSale(store, definition);
  return definition.sale;
}

/** Fans with the queue numbers 1 to `count` join, by the code that every join takes. */
export async function fill(store: Store, sale: string, count: number): Promise<void> {
  for (let number = 1; number <= count; number += JOINS_AT_ONCE) {
    const many = Math.min(JOINS_AT_ONCE, count - number + 1);
    const places = await Promise.all(
      Array.from({ length: many }, (_, i) =>
        takePlace(store, sale, { ticketEntry: null, keyEntry: entryOf(number + i) }),
      ),
    );
    places.forEach(({ entry }, i) => {
      if (entry.queueNumber !== number + i) throw new Error(`${number + i} joined as ${entry.queueNumber}`);
    });
  }
}

/** What Redis itself says that a sale's keys take, every element counted. */
export const bytesOfSale = (redisUrl: string, sale: string): Promise<number> =>
  patiently(redisUrl, async (redis) => {
    const sizes = await Promise.all(saleKeys(sale).map((key) => redis.memory('USAGE', key, 'SAMPLES', 0)));
    return sizes.reduce<number>((sum, bytes) => sum + (bytes ?? 0), 0);
  });

/** Over a connection without the gateways' deadline: what goes through a million elements takes longer. */
export async function patiently<Result>(
  redisUrl: string,
  work: (redis: Redis) => Promise<Result>,
): Promise<Result> {
  const redis = new Redis(redisUrl);
  try {
    return await work(redis);
  } finally {
    redis.disconnect();
  }
}

/** How often Redis has been asked by gateways so far, by whatever way a poll could ask. */
export async function scriptCalls(redis: RedisClient): Promise<number> {
  const stats = await redis.info('commandstats');
  return ['eval', 'evalsha', 'sismember'].reduce(
    (sum, name) => sum + Number(new RegExp(`cmdstat_${name}:calls=(\\d+)`).exec(stats)?.[1] ?? 0),
    0,
  );
}

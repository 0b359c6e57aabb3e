import { SaleDefinition, SaleRequest } from '#shared/contract/sale.ts';
import { newId } from '#shared/ids.ts';
import { createLog } from '#shared/log.ts';
import { takePlace } from '../../../gateway/queue/place.ts';
import { connectRedis, type RedisClient } from '../../../gateway/redis/client.ts';
import type { Store } from '../../../gateway/redis/script.ts';
import { putSale } from '../../../gateway/sale/live-sale.ts';
import { entryOf } from './fans.ts';

const JOINS_AT_ONCE = 5_000;

export async function connectStore(redisUrl: string): Promise<Store & { redis: RedisClient }> {
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
    createdAt: at(-120),
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

export async function usedMemory(redis: RedisClient): Promise<number> {
  return Number(/used_memory:(\d+)/.exec(await redis.info('memory'))?.[1]);
}

/** All commands that Redis has worked on so far. */
export async function commandsSoFar(redis: RedisClient): Promise<number> {
  return Number(/total_commands_processed:(\d+)/.exec(await redis.info('stats'))?.[1]);
}

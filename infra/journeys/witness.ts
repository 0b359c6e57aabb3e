import { every } from '#shared/every.ts';
import { connectToAll, isClusterUrl, openRedis } from '#shared/redis.ts';
import { saleKey } from '../../gateway/redis/keys.ts';

const LOOK_INTERVAL_MS = 15;
const RETRY_MS = 100;

export type Testimony = { looks: number; admittedMax: number; readyAndAdmittedMax: number; faults: string[] };

/**
 * Looks at the queue itself, many times a second, while nobody leaves it: those who wait must at every moment be the
 * last of all who joined, without a gap (a gap is somebody overtaken), and the shop must never hold more than it may.
 * Where a node of a cluster is lost it looks again when another has taken over.
 */
export async function watchQueue(redisUrl: string, sale: string, capacity: number) {
  const isCluster = isClusterUrl(redisUrl);
  const redis = openRedis(redisUrl, { lazyConnect: true, retryStrategy: () => RETRY_MS });
  redis.on('error', () => undefined); // said by the look that fails
  await connectToAll(redis);
  const seen: Testimony = { looks: 0, admittedMax: 0, readyAndAdmittedMax: 0, faults: [] };

  const stop = every(
    LOOK_INTERVAL_MS,
    async () => {
      const [[, numbers], [, admitted], [, ready], [, [last, overbooked]]] = (await redis
        .multi()
        .zrange(saleKey(sale, 'waiting'), '0', '-1', 'WITHSCORES')
        .zcard(saleKey(sale, 'admitted'))
        .zcard(saleKey(sale, 'ready'))
        .hmget(saleKey(sale, 'queue'), 'next', 'overbooked')
        .exec()) as [
        [null, string[]],
        [null, number],
        [null, number],
        [null, [string | null, string | null]],
      ];
      const waiting = numbers
        .flat()
        .filter((_, i) => i % 2 === 1)
        .map(Number);
      const first = Number(last ?? 0) - waiting.length + 1;
      const overtaken = waiting.findIndex((number, i) => number !== first + i);
      if (overtaken !== -1)
        seen.faults.push(`${waiting[overtaken]} waits while ${first + overtaken} does not`);
      if (admitted > capacity) seen.faults.push(`${admitted} admitted`);
      if (ready + admitted > capacity + Number(overbooked ?? 0))
        seen.faults.push(`${ready} ready and ${admitted} admitted`);
      seen.looks += 1;
      seen.admittedMax = Math.max(seen.admittedMax, admitted);
      seen.readyAndAdmittedMax = Math.max(seen.readyAndAdmittedMax, ready + admitted);
    },
    (error) => {
      if (!isCluster) seen.faults.push(String(error));
    },
  );
  return {
    async testify(): Promise<Testimony> {
      await stop();
      redis.disconnect();
      return seen;
    },
  };
}

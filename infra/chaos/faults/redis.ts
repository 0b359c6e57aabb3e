import { readdirSync, statSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import type { OwnRedis } from '../../testing/redis-server.ts';
import type { Fault } from '../fault.ts';
import { allOf, isUnnoticed, joinsAreRefused, placesAreServed, shoppingGoesOn } from '../meanwhile.ts';
import { redisOf } from '../shop.ts';

/** Half of the sales' graceSeconds (ARCHITECTURE.md, "Losing Redis"). */
export const RECOVERY_MS = 10_000;
/** What a Redis that starts takes besides. */
export const RESTART_MS = 2_000;
const LOST_MS = 2_000;

async function command<Result>(redis: OwnRedis, work: (client: Redis) => Promise<Result>): Promise<Result> {
  const client = new Redis(redis.url);
  try {
    return await work(client);
  } finally {
    client.disconnect();
  }
}

/** The file that it appends to. */
function appendedFile({ folder }: OwnRedis): string {
  const files = readdirSync(join(folder, 'appendonlydir')).filter((name) => name.endsWith('.incr.aof'));
  return join(folder, 'appendonlydir', String(files.sort().at(-1)));
}

export const redisFaults: Fault[] = [
  {
    name: 'Redis killed',
    of: 'stores',
    lastsMs: { short: 1_500, long: 8_000 },
    recoveryMs: RESTART_MS,
    inject: async (injecting) => {
      const redis = redisOf(injecting);
      await redis.kill();
      return redis.start;
    },
    meanwhile: allOf(joinsAreRefused, shoppingGoesOn),
  },
  {
    name: 'Redis killed, and its last two seconds lost',
    of: 'stores',
    lastsMs: { short: 500, long: 1_000 },
    recoveryMs: RECOVERY_MS + RESTART_MS,
    isLong: true,
    inject: async (injecting) => {
      const redis = redisOf(injecting);
      const file = appendedFile(redis);
      const { size } = statSync(file);
      await new Promise((resolve) => setTimeout(resolve, LOST_MS));
      await redis.kill();
      truncateSync(file, size);
      return redis.start;
    },
  },
  {
    name: 'Redis emptied',
    of: 'stores',
    lastsMs: { short: 0, long: 0 },
    recoveryMs: RECOVERY_MS,
    isLong: true,
    inject: async (injecting) => {
      const redis = redisOf(injecting);
      await command(redis, (client) => client.flushall());
      return async () => undefined;
    },
  },
  {
    name: 'Redis stopped',
    of: 'stores',
    lastsMs: { short: 3_000, long: 10_000 },
    inject: async (injecting) => {
      const redis = redisOf(injecting);
      redis.freeze();
      return async () => redis.thaw();
    },
    meanwhile: allOf(joinsAreRefused, shoppingGoesOn),
  },
  {
    name: 'Redis forgets its scripts',
    of: 'stores',
    lastsMs: { short: 1_000, long: 3_000 },
    inject: async (injecting) => {
      const redis = redisOf(injecting);
      await command(redis, (client) => client.script('FLUSH'));
      return async () => undefined;
    },
    meanwhile: isUnnoticed,
  },
  {
    name: 'Redis full',
    of: 'stores',
    lastsMs: { short: 3_000, long: 8_000 },
    inject: async (injecting) => {
      const redis = redisOf(injecting);
      await command(redis, (client) => client.config('SET', 'maxmemory', '1mb'));
      return () => command(redis, (client) => client.config('SET', 'maxmemory', '0'));
    },
    meanwhile: allOf(joinsAreRefused, placesAreServed),
  },
];

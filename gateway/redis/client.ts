import type { Log } from '#shared/log.ts';
import { connectToAll, openRedis, type RedisClient } from '#shared/redis.ts';

/** Joins must be answered within 600 ms even when Redis is away, so a command may take no longer than this. */
const COMMAND_TIMEOUT_MS = 500;
const CONNECT_TIMEOUT_MS = 2_000;
const RECONNECT_DELAY_MS_MAX = 500;

export type { RedisClient };

/**
 * A connection that fails fast: no queue while Redis is away, no resending after a cut (a script could run twice), a
 * deadline on every command. `url` may name a cluster.
 */
export async function connectRedis(url: string, log: Log): Promise<RedisClient> {
  const redis = openRedis(url, {
    lazyConnect: true,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    commandTimeout: COMMAND_TIMEOUT_MS,
    connectTimeout: CONNECT_TIMEOUT_MS,
    retryStrategy: (attempt) => Math.min(RECONNECT_DELAY_MS_MAX, 50 * attempt),
  });
  redis.on('error', (error) => log.warn({ err: error }, 'Redis is away'));
  redis.on('ready', () => log.info('Redis is ready'));
  // A gateway that starts while Redis is away waits for it, serves what needs none, and says so at /readyz.
  await connectToAll(redis).catch(() => undefined);
  return redis;
}

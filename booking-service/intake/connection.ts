import type { Cluster, Redis, RedisOptions } from 'ioredis';
import type { Log } from '#shared/log.ts';
import { openRedis } from '#shared/redis.ts';

/** The jobs' queue; the braces keep all its keys in one slot of a Redis Cluster. */
export const ORDER_JOBS = { name: 'orders', prefix: '{admit-one-jobs}' } as const;

/** What a job may take no longer than, for whoever must not wait for Redis. */
const COMMAND_TIMEOUT_MS = 400;
const CONNECT_TIMEOUT_MS = 2_000;
const RECONNECT_DELAY_MS_MAX = 500;

export type JobsConnection = Redis | Cluster;

const common = {
  connectTimeout: CONNECT_TIMEOUT_MS,
  retryStrategy: (attempt: number) => Math.min(RECONNECT_DELAY_MS_MAX, 50 * attempt),
  // BullMQ reads replies as RESP2 writes them.
  protocol: 2,
} as const satisfies RedisOptions;

/** A connection that fails at once while Redis is away or hangs: what was not said then is made up for elsewhere. */
export const connectFailingFast = (url: string, log: Log): JobsConnection =>
  reporting(
    openRedis(url, {
      ...common,
      enableOfflineQueue: false,
      autoResendUnfulfilledCommands: false,
      maxRetriesPerRequest: 0,
      commandTimeout: COMMAND_TIMEOUT_MS,
    }),
    log,
  );

/** A connection that waits for Redis however long it is away, as BullMQ's workers need it. */
export const connectWaiting = (url: string, log: Log): JobsConnection =>
  reporting(openRedis(url, { ...common, maxRetriesPerRequest: null }), log);

/** Says when Redis goes and comes back, not each attempt in between. */
function reporting(redis: JobsConnection, log: Log): JobsConnection {
  let isAway = false;
  redis.on('error', (error) => {
    if (!isAway) log.warn({ err: error }, 'Redis is away');
    isAway = true;
  });
  redis.on('ready', () => {
    isAway = false;
  });
  return redis;
}

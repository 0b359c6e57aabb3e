import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { Cluster, Redis, type RedisCommander, type RedisOptions } from 'ioredis';

/** One server, or a cluster of them, spoken to in the same way. */
export type RedisClient = RedisCommander &
  Pick<Redis, 'disconnect' | 'connect' | 'multi'> & { readonly status: string };

type Options = Pick<
  RedisOptions,
  | 'lazyConnect'
  | 'enableOfflineQueue'
  | 'autoResendUnfulfilledCommands'
  | 'maxRetriesPerRequest'
  | 'commandTimeout'
  | 'connectTimeout'
  | 'retryStrategy'
  | 'protocol'
>;

/**
 * A node that has taken over is found so soon, or a timeout later where one is asked that does not answer: with a command that is
 * under way, before it gives a number or a turn (SETTLE_MS in gateway/redis/prelude/epochs.lua).
 */
const SLOTS_REFRESH_INTERVAL_MS = 500;
const SLOTS_REFRESH_TIMEOUT_MS = 500;
const REDIRECTIONS_MAX = 3;
const NODE_READY_TIMEOUT_MS = 2_000;
const CLUSTER_READY_TIMEOUT_MS = 5_000;
/** ioredis would ask a Redis that reads its file again when that itself thinks to be ready, at most in 10 s. */
const LOADING_LOOK_AGAIN_MS = 500;

/** REDIS_URL names a cluster by the URLs of several nodes, separated by commas, or by one with `?cluster`. */
export const isClusterUrl = (url: string): boolean =>
  urlsOf(url).length > 1 || new URL(url).searchParams.has('cluster');

/** A comma may stand in a password: only one before a URL separates. */
const urlsOf = (url: string): string[] => url.split(/,(?=rediss?:\/\/)/);

/**
 * A connection to the server or the cluster of REDIS_URL. A cluster's nodes share the credentials of the first URL; what is
 * sent to a node that has just gone fails like on one server, and is not sent again behind the caller's back.
 */
export function openRedis(url: string, options: Options): Redis | Cluster {
  const given = { ...options, maxLoadingRetryTime: LOADING_LOOK_AGAIN_MS };
  if (!isClusterUrl(url)) return new Redis(url, given as object);
  const nodes = urlsOf(url).map((text) => new URL(text));
  const [first] = nodes as [URL];
  const { lazyConnect, enableOfflineQueue, retryStrategy, ...redisOptions } = given;
  const cluster = new Cluster(
    nodes.map(({ hostname, port }) => ({
      host: hostname.replace(/^\[|\]$/g, ''),
      port: Number(port) || 6379,
    })),
    {
      ...(lazyConnect === undefined ? {} : { lazyConnect }),
      ...(enableOfflineQueue === undefined ? {} : { enableOfflineQueue }),
      clusterRetryStrategy: (attempt) => retryStrategy?.(attempt) ?? null,
      retryDelayOnFailover: 0,
      maxRedirections: REDIRECTIONS_MAX,
      slotsRefreshInterval: SLOTS_REFRESH_INTERVAL_MS,
      slotsRefreshTimeout: SLOTS_REFRESH_TIMEOUT_MS,
      redisOptions: {
        ...redisOptions,
        ...(first.username ? { username: decodeURIComponent(first.username) } : {}),
        ...(first.password ? { password: decodeURIComponent(first.password) } : {}),
        ...(first.protocol === 'rediss:' ? { tls: {} } : {}),
      },
    },
  );
  // A node is otherwise connected to by the first command, and whatever comes in the same moment is refused.
  cluster.on('+node', (node: Redis) => {
    // What fails is said by the cluster's own error event, and by the command that fails.
    if (node.status === 'wait') node.connect().catch(() => undefined);
  });
  letGoWhole(cluster);
  return cluster;
}

/**
 * ioredis goes on looking for nodes of a cluster that was let go while it looked for them, twice a second for ever, and keeps its
 * process from ending. Once it is over nobody looks any more.
 */
function letGoWhole(cluster: Cluster): void {
  const look = cluster.refreshSlotsCache.bind(cluster);
  cluster.refreshSlotsCache = (callback) => {
    if (cluster.status !== 'end') look(callback);
  };
}

/** The server, or every node of the cluster that is known at this moment, replicas too. */
export const nodesOf = (redis: RedisClient): RedisClient[] =>
  redis instanceof Cluster ? redis.nodes('all') : [redis];

/**
 * Resolves when the server, or every node of the cluster, can be spoken to. Rejects when it cannot be reached in time, as one that reads
 * its file for minutes.
 */
export async function connectToAll(redis: Redis | Cluster): Promise<void> {
  if (!(redis instanceof Cluster)) {
    await Promise.race([redis.connect(), late(NODE_READY_TIMEOUT_MS)]);
    return;
  }
  // Where the first look at a cluster fails and the next one does not, as when it has just formed, ioredis leaves its
  // promise open for ever.
  const isReady = once(redis, 'ready', { signal: AbortSignal.timeout(CLUSTER_READY_TIMEOUT_MS) });
  await Promise.race([redis.connect(), isReady]);
  const notReady = redis.nodes('all').filter((node) => node.status !== 'ready');
  await Promise.all(
    notReady.map((node) => once(node, 'ready', { signal: AbortSignal.timeout(NODE_READY_TIMEOUT_MS) })),
  );
}

async function late(ms: number): Promise<never> {
  await delay(ms, undefined, { ref: false });
  throw new Error(`Redis was not ready within ${ms} ms.`);
}

import { connect } from 'node:net';
import { join } from 'node:path';
import { LaunchError } from '../local/launch-error.mjs';
import { preparePostgres } from '../local/postgres.mjs';
import { timed } from '../local/progress.mjs';
import { prepareRedis } from '../local/redis.mjs';
import { prepareRedisCluster } from '../local/redis-cluster.mjs';
import { keepRunning } from './restarts.mjs';

export const POSTGRES_SETTINGS = { max_connections: 200 };
/** Of each master of a cluster. */
const REPLICAS = 1;
const CONNECT_TIMEOUT_MS = 5_000;
const DEFAULT_PORTS = { 'postgres:': 5432, 'postgresql:': 5432, 'redis:': 6379, 'rediss:': 6379 };

/** The URLs of PostgreSQL and Redis: the environment's, once something answers there, or our own servers'. */
export async function openStores({ roster, budget, giveUp, root, dataDir, env, redisCluster }) {
  const redisPlace = { roster, dataDir, binaries: join(dataDir, 'redis-server') };
  const keep = (what, start) => keepRunning({ roster, budget, what, start, giveUp });
  const [databaseUrl, redisUrl] = await Promise.all([
    env.DATABASE_URL
      ? answering('DATABASE_URL', env.DATABASE_URL)
      : timedStore(
          () => preparePostgres({ roster, root, dataDir, settings: POSTGRES_SETTINGS }),
          (postgres) => keep('PostgreSQL', postgres.start),
        ),
    env.REDIS_URL
      ? answering('REDIS_URL', env.REDIS_URL)
      : redisCluster
        ? timedStore(
            () => prepareRedisCluster({ ...redisPlace, replicas: REPLICAS }),
            async ({ nodes, form }) => {
              await Promise.all(nodes.map(({ what, start }) => keep(what, start)));
              await form();
            },
          )
        : timedStore(
            () => prepareRedis(redisPlace),
            (redis) => keep('Redis', redis.start),
          ),
  ]);
  return { databaseUrl, redisUrl };
}

async function timedStore(prepare, start) {
  const store = await timed(
    ({ title }) => `${title} ready`,
    async () => {
      const prepared = await prepare();
      await start(prepared);
      return prepared;
    },
  );
  return store.url;
}

/**
 * Found out here, a wrong address is one sentence; found out by the services, it is a page of retries. Of a cluster's nodes,
 * separated by commas, the first must answer.
 */
async function answering(variable, urls) {
  const [text] = urls.split(',');
  if (!URL.canParse(text)) throw new LaunchError(`${variable} is not a URL.`);
  const { hostname, port, protocol } = new URL(text);
  const address = { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port) || DEFAULT_PORTS[protocol] };
  if (!address.port) throw new LaunchError(`${variable} begins with ${protocol}, which is not understood.`);
  const failure = await connectFailure(address);
  if (failure) {
    throw new LaunchError(
      `Nothing answers at ${variable}, ${address.host} port ${address.port} (${failure}).`,
    );
  }
  return urls;
}

function connectFailure(address) {
  return new Promise((resolve) => {
    const socket = connect({ ...address, timeout: CONNECT_TIMEOUT_MS });
    const settle = (failure) => {
      socket.destroy();
      resolve(failure);
    };
    socket.once('connect', () => settle(null));
    socket.once('timeout', () => settle('timeout'));
    socket.once('error', (error) => settle(error.code));
  });
}

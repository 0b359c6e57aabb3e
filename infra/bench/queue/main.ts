import { resolve } from 'node:path';
import { ownRedisCluster } from '../../testing/redis-cluster.ts';
import { ownRedis } from '../../testing/redis-server.ts';
import { measureDraws } from '../draw/figures.ts';
import { holds, table } from '../figures.ts';
import { measureCluster } from './cluster.ts';
import { connectStore, fill, openSale } from './filled-queue.ts';
import { type GatewayProcess, startClient } from './processes.ts';
import { measureRedisWork } from './redis-work.ts';
import { FEW_SALES, FEW_WAITING, measureRequests } from './requests.ts';
import { ROUND_MS, ROUNDS, STREAMS, say, WAITING } from './settings.ts';
import { measureStreams } from './streams.ts';

/** `npm run bench:queue [-- cluster]`: resolves to the exit code, 1 when a figure does not hold. */
export async function main({ root, args }: { root: string; args: string[] }): Promise<number> {
  if (args.some((part) => part !== 'cluster')) {
    process.stderr.write('npm run bench:queue [-- cluster]\n');
    return 2;
  }
  const binaries = resolve(root, process.env.DATA_DIR || '.data', 'redis-server');
  return args.length > 0 ? compareWithCluster(binaries) : measureAll(binaries);
}

async function compareWithCluster(binaries: string): Promise<number> {
  const settings = { 'auto-aof-rewrite-percentage': 0 };
  const [redis, cluster] = await Promise.all([ownRedis(settings, binaries), ownRedisCluster(binaries)]);
  const client = startClient();
  try {
    const figures = await measureCluster({ one: redis.url, cluster: cluster.url }, client.child);
    say(table(figures));
    return figures.every(holds) ? 0 : 1;
  } finally {
    await client.stop();
    await Promise.all([redis.stop(), cluster.stop()]);
  }
}

async function measureAll(binaries: string): Promise<number> {
  // Rewriting the append-only file beside would be measured too: what is asked is what the queue itself costs.
  const settings = {
    'slowlog-log-slower-than': 0,
    'slowlog-max-len': 4_096,
    'auto-aof-rewrite-percentage': 0,
  };
  const redis = await ownRedis(settings, binaries);
  const client = startClient();
  const gateways: GatewayProcess[] = [];
  const store = await connectStore(redis.url);
  try {
    say(`The queue on this machine: ${WAITING} fans wait, ${ROUNDS} rounds of ${ROUND_MS / 1000} s each.`);
    const [large, joining] = [await openSale(store), await openSale(store)];
    await fill(store, large, WAITING);
    const small: string[] = [];
    for (let i = 0; i < FEW_SALES; i += 1) {
      const sale = await openSale(store);
      await fill(store, sale, FEW_WAITING);
      small.push(sale);
    }
    const bench = { store, redisUrl: redis.url, client: client.child, gateways, large, small, joining };
    const figures = [
      ...(await measureRequests(bench)),
      ...(await measureStreams(store, {
        redisUrl: redis.url,
        sale: large,
        streams: STREAMS,
        rounds: ROUNDS,
      })),
      ...(await measureRedisWork(store, redis.url, large)),
      ...(await measureDraws(redis.url, WAITING, ROUNDS)),
    ];
    say(table(figures));
    return figures.every(holds) ? 0 : 1;
  } finally {
    store.redis.disconnect();
    await Promise.all([client.stop(), ...gateways.map((gateway) => gateway.stop())]);
    await redis.stop();
  }
}

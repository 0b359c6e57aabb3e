import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type OwnPgbouncer, ownPgbouncer } from '../testing/pgbouncer-server.ts';
import { canMountDisks, type OwnPostgres, ownPostgres } from '../testing/postgres-server.ts';
import { startProxy, type TcpProxy } from '../testing/proxy.ts';
import { type OwnRedisCluster, ownRedisCluster } from '../testing/redis-cluster.ts';
import { type OwnRedis, ownRedis } from '../testing/redis-server.ts';
import { type ServiceName, type Services, startServices } from '../testing/services.ts';
import { type MailServer, startMailServer } from './mail-server.ts';

/** Few enough to be used up, more than the services take. */
const CONNECTIONS_MAX = 60;
/** Room for the books and their log many times over, and little to fill. */
const DISK_MB = 384;

/** A whole shop in which everything can be hurt, and every way from the services to anything else. */
export type ChaosShop = {
  services: Services;
  /** By name, in the order of their addresses. */
  gateways: ServiceName[];
  bookings: ServiceName[];
  database: OwnPostgres;
  /** Between the services and PostgreSQL, where it was asked for. */
  pooler: OwnPgbouncer | null;
  /** One Redis, or a cluster. */
  redis: { one: OwnRedis } | { cluster: OwnRedisCluster };
  redisUrl: string;
  mail: MailServer;
  ways: Record<'PostgreSQL' | 'Redis' | 'the booking services', TcpProxy[]>;
  /** Each service's own way to Redis. */
  waysToRedis: Map<ServiceName, TcpProxy>;
  stop: () => Promise<void>;
};

type Options = {
  gateways?: number;
  /** Where PgBouncer is, or is to be, if the services are to go by way of it. */
  pgbouncerBinaries?: string | null;
  onCluster?: boolean;
};

/** For faults of one Redis; on a cluster they are left out. */
export function redisOf({ redis }: Pick<ChaosShop, 'redis'>): OwnRedis {
  if ('one' in redis) return redis.one;
  throw new Error('This shop is on a Redis Cluster.');
}

/** The same the other way round. */
export function clusterOf({ redis }: Pick<ChaosShop, 'redis'>): OwnRedisCluster {
  if ('cluster' in redis) return redis.cluster;
  throw new Error('This shop is on one Redis.');
}

export async function startChaosShop(
  redisBinaries: string,
  { gateways = 2, pgbouncerBinaries = null, onCluster = false }: Options = {},
): Promise<ChaosShop> {
  const ends: (() => unknown)[] = [];
  let stopping: Promise<void> | null = null;
  // Whoever asks again waits for the same end: nothing may outlive the process that started it.
  const stop = () => {
    stopping ??= (async () => {
      for (const end of ends.splice(0).reverse()) await end();
    })();
    return stopping;
  };
  const wayTo = async (url: string) => {
    const proxy = await startProxy(url);
    ends.push(proxy.close);
    return proxy;
  };
  try {
    const dataDir = await mkdtemp(join(tmpdir(), 'admit-one-chaos-'));
    ends.push(() => rm(dataDir, { recursive: true, force: true }));
    const database = await ownPostgres({
      settings: { max_connections: CONNECTIONS_MAX, max_wal_size: '96MB' },
      ...(canMountDisks ? { diskMb: DISK_MB } : {}),
    });
    ends.push(database.stop);
    const redis = onCluster
      ? { cluster: await ownRedisCluster(redisBinaries) }
      : // Its file is only written on, so that it can be cut where it stood a moment ago.
        { one: await ownRedis({ 'auto-aof-rewrite-percentage': 0 }, redisBinaries) };
    const { url: redisUrl, stop: stopRedis } = 'one' in redis ? redis.one : redis.cluster;
    ends.push(stopRedis);
    const mail = await startMailServer();
    ends.push(mail.stop);
    const toPostgres = await wayTo(database.url);
    const pooler =
      pgbouncerBinaries === null ? null : await ownPgbouncer(toPostgres.url, { binaries: pgbouncerBinaries });
    if (pooler) ends.push(pooler.stop);
    const waysToRedis = new Map<ServiceName, TcpProxy>();
    const toBookings: TcpProxy[] = [];
    const services = await startServices(
      { databaseUrl: toPostgres.url, redisUrl, dataDir },
      {
        ...{ gateways, bookings: 2 },
        env: { SMTP_URL: mail.url, ...pooler?.env },
        // Behind a proxy nobody would find a cluster's nodes: they say themselves where they are.
        ...(onCluster
          ? {}
          : {
              inFrontOfRedis: async (name) => {
                const way = await wayTo(redisUrl);
                waysToRedis.set(name, way);
                return way.url;
              },
            }),
        inFrontOfBooking: async (url) => {
          const way = await wayTo(url);
          toBookings.push(way);
          return way.url;
        },
      },
    );
    ends.push(services.stop);
    const ways = {
      PostgreSQL: [toPostgres],
      Redis: [...waysToRedis.values()],
      'the booking services': toBookings,
    };
    const named = (start: string) => services.names.filter((name) => name.startsWith(start));
    const shop = { services, gateways: named('gateway'), bookings: named('booking') };
    return { ...shop, database, pooler, redis, redisUrl, mail, ways, waysToRedis, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

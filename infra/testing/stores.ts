import { randomBytes } from 'node:crypto';
import { Redis } from 'ioredis';
import postgres from 'postgres';
import { inject } from 'vitest';
import { TEMPLATE_DATABASE } from './global-setup.ts';

const NAME_BYTES = 8;
/** How many database numbers the test Redis has (infra/test/main.mjs); 0 only counts the ones handed out. */
const REDIS_DATABASES = 4_096;

export type TestDatabase = { url: string; drop: () => Promise<void> };
export type TestRedis = { url: string; flush: () => Promise<void> };

/** A database of the caller's own, a clone of the migrated template. Safe in files that run side by side. */
export async function testDatabase(): Promise<TestDatabase> {
  const serverUrl = inject('postgresUrl');
  const name = `test_${randomBytes(NAME_BYTES).toString('hex')}`;
  await withServer(serverUrl, (sql) => sql`create database ${sql(name)} template ${sql(TEMPLATE_DATABASE)}`);
  const url = new URL(serverUrl);
  url.pathname = name;
  return {
    url: url.href,
    drop: () => withServer(serverUrl, (sql) => sql`drop database ${sql(name)} with (force)`),
  };
}

async function withServer(url: string, work: (sql: postgres.Sql) => Promise<unknown>): Promise<void> {
  const sql = postgres(url, { max: 1 });
  try {
    await work(sql);
  } finally {
    await sql.end();
  }
}

/**
 * A Redis database number of the caller's own, empty at first. Keys are apart; channels of publish/subscribe, memory
 * and server settings are shared by all numbers.
 */
export async function testRedis(): Promise<TestRedis> {
  const clusterUrl = process.env.TEST_REDIS_CLUSTER_URL;
  // A cluster has no database numbers: there the files run one after another (npm run test:cluster).
  if (clusterUrl) {
    const flush = () => flushCluster(clusterUrl);
    await flush();
    return { url: clusterUrl, flush };
  }
  const serverUrl = inject('redisUrl');
  const number = await withRedis(serverUrl, (redis) => redis.incr('databases-handed-out'));
  if (number >= REDIS_DATABASES) throw new Error(`The test Redis has only ${REDIS_DATABASES} databases.`);
  const url = new URL(serverUrl);
  url.pathname = String(number);
  return {
    url: url.href,
    flush: async () => {
      await withRedis(url.href, (redis) => redis.flushdb());
    },
  };
}

async function flushCluster(url: string): Promise<void> {
  await Promise.all(
    url.split(',').map((node) =>
      withRedis(node, async (redis) => {
        await redis.flushall();
      }),
    ),
  );
}

async function withRedis<T>(url: string, work: (redis: Redis) => Promise<T>): Promise<T> {
  const redis = new Redis(url);
  try {
    return await work(redis);
  } finally {
    redis.disconnect();
  }
}

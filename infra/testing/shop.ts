import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Services, type ServicesOptions, startServicesOn } from './services.ts';
import { testDatabase, testRedis } from './stores.ts';

export type { ServiceName } from './services.ts';

/** `stop` ends every process and removes the database and the folder. */
export type Shop = Services;

/** The whole shop as real processes on free ports, with a database, a Redis number and secrets of its own. */
export async function startShop(options: ServicesOptions = {}): Promise<Shop> {
  const [database, redis, dataDir] = await Promise.all([
    testDatabase(),
    testRedis(),
    mkdtemp(join(tmpdir(), 'admit-one-shop-')),
  ]);
  return startServicesOn(
    { databaseUrl: database.url, redisUrl: redis.url, dataDir },
    () => Promise.all([database.drop(), redis.flush(), rm(dataDir, { recursive: true, force: true })]),
    options,
  );
}

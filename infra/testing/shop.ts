import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Services, type ServicesOptions, startServices } from './services.ts';
import { testDatabase, testRedis } from './stores.ts';

export type { ServiceName } from './services.ts';

export type Shop = Omit<Services, 'stop'> & {
  /** Ends every process and removes the database and the folder. */
  stop: () => Promise<void>;
};

/** The whole shop as real processes on free ports, with a database, a Redis number and secrets of its own. */
export async function startShop(options: ServicesOptions = {}): Promise<Shop> {
  const [database, redis, dataDir] = await Promise.all([
    testDatabase(),
    testRedis(),
    mkdtemp(join(tmpdir(), 'admit-one-shop-')),
  ]);
  const removeStores = async () => {
    await Promise.all([database.drop(), redis.flush(), rm(dataDir, { recursive: true, force: true })]);
  };
  try {
    const stores = { databaseUrl: database.url, redisUrl: redis.url, dataDir };
    const services = await startServices(stores, options);
    return {
      ...services,
      stop: async () => {
        await services.stop();
        await removeStores();
      },
    };
  } catch (error) {
    await removeStores();
    throw error;
  }
}

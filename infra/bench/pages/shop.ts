import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { openSale } from '../../journeys/organise.ts';
import { ownPostgres } from '../../testing/postgres-server.ts';
import { ownRedis } from '../../testing/redis-server.ts';
import { type Services, startServicesOn } from '../../testing/services.ts';

/** The whole shop as real processes, with servers of its own. */
export async function startShop(root: string): Promise<Services> {
  const database = await ownPostgres();
  const redis = await ownRedis({}, resolve(root, process.env.DATA_DIR || '.data', 'redis-server'));
  const dataDir = await mkdtemp(join(tmpdir(), 'admit-one-bench-'));
  const removeStores = async () => {
    await redis.stop();
    await database.stop();
    await rm(dataDir, { recursive: true, force: true });
  };
  const stores = { databaseUrl: database.url, redisUrl: redis.url, dataDir };
  return startServicesOn(stores, removeStores, { worker: false });
}

export const SECTIONS = 20;
export const ROWS = 50;
export const SEATS_PER_ROW = 80;

/** A sale of a hall of 80,000 seats in twenty sections. */
export const openLargeHall = (shop: Services): Promise<string> =>
  openSale(
    shop,
    Array.from({ length: SECTIONS }, (_, i) => ({
      name: String.fromCharCode('A'.charCodeAt(0) + i),
      rows: ROWS,
      seatsPerRow: SEATS_PER_ROW,
    })),
    { capacity: 1_000, admitPerMinute: 60_000, seatsPerFan: 6 },
  );

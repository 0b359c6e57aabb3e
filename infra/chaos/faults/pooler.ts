import type { OwnPgbouncer } from '../../testing/pgbouncer-server.ts';
import { type Fault, orUndone } from '../fault.ts';
import type { ChaosShop } from '../shop.ts';

function poolerOf({ pooler }: ChaosShop): OwnPgbouncer {
  if (!pooler) throw new Error('This shop has no pooler.');
  return pooler;
}

/** Of a shop whose services reach PostgreSQL by way of a pooler. */
export const poolerFaults: Fault[] = [
  {
    name: 'PgBouncer killed',
    of: 'stores',
    lastsMs: { short: 1_000, long: 5_000 },
    inject: async (shop) => {
      const pooler = poolerOf(shop);
      await pooler.kill();
      return pooler.start;
    },
  },
  {
    name: 'PgBouncer killed while PostgreSQL is away',
    of: 'stores',
    lastsMs: { short: 1_000, long: 5_000 },
    inject: async (shop) => {
      const { database } = shop;
      const pooler = poolerOf(shop);
      const bringBack = async () => {
        if (!pooler.isRunning()) await pooler.start();
        if (!database.isRunning()) await database.start();
      };
      return orUndone(bringBack, async () => {
        await database.crash();
        await pooler.kill();
      });
    },
  },
];

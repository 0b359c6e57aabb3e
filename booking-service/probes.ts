import { Hono } from 'hono';
import { DRAINING } from '#shared/main.ts';
import { Problem } from '#shared/problem.ts';
import type { Db } from './db/client.ts';
import { isMigrated } from './db/migrate.ts';
import type { Inventory } from './inventory/inventory.ts';

/** Not ready when the inventory is older than this: the database has been away for long. */
const INVENTORY_AGE_MS_MAX = 10_000;

/** For whoever runs the service; they tell nothing and need no key. */
export function probeRoutes({
  db,
  inventory,
  isDraining,
}: {
  db: Db;
  inventory: Inventory;
  isDraining: () => boolean;
}): Hono {
  let migrated = false;
  return new Hono()
    .get('/livez', (c) => c.text('ok'))
    .get('/readyz', async (c) => {
      if (isDraining()) throw new Problem('unavailable', DRAINING);
      if (inventory.ageMs() > INVENTORY_AGE_MS_MAX) {
        throw new Problem('unavailable', 'The inventory is not loaded.');
      }
      migrated ||= await isMigrated(db);
      if (!migrated) throw new Problem('unavailable', 'The database is not migrated.');
      return c.text('ok');
    });
}

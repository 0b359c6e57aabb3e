import { afterAll, expect, test } from 'vitest';
import { systemClock } from '#shared/clock.ts';
import { createLog } from '#shared/log.ts';
import { createDb } from '../db/client.ts';
import { createInventory } from './inventory.ts';

const FIND_MS_MAX = 3_000;
const db = createDb('postgres://nobody@127.0.0.1:9/nothing', { applicationName: 'test', connections: 1 });
afterAll(() => db.close());

test('a sale that cannot be looked up is unavailable, not unknown, and nobody waits long to hear it', async () => {
  const inventory = createInventory({ db, clock: systemClock, log: createLog('test', 'silent') });
  const askedAt = performance.now();
  await expect(inventory.findSale('demo')).rejects.toMatchObject({ code: 'unavailable' });
  expect(performance.now() - askedAt).toBeLessThan(FIND_MS_MAX);
});

import { afterAll, beforeAll, expect, test } from 'vitest';
import { createDb } from '../../booking-service/db/client.ts';
import { mutateFunction } from '../../booking-service/testing/mutate.ts';
import { describe as describeVerdict } from '../soak/booking/report.ts';
import { type Soak, startSoak } from '../soak/booking/soak.ts';

/** `npm run soak:booking` goes on for minutes; this keeps it from rotting. */
const SECONDS = 15;
const SHORT_SECONDS = 5;
const SEED = 'the same every time';
const ALL_MS_MAX = 240_000;

let soak: Soak;
beforeAll(async () => {
  soak = await startSoak({ seed: SEED, redisBinaries: process.env.TEST_REDIS_BINARIES ?? '' });
});
afterAll(() => soak?.stop());

test(
  'fans, organisers, payments, expiries and crashes leave a shop that fits all that was answered',
  async () => {
    const verdict = await soak.run(SECONDS);
    expect(verdict.faults, describeVerdict(verdict)).toEqual([]);
    expect(verdict.disturbances.length).toBeGreaterThanOrEqual(2);
    const orders = [...verdict.books.orders.values()];
    expect(orders.filter(({ state }) => state === 'confirmed').length).toBeGreaterThan(5);
  },
  ALL_MS_MAX,
);

test(
  'the soak notices a hold that takes seats which others hold',
  async () => {
    const db = createDb(soak.databaseUrl, { applicationName: 'planting' });
    await mutateFunction(db, 'seat_is_open', 'and p_held_until <= clock_timestamp()', '');
    await db.close();
    const { faults } = await soak.run(SHORT_SECONDS);
    expect(faults.join('\n')).toContain('npm run verify (');
  },
  ALL_MS_MAX,
);

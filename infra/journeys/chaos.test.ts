import { afterAll, beforeAll, expect, test } from 'vitest';
import { risingPosition, startFaultyProxy } from '../../loadtest/testing/faulty-proxy.ts';
import { runCampaign } from '../chaos/campaign.ts';
import type { Fault } from '../chaos/fault.ts';
import { allFaults } from '../chaos/faults/all.ts';
import { describe as describeVerdict } from '../chaos/report.ts';
import { type ChaosShop, startChaosShop } from '../chaos/shop.ts';
import { ownSession } from '../testing/own-session.ts';

/** `npm run chaos` goes on for minutes, with every fault; this keeps it from rotting. */
const FAULTS = 3;
/** More than have room, so that most of them wait. */
const FANS = 70;
const ALL_MS_MAX = 240_000;
/** The same each time: others are for the campaign, and for SEED=… npm test -- infra/journeys/chaos. */
const SEED = process.env.SEED ?? '7';

let shop: ChaosShop;
beforeAll(async () => {
  shop = await startChaosShop(process.env.TEST_REDIS_BINARIES ?? '');
});
afterAll(() => shop?.stop());

test(
  'a shop that is hurt again and again keeps its promises, and turns flow again each time',
  async () => {
    const faults = allFaults.filter(({ isLong }) => !isLong);
    const goesOn = (injected: number) => injected < FAULTS;
    const verdict = await runCampaign(shop, { seed: SEED, fans: FANS, faults, form: 'short', goesOn });
    expect(verdict.breaches, describeVerdict(verdict, faults, `SEED=${SEED}`)).toEqual([]);
    expect(verdict.injected).toHaveLength(FAULTS);
    expect(verdict.orders).toBeGreaterThan(5);
  },
  ALL_MS_MAX,
);

/** Somebody calls an open seat sold. */
const seatChanged: Fault = {
  name: 'an open seat called sold',
  of: 'stores',
  lastsMs: { short: 0, long: 0 },
  inject: async ({ database, world }) => {
    const sql = ownSession(database);
    const { event } = world.houses[0] as { event: string };
    await sql`
      update seat set state = 2 where event = ${event} and seat = (select max(seat) from seat where event = ${event})`;
    await sql.end({ timeout: 1 });
    return async () => undefined;
  },
};

test(
  'a row that is changed in the books and an answer that is falsified on its way are breaches',
  async () => {
    const proxies = await Promise.all(
      shop.services.gatewayUrls.map((url) => startFaultyProxy(url, risingPosition())),
    );
    const services = { ...shop.services, gatewayUrls: proxies.map(({ url }) => url) };
    const goesOn = (injected: number) => injected < 1;
    const planted = { seed: SEED, fans: FANS, faults: [seatChanged], form: 'short', goesOn } as const;
    const { breaches } = await runCampaign({ ...shop, services }, planted);
    await Promise.all(proxies.map(({ stop }) => stop()));
    const said = breaches.join('\n');
    expect(said).toContain('npm run verify (sold-seats-have-tickets)');
    expect(said).toMatch(/position-rises: .* was told position \d+ and then 1\d\d/);
  },
  ALL_MS_MAX,
);

import { afterAll, beforeAll, expect, test } from 'vitest';
import { connectToAll, openRedis } from '#shared/redis.ts';
import { saleKey } from '../../gateway/redis/keys.ts';
import { runCampaign } from '../chaos/campaign.ts';
import { clusterFaults } from '../chaos/faults/cluster.ts';
import { describe } from '../chaos/report.ts';
import { type ChaosShop, clusterOf, startChaosShop } from '../chaos/shop.ts';
import { createFan } from './fan.ts';
import { openSale } from './organise.ts';

/** A part of `npm run test:cluster`; all of them in `npm run chaos -- --cluster`. */
const FAULTS = [
  'a Redis master killed behind whose back its replica lagged',
  ...['a Redis master killed', 'a Redis master frozen', 'a Redis replica killed'],
];
const FANS = 40;
const ALL_MS_MAX = 240_000;
const SEED = process.env.SEED ?? '7';

let shop: ChaosShop;
beforeAll(async () => {
  shop = await startChaosShop(process.env.TEST_REDIS_BINARIES ?? '', { onCluster: true });
});
afterAll(() => shop?.stop());

test(
  'the loss of any node of a Redis Cluster breaks no promise, not even where what was acknowledged is lost',
  async () => {
    const faults = clusterFaults.filter(({ name }) => FAULTS.includes(name));
    const goesOn = () => true;
    const campaign = { seed: SEED, fans: FANS, faults, form: 'short', times: 1, goesOn } as const;
    const verdict = await runCampaign(shop, campaign);
    expect(verdict.breaches, describe(verdict, clusterFaults, `SEED=${SEED}`)).toEqual([]);
    expect(verdict.injected.map(({ fault }) => fault.name).sort()).toEqual([...FAULTS].sort());
    expect(verdict.orders).toBeGreaterThan(5);
    console.log(describe(verdict, clusterFaults, `SEED=${SEED}`));
    // Something was lost, and noticed: the loss of nothing would prove nothing.
    const redis = openRedis(shop.redisUrl, { lazyConnect: true });
    await connectToAll(redis);
    const sales = [...new Set(verdict.asked.map(({ sale }) => sale))];
    const epochs = await Promise.all(sales.map((sale) => redis.hget(saleKey(sale, 'queue'), 'epoch')));
    redis.disconnect();
    expect(Math.max(...epochs.map(Number))).toBeGreaterThan(1);
  },
  ALL_MS_MAX,
);

/** I14. */
const TURNS_MS_MAX = 10_000;
const SALES_MAX = 20;
const hall = [{ name: 'A', rows: 10, seatsPerRow: 10 }];
const ASK_EVERY_MS = 200;
/** A poll or two, a claim, and what a busy machine takes. */
const BESIDE_MS_MAX = 3_000;

test('the sales of other masters go on as if nothing were, and those of a lost one within ten seconds, although it stays away', async () => {
  const cluster = clusterOf(shop);
  const { services } = shop;
  const settings = { capacity: 100, admitPerMinute: 60_000, graceSeconds: 20 };
  const hit = await openSale(services, hall, settings);
  const { master } = await cluster.pairOf(hit);
  let other = hit;
  for (let sales = 1; sales < SALES_MAX && (await cluster.pairOf(other)).master === master; sales += 1)
    other = await openSale(services, hall, settings);

  let fans = 0;
  /** A fan joins, is let in and goes; how long that took. */
  const letInOne = async (sale: string): Promise<number> => {
    const startedAt = performance.now();
    fans += 1;
    const key = `one-by-one-${fans}`;
    const fan = createFan(services.gatewayUrls, sale, key, Date.now() + 3 * TURNS_MS_MAX);
    await fan.join();
    expect(await fan.queueUp()).toBe('admitted');
    await fan.leave();
    return Math.round(performance.now() - startedAt);
  };
  await letInOne(hit);
  // Its replica has it all: what else is lost makes a recovery, which is another matter.
  await new Promise((resolve) => setTimeout(resolve, ASK_EVERY_MS));

  let isOver = false;
  const beside = (async () => {
    const took: number[] = [];
    while (!isOver) {
      took.push(await letInOne(other));
      await new Promise((resolve) => setTimeout(resolve, ASK_EVERY_MS));
    }
    return took;
  })();
  await master.kill();
  const awayMs = await letInOne(hit);
  isOver = true;
  const slowest = Math.max(...(await beside));
  console.log(
    `turns ${awayMs} ms after the loss of a master; the slowest of another's meanwhile took ${slowest} ms`,
  );
  expect(awayMs).toBeLessThan(TURNS_MS_MAX);
  expect(slowest).toBeLessThan(BESIDE_MS_MAX);
  await master.start();
  await cluster.whole();
}, 120_000);

import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { SaleSettings } from '#shared/contract/sale.ts';
import { newSecrets } from '../../infra/local/secrets.mjs';
import { claimTurn, finishAdmission } from '../admission/admission.ts';
import { loadSigningKeys, type SigningKeys } from '../admission/signing-keys.ts';
import { giveTurns } from '../admission/turn-giver.ts';
import { readSaleStats } from '../organiser/stats.ts';
import { saleKey } from '../redis/keys.ts';
import { changeSale } from '../sale/live-sale.ts';
import { type QueueFixture, queueFixture } from '../testing/queue-fixture.ts';
import { estimateWait, outlookOf, type QueueMoment } from './estimate.ts';
import { measureQueue } from './forecast.ts';
import { leavePlace, takePlace } from './place.ts';
import { readSnapshot } from './snapshot.ts';

let f: QueueFixture;
let keys: SigningKeys;
beforeAll(async () => {
  f = await queueFixture();
  keys = await loadSigningKeys(newSecrets().SIGNING_KEYS);
});
afterAll(() => f?.close());

/** A minute in which 60 turns were given and as many fans went. */
const steady: QueueMoment = {
  state: 'open',
  pace: '60000:60:60:0:30000:30',
  waiting: 1_000,
  capacity: 100,
  ready: 10,
  admitted: 90,
  heldBackBy: 'capacity',
  allHeldUntil: null,
  seatsLeft: -1,
};
const estimate = (moment: Partial<QueueMoment>, position: number) =>
  estimateWait(outlookOf({ ...steady, ...moment }), position);

test('a steady queue gives a range around what was measured, in tens of seconds', () => {
  const { lowSeconds, highSeconds } = estimate({}, 100)!;
  expect(lowSeconds % 10).toBe(0);
  expect(highSeconds % 10).toBe(0);
  expect(lowSeconds).toBeGreaterThanOrEqual(50);
  expect(lowSeconds).toBeLessThan(100);
  expect(highSeconds).toBeGreaterThan(100);
  expect(highSeconds).toBeLessThanOrEqual(200);
});

test.each<[string, Partial<QueueMoment>]>([
  ['the sale is paused', { state: 'paused' }],
  ['it has not opened', { state: 'lobby' }],
  ['it is sold out', { state: 'soldOut' }],
  ['nothing was measured, or what was is over', { pace: '' }],
  ['the time measured was too short', { pace: '9000:60:60:0:9000:60' }],
  ['turns were too few', { pace: '60000:4:4:0:30000:2' }],
  ['there was no turn lately', { pace: '120000:60:60:0:30000:0' }],
  ['all remaining seats are held', { allHeldUntil: 1 }],
  ['turns wait for seats', { heldBackBy: 'seats' }],
  ['more are inside than there is room for', { capacity: 80 }],
  ['there are fewer seats than fans up to there', { seatsLeft: 9 }],
])('nothing is said when %s', (_, moment) => {
  expect(estimate(moment, 10)).toBeNull();
});

test('while the shop fills up nobody behind the last free room is told that it goes on so fast', () => {
  const filling = { pace: '60000:60:0:0:30000:30', capacity: 200, admitted: 50, heldBackBy: 'rate' };
  expect(estimate(filling, 100)).not.toBeNull();
  expect(estimate(filling, 200)).toBeNull();
  // Ten a minute go by now.
  const some = { ...filling, pace: '60000:60:10:0:30000:30' };
  expect(estimate(some, 1_000)!.highSeconds).toBeGreaterThan(4_000);
});

test('who gives up ahead shortens the least wait, and the range only ever grows with the position', () => {
  expect(estimate({ pace: '60000:60:60:60:30000:30' }, 800)!.lowSeconds).toBeLessThan(
    estimate({}, 800)!.lowSeconds,
  );
  const moment = fc.record({
    turns: fc.integer({ min: 5, max: 5_000 }),
    departures: fc.nat(5_000),
    gone: fc.nat(500),
    recentTurns: fc.integer({ min: 1, max: 2_000 }),
    waiting: fc.integer({ min: 2, max: 1_000_000 }),
  });
  fc.assert(
    fc.property(moment, fc.nat(), fc.nat(), ({ turns, departures, gone, recentTurns, waiting }, a, b) => {
      const pace = `60000:${turns}:${departures}:${gone}:30000:${recentTurns}`;
      const outlook = outlookOf({ ...steady, pace, waiting });
      const [near, far] = [a, b].map((n) => 1 + (n % waiting)).sort((x, y) => x - y);
      const [first, last] = [estimateWait(outlook, near as number), estimateWait(outlook, far as number)];
      for (const range of [first, last]) if (range) expect(range.lowSeconds).toBeLessThan(range.highSeconds);
      if (!first) expect(last).toBeNull();
      if (!first || !last) return;
      expect(first.lowSeconds).toBeLessThanOrEqual(last.lowSeconds);
      expect(first.highSeconds).toBeLessThanOrEqual(last.highSeconds);
    }),
  );
});

const statsOf = (sale: string) =>
  readSaleStats({
    store: f.store,
    stockOf: () => null,
    door: () => ({ requests: 0, errors: 0, p50Ms: null, p99Ms: null }),
  }).read(sale);

/** A sale of so many fans whose time in the shop, and whose patience, differ: one step is two seconds. */
async function crowd(fans: number, settings: { capacity: number; admitPerMinute: number }) {
  const sale = await f.sale({ ...settings, claimSeconds: 30 });
  let seed = 11;
  const random = () => {
    seed = (seed * 48_271) % 2_147_483_647;
    return seed / 2_147_483_647;
  };
  for (let first = 0; first < fans; first += 50)
    await Promise.all(
      Array.from({ length: Math.min(50, fans - first) }, (_, i) =>
        takePlace(f.store, sale, { ticketEntry: null, keyEntry: `${first + i}` }),
      ),
    );
  const inside = new Map<string, number>();
  let shoppingSeconds = 40;
  const step = async () => {
    f.pass(2);
    await giveTurns(f.store, sale);
    for (const id of await f.redis.zrange(saleKey(sale, 'ready'), '0', '-1')) {
      // Every eighth fan never comes.
      if (Number(id) % 8 === 0) continue;
      await claimTurn(f.store, keys, sale, id).catch(() => undefined);
      inside.set(id, f.now() + shoppingSeconds * 1000 * (0.5 + random()));
    }
    for (const [id, until] of inside) {
      if (until > f.now()) continue;
      inside.delete(id);
      await finishAdmission(f.store, sale, id, 'an-order');
    }
    if (random() < 0.3) {
      const waiting = await f.redis.zrandmember(saleKey(sale, 'waiting'), 1);
      for (const id of waiting) await leavePlace(f.store, sale, id);
    }
    const snapshot = await readSnapshot(f.store, sale, null);
    await measureQueue(f.store, snapshot!);
    return snapshot!;
  };
  return {
    sale,
    step,
    steps: async (count: number) => {
      for (let i = 0; i < count; i += 1) await step();
    },
    setShopping: (seconds: number) => {
      shoppingSeconds = seconds;
    },
  };
}

test('what fans were told comes true, in a sale whose pace changes, and the organiser is shown how often', async () => {
  const { sale, step, steps, setShopping } = await crowd(900, { capacity: 40, admitPerMinute: 600 });
  // While the shop fills for the first time nothing can be said of those who stand behind its last room.
  const early = await step();
  expect(estimateWait(early.outlook, 200)).toBeNull();
  await steps(150);
  expect(estimateWait((await step()).outlook, 200)).not.toBeNull();
  setShopping(60);
  await steps(150);
  setShopping(30);
  await steps(200);
  const { inside, sooner, later } = (await statsOf(sale)).estimateAccuracy;
  console.log(`foretold waits: ${inside} inside, ${sooner} sooner, ${later} later`);
  expect(inside + sooner + later).toBeGreaterThan(30);
  expect(inside / (inside + sooner + later)).toBeGreaterThan(0.7);
});

test('a forecast is judged when its number, or the first one beyond it, has its turn', async () => {
  const sale = await f.sale({ capacity: 1_000, admitPerMinute: 60 });
  for (let i = 1; i <= 20; i += 1) await takePlace(f.store, sale, { ticketEntry: null, keyEntry: `${i}` });
  const at = (low: number, high: number) => `${f.now()}:${low}:${high}:x${low}`;
  const key = saleKey(sale, 'forecasts');
  await f.redis.zadd(key, 3, at(0, 1_500), 3, at(1_000, 3_000), 5, at(10_000, 20_000), 9, at(0, 9_000));
  const accuracy = async () => (await statsOf(sale)).estimateAccuracy;
  for (let second = 0; second < 3; second += 1) {
    await giveTurns(f.store, sale);
    f.pass(1);
  }
  // Number 3 had its turn after two seconds.
  expect(await accuracy()).toEqual({ inside: 1, sooner: 0, later: 1 });
  await leavePlace(f.store, sale, '5');
  await giveTurns(f.store, sale);
  expect(await accuracy()).toEqual({ inside: 1, sooner: 0, later: 1 });
  f.pass(1);
  // Number 5 has gone; number 6 is the first beyond it.
  await giveTurns(f.store, sale);
  expect(await accuracy()).toEqual({ inside: 1, sooner: 1, later: 1 });
  expect(await f.redis.zcard(key)).toBe(1);
});

test('a wait that is over counts as later at once, whether or not the turn ever comes', async () => {
  const sale = await f.sale();
  const at = (low: number, high: number) => `${f.now()}:${low}:${high}:x${low}`;
  const key = saleKey(sale, 'forecasts');
  await f.redis.zadd(key, 30, at(0, 20_000), 50, at(10_000, 90_000), 70, at(20_000, 900_000));
  const accuracy = async () => (await statsOf(sale)).estimateAccuracy;
  f.pass(30);
  await measureQueue(f.store, (await readSnapshot(f.store, sale, null))!);
  expect(await accuracy()).toEqual({ inside: 0, sooner: 0, later: 1 });
  f.pass(90);
  await f.redis.hset(saleKey(sale, 'sale'), 'soldOut', 1);
  await giveTurns(f.store, sale);
  expect(await accuracy()).toEqual({ inside: 0, sooner: 0, later: 2 });
});

test.each([{ admitPerMinute: 6 }, { capacity: 1 }, { adaptiveRate: { enabled: false, minPerMinute: null } }])(
  'after a change to %j nothing is said until the new pace has been measured',
  async (settings) => {
    const { sale, step, steps } = await crowd(600, { capacity: 1_000, admitPerMinute: 60 });
    await steps(30);
    const { definition, outlook } = await step();
    expect(estimateWait(outlook, 20)).not.toBeNull();
    const changed = { ...definition, ...settings, version: definition.version + 1 };
    const record = {
      version: changed.version,
      settings: SaleSettings.parse(changed),
      by: 'o',
      action: 'patch' as const,
      reason: null,
      at: new Date(f.now()).toISOString(),
      before: SaleSettings.parse(definition),
    };
    await changeSale(f.store, changed, record, { reopens: false });
    expect((await readSnapshot(f.store, sale, null))?.outlook).toBeNull();
    for (let i = 0; i < 5; i += 1) expect((await step()).outlook).toBeNull();
  },
);

test('any number of gateways measure once in ten seconds, and forecasts stay few', async () => {
  const { sale, step } = await crowd(400, { capacity: 1_000, admitPerMinute: 60 });
  const acted: number[] = [];
  for (let i = 0; i < 120; i += 1) {
    const snapshot = await step();
    acted.push(...(await Promise.all([0, 1, 2].map(() => measureQueue(f.store, snapshot)))));
  }
  // The first of each step is in step() itself.
  expect(acted.filter((did) => did === 1)).toHaveLength(0);
  expect(await f.redis.llen(saleKey(sale, 'measures'))).toBeLessThanOrEqual(13);
  const forecasts = await f.redis.zcard(saleKey(sale, 'forecasts'));
  expect(forecasts).toBeGreaterThan(0);
  expect(forecasts).toBeLessThanOrEqual(150);
});

test('after a pause nothing is said until the full rate has been measured again', async () => {
  const { sale, step, steps } = await crowd(600, { capacity: 1_000, admitPerMinute: 60 });
  await steps(30);
  expect(estimateWait((await step()).outlook, 20)).not.toBeNull();
  await f.redis.hset(saleKey(sale, 'sale'), 'paused', '1');
  expect((await step()).outlook).toBeNull();
  await f.redis.hset(saleKey(sale, 'sale'), 'paused', '0');
  await f.redis.hset(saleKey(sale, 'queue'), 'rampFrom', f.now());
  for (let i = 0; i < 19; i += 1) expect((await step()).outlook).toBeNull();
  await steps(10);
  const { outlook } = await step();
  expect(estimateWait(outlook, 20)).not.toBeNull();
  // By what came after the rate had grown, not by what was before the pause.
  expect(outlook?.measuredSeconds).toBeLessThan(40);
});

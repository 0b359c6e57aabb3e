import { decodeJwt } from 'jose';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type SaleDefinition, SaleSettings } from '#shared/contract/sale.ts';
import type { StatsAnswer } from '#shared/contract/stats.ts';
import { newSecrets } from '../../infra/local/secrets.mjs';
import { judgeQueue } from '../../infra/verify/queue/judge.ts';
import { queueReader } from '../../infra/verify/queue/read.ts';
import { readSaleStats } from '../organiser/stats.ts';
import { leavePlace, lookUpEntry, takePlace } from '../queue/place.ts';
import { readSnapshot } from '../queue/snapshot.ts';
import { saleKey } from '../redis/keys.ts';
import { changeSale, markSoldOut, putSale } from '../sale/live-sale.ts';
import type { CountedSeats } from '../sale/sync.ts';
import {
  afterEachCall,
  census,
  definitionAt,
  type QueueFixture,
  queueFixture,
} from '../testing/queue-fixture.ts';
import { checkAdmission, claimTurn, finishAdmission, noteHoldEnds } from './admission.ts';
import { loadSigningKeys, type SigningKeys } from './signing-keys.ts';
import { type Answered, giveTurns } from './turn-giver.ts';

let f: QueueFixture;
let keys: SigningKeys;
beforeAll(async () => {
  f = await queueFixture();
  keys = await loadSigningKeys(newSecrets().SIGNING_KEYS);
});
afterAll(() => f?.close());

const fan = (number: number) => `fan-${number}`;
const joinMany = async (sale: string, count: number) => {
  for (let first = 1; first <= count; first += 50) {
    const numbers = Array.from({ length: Math.min(50, count - first + 1) }, (_, i) => first + i);
    await Promise.all(
      numbers.map((number) => takePlace(f.store, sale, { ticketEntry: null, keyEntry: fan(number) })),
    );
  }
};
const claim = (sale: string, number: number) => claimTurn(f.store, keys, sale, fan(number));
const statsOf = (sale: string): Promise<StatsAnswer> =>
  readSaleStats({
    store: f.store,
    stockOf: () => null,
    door: () => ({ requests: 0, errors: 0, p50Ms: null, p99Ms: null }),
  }).read(sale);
const idsOf = (sale: string, key: 'ready' | 'blocked' | 'admitted') =>
  f.redis.zrange(saleKey(sale, key), '0', '-1');
const claimAll = async (sale: string, ids: string[]) => {
  const outcomes = await Promise.all(
    ids.map((id) =>
      claimTurn(f.store, keys, sale, id).then(
        () => 'admitted',
        (error: { code: string }) => error.code,
      ),
    ),
  );
  return (outcome: string) => outcomes.filter((each) => each === outcome).length;
};
const faultsOf = async (sale: string) => {
  const verdict = await judgeQueue(queueReader(f.redis, sale, f.store.time), {
    patienceMs: 60_000,
    capacityInForce: ({ capacity }) => capacity,
  });
  return [...(verdict?.findings ?? [])];
};

const answered = (requests: number, errors = 0, slow = 0): Answered => ({ requests, errors, slow });
const quiet = answered(0);

/** A shop of 100 in which 40 of the first 100 turns were missed, with 300 more fans waiting. */
async function shopWithNoShows(settings: Partial<SaleDefinition> = {}) {
  const sale = await f.sale({ capacity: 100, ...settings });
  await joinMany(sale, 400);
  await giveTurns(f.store, sale);
  for (let number = 1; number <= 60; number += 1) await claim(sale, number);
  f.pass(180);
  await giveTurns(f.store, sale);
  return sale;
}

test('measured no-shows overbook the free room by a bounded number, which is stated', async () => {
  const sale = await shopWithNoShows();
  const stats = await statsOf(sale);
  expect(stats.noShowShare).toBeGreaterThan(0.35);
  expect(stats.noShowShare).toBeLessThan(0.5);
  // More than 12 of 40 are expected to be missed, and a tenth of the capacity is the most.
  expect(stats).toMatchObject({ admitted: 60, ready: 50, overbooking: 10, heldBackBy: 'capacity' });
  expect(await faultsOf(sale)).toEqual([]);
  await f.redis.hset(saleKey(sale, 'queue'), 'overbooked', 9);
  expect((await faultsOf(sale)).map(([name]) => name)).toEqual(['the-shop-is-not-overfull']);
});

test('when all of them come after all, nobody is let in beyond the capacity, and room is given by queue number', async () => {
  const sale = await shopWithNoShows();
  const turns = await idsOf(sale, 'ready');
  const outcomes = await claimAll(sale, turns);
  expect([outcomes('admitted'), outcomes('shop-full')]).toEqual([40, 10]);
  expect(await census(f.redis, sale)).toMatchObject({ admitted: 100, ready: 10, waiting: 250 });
  const blocked = await idsOf(sale, 'blocked');
  for (const number of [1, 2, 3]) await finishAdmission(f.store, sale, fan(number), `order-${number}`);
  await giveTurns(f.store, sale);
  // Only so many as there is room for are called again, the smallest numbers first; nobody new comes before them.
  expect((await idsOf(sale, 'ready')).sort()).toEqual(blocked.slice(0, 3).sort());
  expect(await census(f.redis, sale)).toMatchObject({ waiting: 250 });
  expect((await claimAll(sale, [blocked[3] as string]))('shop-full')).toBe(1);
  expect((await claimAll(sale, blocked.slice(0, 3)))('admitted')).toBe(3);
  expect(await faultsOf(sale)).toEqual([]);
});

test('room that becomes free is not kept from who stands there by turns that nobody claims', async () => {
  const sale = await shopWithNoShows();
  const turns = await idsOf(sale, 'ready');
  await claimAll(sale, turns.slice(0, 45));
  expect(await idsOf(sale, 'ready')).toHaveLength(5);
  const [first = ''] = await idsOf(sale, 'blocked');
  await finishAdmission(f.store, sale, fan(1), 'order-1');
  await giveTurns(f.store, sale);
  expect(await lookUpEntry(f.store, sale, first)).toMatchObject({
    state: 'ready',
    claimBy: f.now() + 180_000,
  });
  expect((await claimAll(sale, [first]))('admitted')).toBe(1);
  expect(await census(f.redis, sale)).toMatchObject({ admitted: 100 });
});

test('nobody new gets a turn, overbooked or not, while somebody stands before a full shop', async () => {
  const sale = await shopWithNoShows();
  await f.redis.hset(saleKey(sale, 'sale'), 'capacity', 60);
  expect((await claimAll(sale, await idsOf(sale, 'ready')))('shop-full')).toBe(50);
  await f.redis.hset(saleKey(sale, 'sale'), 'capacity', 105);
  expect(await giveTurns(f.store, sale)).toBe(0);
  expect(await idsOf(sale, 'ready')).toHaveLength(45);
  expect(await idsOf(sale, 'blocked')).toHaveLength(5);
});

test('a few missed turns say nothing yet, and a small shop is never overbooked', async () => {
  const few = await f.sale({ capacity: 15 });
  await joinMany(few, 60);
  await giveTurns(f.store, few);
  f.pass(180);
  await giveTurns(f.store, few);
  expect(await statsOf(few)).toMatchObject({ ready: 15, overbooking: 0, noShowShare: null });
  const small = await f.sale({ capacity: 9 });
  await joinMany(small, 60);
  for (let rounds = 0; rounds < 4; rounds += 1) {
    await giveTurns(f.store, small);
    f.pass(180);
  }
  await giveTurns(f.store, small);
  expect(await statsOf(small)).toMatchObject({ ready: 9, overbooking: 0, noShowShare: 1 });
});

/** The rate in force after so many seconds in which gateways saw this much every two seconds. */
async function rateAfter(sale: string, seconds: number, seen: Answered) {
  for (let passed = 0; passed < seconds; passed += 2) {
    f.pass(2);
    await giveTurns(f.store, sale, { answered: seen, seats: null });
  }
  const { effectivePerMinute, rateReason } = await statsOf(sale);
  return { effectivePerMinute, rateReason };
}

test('the rate falls while holds and orders fail or are slow, never below its least, and rises step by step', async () => {
  const sale = await f.sale({ admitPerMinute: 6_000 });
  expect(await rateAfter(sale, 10, answered(20))).toEqual({ effectivePerMinute: 6_000, rateReason: 'asked' });
  const slow = await rateAfter(sale, 4, answered(20, 0, 10));
  expect(slow.rateReason).toBe('slow');
  expect(slow.effectivePerMinute).toBeLessThan(6_000);
  const failing = await rateAfter(sale, 4, answered(20, 10));
  expect(failing.rateReason).toBe('errors');
  expect(failing.effectivePerMinute).toBeLessThan(slow.effectivePerMinute * 0.8);
  expect(await rateAfter(sale, 60, answered(20, 20))).toEqual({
    effectivePerMinute: 600,
    rateReason: 'errors',
  });
  const rising = await rateAfter(sale, 10, answered(20));
  expect(rising.effectivePerMinute).toBeGreaterThan(1_500);
  expect(rising.effectivePerMinute).toBeLessThan(3_000);
  // Without any request nothing speaks against rising.
  expect(await rateAfter(sale, 40, quiet)).toEqual({ effectivePerMinute: 6_000, rateReason: 'asked' });
});

test('what several gateways saw counts together, and too little counts for nothing', async () => {
  const sale = await f.sale({ admitPerMinute: 6_000 });
  await giveTurns(f.store, sale);
  f.pass(1);
  await giveTurns(f.store, sale, { answered: answered(2, 2), seats: null });
  f.pass(1);
  expect(await rateAfter(sale, 2, quiet)).toMatchObject({ rateReason: 'asked' });
  for (let gateway = 0; gateway < 3; gateway += 1)
    await giveTurns(f.store, sale, { answered: answered(2, 1), seats: null });
  f.pass(2);
  await giveTurns(f.store, sale);
  expect(await statsOf(sale)).toMatchObject({ effectivePerMinute: 4_200, rateReason: 'errors' });
});

test('the organiser names the least rate, or switches the adapting off', async () => {
  const bounded = await f.sale({
    admitPerMinute: 6_000,
    adaptiveRate: { enabled: true, minPerMinute: 3_000 },
  });
  expect(await rateAfter(bounded, 60, answered(20, 20))).toMatchObject({ effectivePerMinute: 3_000 });
  const off = await f.sale({ admitPerMinute: 6_000, adaptiveRate: { enabled: false, minPerMinute: null } });
  expect(await rateAfter(off, 60, answered(20, 20))).toEqual({
    effectivePerMinute: 6_000,
    rateReason: 'off',
  });
  const wide = await f.sale({ admitPerMinute: 60, adaptiveRate: { enabled: true, minPerMinute: 3_000 } });
  expect(await rateAfter(wide, 60, answered(20, 20))).toMatchObject({ effectivePerMinute: 60 });
});

test('turns are given at the rate in force', async () => {
  const sale = await f.sale({ admitPerMinute: 1_200 });
  await joinMany(sale, 400);
  await rateAfter(sale, 30, answered(20, 20));
  let given = 0;
  for (let tick = 0; tick < 150; tick += 1) {
    const seen = tick % 10 === 0 ? answered(20, 20) : quiet;
    given += await giveTurns(f.store, sale, { answered: seen, seats: null });
    f.pass(0.2);
  }
  // 30 seconds at a tenth of 1,200 a minute.
  expect(given).toBeGreaterThanOrEqual(55);
  expect(given).toBeLessThanOrEqual(63);
});

/** Pauses or resumes as an organiser does. */
async function setPaused(definition: SaleDefinition, paused: boolean): Promise<SaleDefinition> {
  const next = { ...definition, paused, version: definition.version + 1 };
  const change = {
    version: next.version,
    at: new Date(f.now()).toISOString(),
    by: 'ada',
    action: paused ? ('pause' as const) : ('resume' as const),
    reason: null,
    settings: SaleSettings.parse(next),
    before: SaleSettings.parse(definition),
  };
  await changeSale(f.store, next, change, { reopens: false });
  return next;
}

test.each([6_000, 60, 6])(
  'after a pause %i turns a minute grow from a fraction to all, and somebody gets one within 10 s',
  async (rate) => {
    const definition = { ...definitionAt(f.now()), capacity: 10_000, admitPerMinute: rate };
    const { sale } = definition;
    await putSale(f.store, definition);
    await joinMany(sale, Math.min(5_000, rate * 2));
    const givenIn = async (seconds: number) => {
      let given = 0;
      for (let tick = 0; tick < seconds * 2; tick += 1) {
        f.pass(0.5);
        given += await giveTurns(f.store, sale);
      }
      return given;
    };
    await givenIn(1);
    const paused = await setPaused(definition, true);
    expect(await givenIn(20)).toBe(0);
    expect(await statsOf(sale)).toMatchObject({ heldBackBy: 'pause' });
    await setPaused(paused, false);
    const first = await givenIn(10);
    expect(first).toBeGreaterThanOrEqual(1);
    if (rate > 60) {
      expect(first).toBeLessThan((rate / 6) * 0.4);
      expect(await statsOf(sale)).toMatchObject({ rateReason: 'ramp' });
      expect(await givenIn(10)).toBeGreaterThan(first);
    } else await givenIn(10);
    await givenIn(10);
    expect(await statsOf(sale)).toMatchObject({ effectivePerMinute: rate, rateReason: 'asked' });
  },
);

const seats = (open: number, held: number, sold: number, ageMs = 0): CountedSeats => ({
  ...{ open, held, sold, blocked: 0, ageMs },
  nextHoldEnds: held === 0 ? null : f.now() + 42_000,
});
const giveWith = (sale: string, counted: CountedSeats | null) =>
  giveTurns(f.store, sale, { answered: quiet, seats: counted });

test('nobody is let in to find no seat: an open one for each turn and for each who has none yet', async () => {
  const sale = await f.sale({ capacity: 50 });
  await joinMany(sale, 20);
  expect(await giveWith(sale, seats(3, 0, 5))).toBe(3);
  f.pass(1);
  expect(await giveWith(sale, seats(3, 0, 5))).toBe(0);
  expect(await statsOf(sale)).toMatchObject({ heldBackBy: 'seats', ready: 3, waiting: 17 });
  const tokens = [];
  for (const number of [1, 2, 3]) tokens.push((await claim(sale, number)).entry);
  f.pass(1);
  const claims = { sale, sub: fan(1), jti: tokens[0]!.admission!.jti };
  await noteHoldEnds(f.store, claims, f.now() + 60_000);
  f.pass(0.5);
  // Counted before that hold was made: its seat is still among the open ones.
  expect(await giveWith(sale, seats(3, 0, 5, 900))).toBe(0);
  f.pass(0.5);
  expect(await giveWith(sale, seats(2, 1, 5))).toBe(0);
  await finishAdmission(f.store, sale, fan(1), 'order-1');
  expect(await giveWith(sale, seats(2, 0, 6, 1))).toBe(0);
  // One of the two who look around goes: the seat is another fan's.
  await finishAdmission(f.store, sale, fan(2), 'order-2');
  f.pass(0.5);
  expect(await giveWith(sale, seats(2, 0, 6))).toBe(1);
  expect(await census(f.redis, sale)).toMatchObject({ ready: 1, admitted: 1, waiting: 16 });
});

test('a hold that ended is no seat any more, and a payment under way still is', async () => {
  const sale = await f.sale({ capacity: 50 });
  await joinMany(sale, 20);
  expect(await giveWith(sale, seats(1, 0, 9))).toBe(1);
  const claims = decodeJwt((await claim(sale, 1)).token) as never;
  await noteHoldEnds(f.store, claims, f.now() + 10_000);
  await checkAdmission(f.store, claims, { startsPayment: true });
  f.pass(20);
  expect(await giveWith(sale, seats(1, 1, 8))).toBe(1);
  await noteHoldEnds(f.store, claims, f.now() + 1_000);
  f.pass(2);
  expect(await giveWith(sale, seats(2, 0, 8))).toBe(0);
});

test('until a seat is taken the capacity decides, from then on the seats, and nobody is let in where none is open', async () => {
  const small = await f.sale({ capacity: 50 });
  await joinMany(small, 60);
  expect(await giveWith(small, seats(20, 0, 0))).toBe(50);
  const begun = await f.sale({ capacity: 50 });
  await joinMany(begun, 60);
  expect(await giveWith(begun, seats(20, 1, 0))).toBe(20);
  expect(await statsOf(begun)).toMatchObject({ heldBackBy: 'seats', ready: 20 });
  const blocked = await f.sale({ capacity: 50 });
  await joinMany(blocked, 60);
  expect(await giveWith(blocked, seats(0, 0, 0))).toBe(0);
});

test('seats that nobody has counted keep nobody out; while the shop is not heard of the last count binds', async () => {
  const sale = await f.sale({ capacity: 4 });
  await joinMany(sale, 20);
  expect(await giveWith(sale, null)).toBe(4);
  const away = await f.sale({ capacity: 50 });
  await joinMany(away, 60);
  expect(await giveWith(away, seats(1, 4, 9))).toBe(1);
  f.pass(60);
  expect(await giveWith(away, null)).toBe(0);
  expect(await giveWith(away, seats(6, 0, 8))).toBe(5);
});

test('a clock that goes back, as after a failover, keeps nobody waiting for it to catch up', async () => {
  const sale = await f.sale({ capacity: 50 });
  await joinMany(sale, 60);
  expect(await giveWith(sale, seats(0, 0, 9))).toBe(0);
  f.pass(-60);
  expect(await giveWith(sale, seats(100, 0, 9))).toBe(50);
});

test('fans who take nothing do not stop the others for longer than their own time', async () => {
  const sale = await f.sale({ capacity: 50, admissionSeconds: 60 });
  await joinMany(sale, 3);
  expect(await giveWith(sale, seats(1, 0, 9))).toBe(1);
  await claim(sale, 1);
  f.pass(59);
  expect(await giveWith(sale, seats(1, 0, 9))).toBe(0);
  f.pass(1);
  expect(await giveWith(sale, seats(1, 0, 9))).toBe(1);
});

test('while all seats are held everybody is told when the next may return, whichever gateway knows it', async () => {
  const sale = await f.sale();
  await joinMany(sale, 3);
  const counted = seats(0, 4, 6);
  expect(await giveWith(sale, counted)).toBe(0);
  await giveWith(sale, null);
  expect((await readSnapshot(f.store, sale, null))?.allHeldUntil).toBe(counted.nextHoldEnds);
  expect((await statsOf(sale)).allHeldUntil).toBe(new Date(f.now() + 42_000).toISOString());
  // Older news is no news.
  await giveWith(sale, seats(1, 3, 6, 500));
  expect((await statsOf(sale)).allHeldUntil).not.toBeNull();
  f.pass(1);
  await giveWith(sale, seats(1, 3, 6));
  expect((await statsOf(sale)).allHeldUntil).toBeNull();
  await giveWith(sale, counted);
  f.pass(3.5);
  expect((await statsOf(sale)).allHeldUntil).toBeNull();
});

test('however many gateways give turns whenever they like, in no stretch of time are more given than the rate allows', async () => {
  const RATE = 600;
  const sale = await f.sale({ admitPerMinute: RATE, capacity: 400 });
  await joinMany(sale, 700);
  let seed = 7;
  const random = () => {
    seed = (seed * 48_271) % 2_147_483_647;
    return seed / 2_147_483_647;
  };
  const given: { at: number; turns: number }[] = [];
  for (let step = 0; step < 150; step += 1) {
    f.pass(random() < 0.1 ? 3 * random() : 0.3 * random());
    const gateways = 1 + Math.floor(4 * random());
    const turns = await Promise.all(Array.from({ length: gateways }, () => giveTurns(f.store, sale)));
    given.push({ at: f.now(), turns: turns.reduce((sum, each) => sum + each, 0) });
    const { ready, admitted } = await census(f.redis, sale);
    expect(ready + admitted).toBeLessThanOrEqual(400);
  }
  for (let first = 0; first < given.length; first += 1) {
    let sum = 0;
    for (let last = first; last < given.length; last += 1) {
      sum += given[last]!.turns;
      const seconds = (given[last]!.at - given[first]!.at) / 1000;
      expect(sum).toBeLessThanOrEqual((RATE / 60) * (seconds + 1) + 1);
    }
  }
  expect(given.reduce((sum, { turns }) => sum + turns, 0)).toBeGreaterThan(200);
});

test.each([
  [7, 0.2],
  [58, 0.2],
  [90, 0.4],
  [70, 0.5],
  [119, 1],
  [1_000, 1],
])('over minutes %i a minute are that many, looked at every %d s', async (rate, lookSeconds) => {
  const sale = await f.sale({
    admitPerMinute: rate,
    capacity: 4_000,
    adaptiveRate: { enabled: false, minPerMinute: null },
  });
  const seconds = 120;
  await joinMany(sale, (rate * seconds) / 60 + 50);
  let given = 0;
  for (let passed = 0; passed < seconds; passed += lookSeconds) {
    f.pass(lookSeconds);
    const turns = await giveTurns(f.store, sale);
    // Smooth within the minute.
    expect(turns).toBeLessThanOrEqual(Math.ceil((rate / 60) * Math.max(1, lookSeconds)) + 1);
    given += turns;
  }
  expect(given).toBeGreaterThanOrEqual(Math.floor((rate * seconds) / 60) - 1);
  expect(given).toBeLessThanOrEqual(Math.ceil((rate * seconds) / 60) + 1 + rate / 60);
});

test('few answers, all of them bad, lower the rate as well', async () => {
  const sale = await f.sale({ admitPerMinute: 6_000 });
  const seen = await rateAfter(sale, 60, answered(1, 1, 1));
  expect(seen.rateReason).toBe('errors');
  expect(seen.effectivePerMinute).toBeLessThan(3_000);
});

test('one bad answer is not held against the shop for ever', async () => {
  const sale = await f.sale({ admitPerMinute: 6_000 });
  await rateAfter(sale, 60, answered(20, 20));
  await rateAfter(sale, 2, answered(1, 1));
  expect(await rateAfter(sale, 120, quiet)).toEqual({ effectivePerMinute: 6_000, rateReason: 'asked' });
});

test('adapting that is switched off and on begins with what is asked for', async () => {
  const sale = await f.sale({ admitPerMinute: 6_000 });
  await rateAfter(sale, 10, answered(20, 20));
  await f.redis.hset(saleKey(sale, 'sale'), 'adaptive', 0);
  expect(await rateAfter(sale, 4, quiet)).toEqual({ effectivePerMinute: 6_000, rateReason: 'off' });
  await f.redis.hset(saleKey(sale, 'sale'), 'adaptive', 1);
  expect(await rateAfter(sale, 2, quiet)).toEqual({ effectivePerMinute: 6_000, rateReason: 'asked' });
});

test('however much ends at once, the next have their turns in the same run', async () => {
  const sale = await f.sale({ admitPerMinute: 60_000, capacity: 3_000 });
  await joinMany(sale, 6_100);
  for (let second = 0; second < 6; second += 1) {
    await giveTurns(f.store, sale);
    f.pass(1);
  }
  f.pass(180);
  expect(await giveTurns(f.store, sale)).toBeGreaterThanOrEqual(1_000);
});

/** What one call after the other ends or gives at most, of many at once. */
async function mostOfACall(sale: string): Promise<number> {
  const figures = async () => {
    const { ready, admitted, ended } = await census(f.redis, sale);
    return { ended, inside: ready + admitted };
  };
  let most = 0;
  let before = await figures();
  const counted = afterEachCall(f.store, async () => {
    const after = await figures();
    const ends = after.ended - before.ended;
    most = Math.max(most, ends + Math.max(0, after.inside - before.inside + ends));
    before = after;
  });
  await giveTurns(counted, sale);
  return most;
}

test('however many turns and admissions end at once, one call changes at most 500, and all of them end', async () => {
  const sale = await f.sale({ admitPerMinute: 1_000_000, capacity: 1_000, admissionSeconds: 180 });
  await joinMany(sale, 2_600);
  await giveTurns(f.store, sale);
  for (let number = 1; number <= 500; number += 1) await claim(sale, number);
  f.pass(180);
  expect(await mostOfACall(sale)).toBeLessThanOrEqual(500);
  const { ready, admitted, waiting } = await census(f.redis, sale);
  expect({ ready: ready - 100 <= 1_000, admitted, waiting: waiting >= 500 }).toEqual({
    ready: true,
    admitted: 0,
    waiting: true,
  });
  expect(ready).toBeGreaterThanOrEqual(1_000);
  expect(await faultsOf(sale)).toEqual([]);
});

test('a sold-out sale that is opened again while it is tidied up goes on from the front', async () => {
  const sale = await f.sale({ capacity: 10 });
  await joinMany(sale, 4_000);
  await markSoldOut(f.store, sale, 1);
  let calls = 0;
  const opened = afterEachCall(f.store, async () => {
    calls += 1;
    if (calls === 3) await f.redis.hset(saleKey(sale, 'sale'), 'soldOut', 0);
  });
  expect(await giveTurns(opened, sale)).toBe(10);
  expect(new Set(await idsOf(sale, 'ready'))).toEqual(
    new Set(Array.from({ length: 10 }, (_, i) => fan(i + 1))),
  );
  expect(await lookUpEntry(f.store, sale, fan(4_000))).toMatchObject({ state: 'closed' });
});

test('turns far apart and close together are remembered alike', async () => {
  const sale = await f.sale({ capacity: 10 });
  await joinMany(sale, 3);
  // As if all between them had left.
  await f.redis.zadd(saleKey(sale, 'waiting'), 20_001, fan(3));
  await f.redis.setbit(saleKey(sale, 'waiting-bits'), 20_001, 1);
  expect(await giveTurns(f.store, sale)).toBe(3);
  const get = [1, 2, 20_000, 20_001].flatMap((number) => ['GET', 'u4', `#${number}`]);
  expect(await f.redis.call('BITFIELD', saleKey(sale, 'states'), ...get)).toEqual([1, 1, 0, 1]);
  expect(await f.redis.bitcount(saleKey(sale, 'waiting-bits'))).toBe(0);
});

test('a thousand turns out of a large queue go to the front, in slices', async () => {
  const sale = await f.sale({ admitPerMinute: 1_000_000, capacity: 1_000 });
  await joinMany(sale, 1_300);
  await leavePlace(f.store, sale, fan(300));
  expect(await giveTurns(f.store, sale)).toBe(1_000);
  const turns = await idsOf(sale, 'ready');
  const expected = Array.from({ length: 1_001 }, (_, i) => fan(i + 1)).filter((id) => id !== fan(300));
  expect(new Set(turns)).toEqual(new Set(expected));
  const codes = await f.redis.call(
    'BITFIELD',
    saleKey(sale, 'states'),
    ...[1, 299, 300, 301, 1_001, 1_002].flatMap((number) => ['GET', 'u4', `#${number}`]),
  );
  const [ready, left, waits] = [1, 4, 0];
  expect(codes).toEqual([ready, ready, left, ready, ready, waits]);
  expect(await lookUpEntry(f.store, sale, fan(777))).toMatchObject({
    state: 'ready',
    queueNumber: 777,
    claimBy: f.now() + 180_000,
  });
  expect(await faultsOf(sale)).toEqual([]);
});

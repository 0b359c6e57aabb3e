import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { claimTurn, finishAdmission } from '../../../gateway/admission/admission.ts';
import { loadSigningKeys, type SigningKeys } from '../../../gateway/admission/signing-keys.ts';
import { giveTurns } from '../../../gateway/admission/turn-giver.ts';
import { freezeLobby } from '../../../gateway/lobby/freeze.ts';
import { leavePlace, lookUpEntry, takePlace } from '../../../gateway/queue/place.ts';
import { type SaleKeyName, saleKey } from '../../../gateway/redis/keys.ts';
import { entryOf, type QueueFixture, queueFixture } from '../../../gateway/testing/queue-fixture.ts';
import { newSecrets } from '../../local/secrets.mjs';
import { queueChecks } from './checks.ts';
import { judgeQueue } from './judge.ts';
import { queueReader } from './read.ts';

let f: QueueFixture;
let keys: SigningKeys;
beforeAll(async () => {
  f = await queueFixture();
  keys = await loadSigningKeys(newSecrets().SIGNING_KEYS);
});
afterAll(() => f?.close());

const CAPACITY = 8;

/** What is said of a sale, by check. */
async function said(sale: string, capacity: number | null = CAPACITY): Promise<Record<string, string[]>> {
  const reader = queueReader(f.redis, sale, f.store.time);
  const verdict = await judgeQueue(reader, { patienceMs: 60_000, capacityInForce: () => capacity });
  return Object.fromEntries(
    [...(verdict?.findings ?? [])].map(([name, found]) => [name, found.map(({ text }) => text)]),
  );
}

const join = (sale: string, name: string) =>
  takePlace(f.store, sale, { ticketEntry: null, keyEntry: entryOf(name) });
const leave = (sale: string, name: string) => leavePlace(f.store, sale, entryOf(name));

/**
 * A queue in which everything has happened: a lobby that two left, one before and one during the draw, turns claimed,
 * missed, taken up again and left, admissions finished and expired, a shop that was found full, and fans who wait.
 */
async function livelyQueue(): Promise<string> {
  const opensAt = new Date(f.now() + 60_000).toISOString();
  const lobbyOpensAt = new Date(f.now() - 60_000).toISOString();
  const settings = { capacity: CAPACITY, claimSeconds: 30, admissionSeconds: 100 };
  const sale = await f.sale({ ...settings, opensAt, lobbyOpensAt });
  for (let i = 0; i < 20; i += 1) await join(sale, `early-${i}`);
  await leave(sale, 'early-3');
  f.pass(60);
  await freezeLobby(f.store, sale);
  await join(sale, 'late-0');
  await leave(sale, 'early-7');
  await f.draw(sale);
  for (let i = 1; i < 30; i += 1) await join(sale, `late-${i}`);
  await leave(sale, 'late-5');

  const ready = async () => f.redis.zrange(saleKey(sale, 'ready'), '0', '-1');
  const claim = (id: string) => claimTurn(f.store, keys, sale, id);
  await giveTurns(f.store, sale);
  const first = await ready();
  for (const id of first.slice(0, 4)) await claim(id);
  await finishAdmission(f.store, sale, first[0] as string, 'order-1');
  await leavePlace(f.store, sale, first[4] as string);
  f.pass(31);
  // The other turns were missed; one of their owners comes back for the next free one.
  await giveTurns(f.store, sale);
  await lookUpEntry(f.store, sale, first[5] as string);
  f.pass(70);
  await giveTurns(f.store, sale);
  await lookUpEntry(f.store, sale, first[6] as string);
  for (const id of (await ready()).slice(0, 3)) await claim(id);
  await giveTurns(f.store, sale);
  return sale;
}

test('a queue in which everything has happened gives nothing to say', async () => {
  expect(await said(await livelyQueue())).toEqual({});
});

test('a queue whose draw is being written down gives nothing to say', async () => {
  const opensAt = new Date(f.now() + 60_000).toISOString();
  const sale = await f.sale({ opensAt, lobbyOpensAt: new Date(f.now() - 60_000).toISOString() });
  for (let i = 0; i < 50; i += 1) await join(sale, `early-${i}`);
  expect(await said(sale)).toEqual({});
  f.pass(60);
  await freezeLobby(f.store, sale);
  await join(sale, 'late');
  expect(await said(sale)).toEqual({});
});

test('many pages are looked at whole, with thousands of numbers and entries', async () => {
  const sale = await f.sale({ capacity: 5_000 });
  const ids = Array.from({ length: 5_000 }, (_, i) => `fan-${i}`);
  for (let i = 0; i < ids.length; i += 50)
    await Promise.all(ids.slice(i, i + 50).map((id) => join(sale, id)));
  for (let turns = 0; turns < 2; turns += 1) {
    await giveTurns(f.store, sale);
    f.pass(1);
  }
  expect(await said(sale, 5_000)).toEqual({});
  await f.redis.setbit(saleKey(sale, 'waiting-bits'), 4_321, 0);
  expect(await said(sale, 5_000)).toEqual({
    'positions-are-exact': [expect.stringContaining('Number 4321 waits, and its bit is 0')],
  });
});

test('turns that are kept while a lost queue is brought back are not late before it is', async () => {
  const sale = await livelyQueue();
  await f.redis.hset(saleKey(sale, 'queue'), 'recoveredAt', f.now() + 75_000);
  f.pass(70);
  expect(await said(sale)).toEqual({});
  f.pass(12);
  expect(await said(sale)).toEqual({});
  f.pass(12);
  expect(Object.keys(await said(sale)).sort()).toEqual(['deadlines-act', 'turns-flow']);
});

test('a capacity that was lowered is waited out', async () => {
  const sale = await livelyQueue();
  await f.redis.hset(saleKey(sale, 'sale'), 'capacity', 2);
  expect(await said(sale, CAPACITY)).toEqual({});
  expect(await said(sale, null)).toEqual({});
});

type Plant = (sale: string, key: (name: SaleKeyName) => string) => Promise<unknown>;

/** Each changes Redis by hand, as no script would. */
const plants: Record<string, Plant> = {
  'positions-are-exact': async (sale, key) => {
    const [, number] = await f.redis.zrange(key('waiting'), '-1', '-1', 'WITHSCORES');
    await f.redis.setbit(saleKey(sale, 'waiting-bits'), Number(number), 0);
  },
  'no-place-is-lost': async (_, key) => {
    const [id = '', number] = await f.redis.zrange(key('waiting'), '-2', '-2', 'WITHSCORES');
    await f.redis.multi().zrem(key('waiting'), id).setbit(key('waiting-bits'), Number(number), 0).exec();
    await f.redis.hincrby(key('queue'), 'joined', -1);
  },
  'no-number-is-given-twice': async (_, key) => {
    const [, number] = await f.redis.zrange(key('waiting'), '-1', '-1', 'WITHSCORES');
    await f.redis.zadd(key('waiting'), String(number), 'intruder');
    await f.redis.hincrby(key('queue'), 'joined', 1);
  },
  'nobody-is-overtaken': async (_, key) => {
    // The last in the queue has its turn before all others.
    const [id = '', number] = await f.redis.zrange(key('waiting'), '-1', '-1', 'WITHSCORES');
    await f.redis.multi().zrem(key('waiting'), id).setbit(key('waiting-bits'), Number(number), 0).exec();
    await f.redis.hset(key('entries'), id, JSON.stringify({ state: 'finished', number: Number(number) }));
    await f.redis.hincrby(key('queue'), 'ended:finished', 1);
  },
  'everybody-is-counted': (_, key) => f.redis.hincrby(key('queue'), 'joined', 1),
  'entries-are-where-they-say': async (_, key) => {
    const [id = ''] = await f.redis.zrange(key('admitted'), '0', '0');
    await f.redis.zincrby(key('admitted'), 1, id);
  },
  'the-shop-is-not-overfull': async (_, key) => {
    const entry = { state: 'ready', claimBy: f.now() + 30_000 };
    await f.redis.zadd(key('ready'), entry.claimBy, 'one-too-many');
    await f.redis.hset(key('entries'), 'one-too-many', JSON.stringify(entry));
    await f.redis.hincrby(key('queue'), 'joined', 1);
  },
  'deadlines-act': async (sale) => {
    await f.redis.hset(saleKey(sale, 'sale'), 'paused', '1');
    f.pass(45);
  },
  'turns-flow': (_, key) => f.redis.hset(key('queue'), 'turnTokensAt', f.now() - 11_000),
  'the-draw-can-be-recomputed': async (_, key) => {
    const two = await f.redis.getrangeBuffer(key('drawn'), 0, 15);
    await f.redis.setrange(key('drawn'), 0, Buffer.concat([two.subarray(8), two.subarray(0, 8)]));
  },
};

describe('a planted fault makes its check speak, and no other', () => {
  test.each(Object.entries(plants))('%s', async (name, plant) => {
    const sale = await livelyQueue();
    await plant(sale, (key) => saleKey(sale, key));
    expect(Object.keys(await said(sale))).toEqual([name]);
  });

  test('a seed that was swapped after the lobby opened', async () => {
    const sale = await livelyQueue();
    await f.redis.hset(saleKey(sale, 'draw'), 'seed', 'ab'.repeat(32));
    expect((await said(sale))['the-draw-can-be-recomputed']?.[0]).toContain(
      'published before the lobby opened',
    );
  });
});

test('every check has its planted fault', () => {
  expect(Object.keys(plants).sort()).toEqual(queueChecks.map(({ name }) => name).sort());
});

test('Redis itself keeps a look from writing', async () => {
  const sale = await f.sale();
  await expect(
    f.redis.call('EVAL_RO', "return redis.call('DEL', KEYS[1])", 1, saleKey(sale, 'queue')),
  ).rejects.toThrow();
});

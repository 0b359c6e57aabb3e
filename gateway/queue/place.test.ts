import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { ownRedis } from '../../infra/testing/redis-server.ts';
import { giveTurns } from '../admission/turn-giver.ts';
import { freezeLobby } from '../lobby/freeze.ts';
import { connectRedis } from '../redis/client.ts';
import { saleKey } from '../redis/keys.ts';
import type { Store } from '../redis/script.ts';
import { putSale } from '../sale/live-sale.ts';
import {
  census,
  definitionAt,
  type QueueFixture,
  queueFixture,
  silentLog,
} from '../testing/queue-fixture.ts';
import { leavePlace, lookUpEntry, takePlace } from './place.ts';
import { readSnapshot } from './snapshot.ts';
import { positionOf } from './waiting-bits.ts';

let f: QueueFixture;
beforeAll(async () => {
  f = await queueFixture();
});
afterAll(() => f.close());

const nobody = { ticketEntry: null, keyEntry: null };
const joinAs = (sale: string, keyEntry: string) => takePlace(f.store, sale, { ticketEntry: null, keyEntry });

test('queue numbers are dense from 1 in order of arrival', async () => {
  const sale = await f.sale();
  const places = await Promise.all(Array.from({ length: 300 }, () => takePlace(f.store, sale, nobody)));
  expect(places.map(({ entry }) => entry.queueNumber)).toEqual(Array.from({ length: 300 }, (_, i) => i + 1));
  expect(places.map(({ ahead }) => ahead)).toEqual(Array.from({ length: 300 }, (_, i) => i));
  expect(places.every(({ created }) => created)).toBe(true);
});

test('joining again, by key or by ticket, a hundred times at once, gives the same entry', async () => {
  const sale = await f.sale();
  const places = await Promise.all(Array.from({ length: 100 }, () => joinAs(sale, 'the-fan')));
  expect(new Set(places.map(({ entry }) => entry.id)).size).toBe(1);
  expect(places.filter(({ created }) => created)).toHaveLength(1);
  const byTicket = await takePlace(f.store, sale, { ticketEntry: 'the-fan', keyEntry: 'another-key' });
  expect(byTicket).toMatchObject({ created: false, entry: { id: 'the-fan', queueNumber: 1 } });
  expect((await census(f.redis, sale)).joined).toBe(1);
});

test('while a secret is changed a key leads to one entry, by whichever of its ids each gateway goes first', async () => {
  const sale = await f.sale();
  const byEach = (keyEntry: string, other: string) =>
    takePlace(f.store, sale, { ticketEntry: null, keyEntry, otherKeyEntries: [other] });
  const places = await Promise.all(
    Array.from({ length: 100 }, (_, i) =>
      i % 2 === 0 ? byEach('by-old', 'by-new') : byEach('by-new', 'by-old'),
    ),
  );
  expect(new Set(places.map(({ entry }) => entry.id))).toEqual(new Set(['by-old']));
  expect(places.filter(({ created }) => created)).toHaveLength(1);
  // Over, it leads to the place that came after it, whose id is the first one's.
  await leavePlace(f.store, sale, 'by-old');
  expect(await byEach('by-new', 'by-old')).toMatchObject({
    created: true,
    entry: { id: 'by-new', queueNumber: 2 },
  });
  expect(await byEach('by-old', 'by-new')).toMatchObject({ created: false, entry: { id: 'by-new' } });
  expect((await census(f.redis, sale)).joined).toBe(2);
});

test('a position is exact while others leave, and equals the rank in the sorted set', async () => {
  const sale = await f.sale();
  const places = [];
  for (let i = 0; i < 50; i += 1) places.push(await takePlace(f.store, sale, nobody));
  for (const i of [0, 3, 4, 17, 48]) await leavePlace(f.store, sale, places[i]!.entry.id);
  const snapshot = await readSnapshot(f.store, sale, null);
  for (const { entry } of places) {
    const rank = await f.redis.zrank(saleKey(sale, 'waiting'), entry.id);
    expect(positionOf(snapshot!.bits, entry.queueNumber!)).toBe(rank === null ? null : rank + 1);
  }
});

test('after leaving, a join makes a new entry at the end, and the old key leads to it from then on', async () => {
  const sale = await f.sale();
  await joinAs(sale, 'ada');
  await joinAs(sale, 'bob');
  expect(await leavePlace(f.store, sale, 'ada')).toBe('left');
  expect(await leavePlace(f.store, sale, 'ada')).toBe('left');
  expect((await lookUpEntry(f.store, sale, 'ada'))?.state).toBe('left');
  const again = await joinAs(sale, 'ada');
  expect(again).toMatchObject({ created: true, ahead: 1, entry: { queueNumber: 3 } });
  expect(again.entry.id).not.toBe('ada');
  expect((await joinAs(sale, 'ada')).entry.id).toBe(again.entry.id);
  await leavePlace(f.store, sale, again.entry.id);
  const third = await joinAs(sale, 'ada');
  expect(third.entry.queueNumber).toBe(4);
  expect((await joinAs(sale, 'ada')).entry.id).toBe(third.entry.id);
});

test('nobody joins before the opening, after the close, or a sale that does not exist', async () => {
  const later = new Date(f.now() + 3_600_000).toISOString();
  const scheduled = await f.sale({ opensAt: later });
  await expect(takePlace(f.store, scheduled, nobody)).rejects.toMatchObject({ code: 'not-open' });
  const closed = await f.sale({ closedAt: new Date(f.now()).toISOString() });
  await expect(takePlace(f.store, closed, nobody)).rejects.toMatchObject({ code: 'sale-ended' });
  await expect(takePlace(f.store, 'no-such-sale', nobody)).rejects.toMatchObject({ code: 'not-found' });
  expect(await f.keysOf('no-such-sale')).toEqual([]);
});

test('the close ends everybody who waits, at once for whoever asks and soon in the books', async () => {
  const closesAt = new Date(f.now() + 10_000).toISOString();
  const sale = await f.sale({ closesAt, capacity: 1 });
  for (const fan of ['a', 'b', 'c']) await joinAs(sale, fan);
  await giveTurns(f.store, sale);
  f.pass(10);
  expect((await lookUpEntry(f.store, sale, 'a'))?.state).toBe('closed');
  expect((await lookUpEntry(f.store, sale, 'c'))?.state).toBe('closed');
  await giveTurns(f.store, sale);
  expect(await census(f.redis, sale)).toEqual({
    joined: 3,
    lobby: 0,
    waiting: 0,
    ready: 0,
    admitted: 0,
    ended: 3,
  });
});

test('the version rises with every change of who waits, and bits travel only when it did', async () => {
  const sale = await f.sale();
  const first = await readSnapshot(f.store, sale, null);
  const same = await readSnapshot(f.store, sale, first);
  expect(same!.bits).toBe(first!.bits);
  await joinAs(sale, 'x');
  const next = await readSnapshot(f.store, sale, same);
  expect(next!.version).toBeGreaterThan(first!.version);
  expect(next!.lastNumber).toBe(1);
  expect(next!.definition).toBe(first!.definition);
});

test('however long the chain of entries that ended, every old key and ticket leads to the one that lives', async () => {
  const sale = await f.sale();
  const ids = ['k1'];
  await joinAs(sale, 'k1');
  for (let i = 0; i < 3; i += 1) {
    await leavePlace(f.store, sale, ids.at(-1)!);
    const next = await takePlace(f.store, sale, { ticketEntry: ids.at(-1)!, keyEntry: null });
    ids.push(next.entry.id);
  }
  for (const id of ids) expect((await joinAs(sale, id)).entry.id).toBe(ids.at(-1));
  expect((await census(f.redis, sale)).waiting).toBe(1);
});

test('joins that come together are carried together, each with its own answer in order of arrival', async () => {
  const sale = await f.sale();
  await joinAs(sale, 'first');
  const calls = vi.spyOn(f.redis, 'call');
  const keys = Array.from({ length: 1_200 }, (_, i) => `fan-${i % 1_000}`);
  const places = await Promise.all(keys.map((key) => joinAs(sale, key)));
  expect(calls.mock.calls.length).toBeLessThanOrEqual(4);
  calls.mockRestore();
  for (const [i, { created, ahead, entry }] of places.entries()) {
    expect(entry.queueNumber).toBe((i % 1_000) + 2);
    expect(ahead).toBe((i % 1_000) + 1);
    expect(created).toBe(i < 1_000);
  }
  const members = await f.redis.zrange(saleKey(sale, 'waiting'), '0', '-1');
  expect(members).toEqual(['first', ...keys.slice(0, 1_000)]);
  const snapshot = await readSnapshot(f.store, sale, null);
  places.forEach(({ entry }) => {
    expect(positionOf(snapshot!.bits, entry.queueNumber!)).toBe(entry.queueNumber);
  });
  expect(await census(f.redis, sale)).toMatchObject({ joined: 1_001, waiting: 1_001 });
});

test('what is refused to one of them is refused to nobody else', async () => {
  const sale = await f.sale({ accessCodeUses: 1 }, ['GOOD', 'BETTER']);
  const codes = ['GOOD', null, 'wrong', 'GOOD', 'BETTER'];
  const results = await Promise.allSettled(
    codes.map((code) => takePlace(f.store, sale, { ticketEntry: null, keyEntry: null }, code)),
  );
  expect(
    results.map((result) =>
      result.status === 'fulfilled' ? result.value.entry.queueNumber : result.reason.message,
    ),
  ).toEqual([
    1,
    'This sale is for fans with an access code; there was none.',
    'This access code is not valid for this sale.',
    'This access code is in use already.',
    2,
  ]);
});

test('a call that fails fails each of its joins, and a retry finds or makes each place once', async () => {
  const sale = await f.sale();
  await f.redis.set(saleKey(sale, 'waiting'), 'not a sorted set');
  const keys = ['ada', 'ben', 'cem'];
  const failed = await Promise.allSettled(keys.map((key) => joinAs(sale, key)));
  expect(failed.map((result) => result.status === 'rejected' && result.reason.code)).toEqual(
    Array<string>(3).fill('unavailable'),
  );
  await f.redis.del(saleKey(sale, 'waiting'));
  const places = await Promise.all(keys.map((key) => joinAs(sale, key)));
  expect(places.map(({ entry }) => entry.queueNumber)).toEqual([1, 2, 3]);
});

test('who joins while the lobby is not written down stands behind all of its numbers, also of those who have left', async () => {
  const inSeconds = (seconds: number) => new Date(f.now() + seconds * 1000).toISOString();
  const sale = await f.sale({ lobbyOpensAt: inSeconds(-60), opensAt: inSeconds(10) });
  for (let i = 0; i < 10; i += 1) await joinAs(sale, `early-${i}`);
  f.pass(11);
  await freezeLobby(f.store, sale);
  for (let i = 0; i < 5; i += 1) await leavePlace(f.store, sale, `early-${i}`);
  for (const key of ['late', 'later', 'late']) {
    const { ahead, entry } = await joinAs(sale, key);
    const snapshot = await readSnapshot(f.store, sale, null);
    expect(ahead + 1).toBe(positionOf(snapshot!.bits, entry.queueNumber!));
  }
});

test('a Redis that hangs keeps nobody waiting longer than one deadline, however many join', async () => {
  const redis = await ownRedis();
  const client = await connectRedis(redis.url, silentLog);
  const store: Store = { redis: client, time: () => null };
  const other = await connectRedis(redis.url, silentLog);
  try {
    const definition = definitionAt(Date.now());
    await putSale(store, { ...definition, createdAt: new Date().toISOString() });
    await takePlace(store, definition.sale, nobody);
    await other.call('CLIENT', 'PAUSE', '5000', 'ALL');
    const since = performance.now();
    const joins = Array.from({ length: 3_000 }, () =>
      takePlace(store, definition.sale, nobody).catch((error) => error),
    );
    const answers = await Promise.all(joins);
    expect(answers.every((answer) => answer.code === 'unavailable')).toBe(true);
    // One deadline of 500 ms; one after another they would take three seconds.
    expect(performance.now() - since).toBeLessThan(2_500);
  } finally {
    client.disconnect();
    other.disconnect();
    await redis.stop();
  }
});

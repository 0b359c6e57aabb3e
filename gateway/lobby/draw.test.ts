import { createHash, createHmac } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { DrawAnswer } from '#shared/contract/queue.ts';
import { giveTurns } from '../admission/turn-giver.ts';
import { leavePlace, lookUpEntry, takePlace } from '../queue/place.ts';
import { readSnapshot } from '../queue/snapshot.ts';
import { positionOf } from '../queue/waiting-bits.ts';
import { saleKey } from '../redis/keys.ts';
import { type Store, saleScript } from '../redis/script.ts';
import { census, entryOf, type QueueFixture, queueFixture } from '../testing/queue-fixture.ts';
import { createDrawing } from './draw.ts';
import { freezeLobby } from './freeze.ts';
import { publishDraws } from './published.ts';

let f: QueueFixture;
beforeAll(async () => {
  f = await queueFixture();
});
afterAll(() => f.close());

const place = saleScript<number>(new URL('./place.lua', import.meta.url));
const FANS = 1_203;
const joinAs = (sale: string, name: string) =>
  takePlace(f.store, sale, { ticketEntry: null, keyEntry: entryOf(name) });
const leaveAs = (sale: string, name: string) => leavePlace(f.store, sale, entryOf(name));
const stateOf = async (sale: string, name: string) =>
  (await lookUpEntry(f.store, sale, entryOf(name)))?.state;

/** A sale whose lobby is open, with fans in it. */
async function lobbySale(fans: number) {
  const sale = await f.sale({
    lobbyOpensAt: new Date(f.now() - 60_000).toISOString(),
    opensAt: new Date(f.now() + 60_000).toISOString(),
  });
  await Promise.all(Array.from({ length: fans }, (_, i) => joinAs(sale, `fan-${i}`)));
  return sale;
}

/** What everybody is answered at this moment. */
async function published(sale: string): Promise<DrawAnswer> {
  const { body } = await publishDraws(f.store).answer(sale);
  return JSON.parse(Buffer.from(body).toString()) as DrawAnswer;
}

/** Anybody's ten lines: throws where the draw is not what it says. */
function recompute({ commitment, digest, seed, beacon, ids }: DrawAnswer): void {
  const seedBytes = Buffer.from(seed!, 'hex');
  expect(createHash('sha256').update(seedBytes).digest('hex')).toBe(commitment);
  const sorted = [...ids!].sort();
  expect(createHash('sha256').update(sorted.join('\n')).digest('hex')).toBe(digest);
  const key = Buffer.concat([seedBytes, Buffer.from(digest!, 'hex'), Buffer.from(beacon ?? '')]);
  const ranks = new Map(sorted.map((id) => [id, createHmac('sha256', key).update(id).digest('hex')]));
  expect(ids).toEqual(sorted.sort((a, b) => (ranks.get(a)! < ranks.get(b)! ? -1 : 1)));
}

/** Every member of `waiting` has the position that the sorted set gives it, and the sums are right (I13). */
async function positionsAreExact(sale: string): Promise<void> {
  const snapshot = await readSnapshot(f.store, sale, null);
  const members = await f.redis.zrange(saleKey(sale, 'waiting'), '0', '-1', 'WITHSCORES');
  for (let rank = 0; rank < members.length / 2; rank += 1) {
    expect(positionOf(snapshot!.bits, Number(members[2 * rank + 1]))).toBe(rank + 1);
  }
  const { joined, ...parts } = await census(f.redis, sale);
  expect(joined).toBe(Object.values(parts).reduce((sum, part) => sum + part));
}

test('the lobby has no numbers; the draw gives 1 to N, late-comers follow, and all of it can be recomputed', async () => {
  const sale = await lobbySale(FANS);
  expect((await joinAs(sale, 'fan-7')).entry).toMatchObject({ state: 'lobby', queueNumber: null });
  const before = await published(sale);
  expect(before).toMatchObject({ state: 'committed', seed: null, ids: null, digest: null, entries: null });

  f.pass(60);
  const late = await joinAs(sale, 'late');
  expect(late).toMatchObject({ created: true, ahead: FANS, entry: { queueNumber: FANS + 1 } });
  expect((await joinAs(sale, 'fan-3')).created).toBe(false);
  expect(await published(sale)).toMatchObject({ state: 'frozen', entries: FANS, seed: null, digest: null });
  const others = [createDrawing(f.store), createDrawing(f.store)];
  await Promise.all([f.draw(sale), ...others.map((drawing) => drawing.write(sale))]);
  await Promise.all(others.map((drawing) => drawing.stop()));

  const draw = await published(sale);
  expect(draw).toMatchObject({ state: 'drawn', commitment: before.commitment, entries: FANS, beacon: null });
  recompute(draw);
  expect(new Set(draw.ids)).toEqual(new Set(Array.from({ length: FANS }, (_, i) => entryOf(`fan-${i}`))));
  for (const [i, id] of draw.ids!.entries()) {
    expect(await lookUpEntry(f.store, sale, id)).toMatchObject({ state: 'waiting', queueNumber: i + 1 });
  }
  await positionsAreExact(sale);
  expect(await census(f.redis, sale)).toMatchObject({ joined: FANS + 1, waiting: FANS + 1, ended: 0 });
});

test('what was not published before is not published: no seed, no order while the draw is being written', async () => {
  const sale = await lobbySale(40);
  f.pass(60);
  await freezeLobby(f.store, sale);
  await f.redis.hset(saleKey(sale, 'draw'), 'beaconSource', JSON.stringify({ name: 'a beacon' }));
  await f.draw(sale);
  const waiting = await published(sale);
  expect(waiting).toMatchObject({ state: 'awaitingBeacon', seed: null, ids: null, beacon: null });
  expect(waiting.digest).toMatch(/^[0-9a-f]{64}$/);
  await f.draw(sale);
  expect(await published(sale)).toEqual(waiting);
});

test('a draw that is held again after a loss of Redis does not seem to be proven by a beacon that was known before', async () => {
  const sale = await lobbySale(40);
  await f.redis.hset(saleKey(sale, 'sale'), {
    beacon: JSON.stringify({ name: 'a beacon' }),
    beaconFrom: f.now(),
    beaconGiven: JSON.stringify({ value: '17', at: new Date(f.now()).toISOString() }),
  });
  f.pass(60);
  await freezeLobby(f.store, sale);
  await f.draw(sale);
  const draw = await published(sale);
  expect(draw).toMatchObject({ state: 'drawn', beacon: null });
  expect(draw.withoutBeacon?.reason).toContain('after a loss of data');
  recompute(draw);
});

test('until the draw is written the late-comer behind it gets no turn', async () => {
  const sale = await lobbySale(700);
  f.pass(60);
  await freezeLobby(f.store, sale);
  await joinAs(sale, 'late');
  expect(await giveTurns(f.store, sale)).toBe(0);
  expect(await stateOf(sale, 'late')).toBe('waiting');
  await f.draw(sale);
  // Capacity and rate of the fixture's sale allow a thousand turns at once.
  expect(await giveTurns(f.store, sale)).toBe(701);
});

test('whoever leaves between freeze and draw leaves an empty number behind', async () => {
  const sale = await lobbySale(10);
  await leaveAs(sale, 'fan-1');
  f.pass(60);
  await freezeLobby(f.store, sale);
  expect(await leaveAs(sale, 'fan-2')).toBe('left');
  expect(await readSnapshot(f.store, sale, null)).toMatchObject({ lobby: 8, lobbyLeft: 2, waiting: 0 });
  await f.draw(sale);
  const draw = await published(sale);
  recompute(draw);
  expect(draw.ids).toHaveLength(9);
  expect(draw.ids).not.toContain(entryOf('fan-1'));
  const snapshot = await readSnapshot(f.store, sale, null);
  expect(positionOf(snapshot!.bits, draw.ids!.indexOf(entryOf('fan-2')) + 1)).toBeNull();
  expect(snapshot).toMatchObject({ lobby: 0, waiting: 8 });
});

test('an empty lobby is drawn at once and the first to join is number 1', async () => {
  const sale = await lobbySale(0);
  f.pass(61);
  expect((await joinAs(sale, 'first')).entry.queueNumber).toBe(1);
  expect(await published(sale)).toMatchObject({ state: 'drawn', entries: 0, ids: [] });
});

test('a sale that was closed before it opened has no draw', async () => {
  const sale = await lobbySale(3);
  await f.redis.hset(saleKey(sale, 'sale'), 'closedAt', f.now());
  f.pass(61);
  expect(await freezeLobby(f.store, sale)).toBe(false);
  expect(await stateOf(sale, 'fan-1')).toBe('closed');
});

test('a lobby that was read while it was open is drawn as it was when it was frozen', async () => {
  const sale = await lobbySale(2_500);
  const drawing = createDrawing(f.store);
  await drawing.readAhead(sale);
  await Promise.all([leaveAs(sale, 'fan-8'), leaveAs(sale, 'fan-2499'), joinAs(sale, 'fan-2500')]);
  await drawing.readAhead(sale);
  await Promise.all([leaveAs(sale, 'fan-2500'), joinAs(sale, 'fan-2501')]);
  f.pass(60);
  await freezeLobby(f.store, sale);
  await leaveAs(sale, 'fan-9');
  await drawing.write(sale);
  await drawing.stop();
  const draw = await published(sale);
  recompute(draw);
  expect(draw.ids).toHaveLength(2_499);
  expect(draw.ids).toContain(entryOf('fan-2501'));
  await positionsAreExact(sale);
});

test('what was read of a lobby that Redis has lost since is not believed', async () => {
  const sale = await lobbySale(30);
  const drawing = createDrawing(f.store);
  await drawing.readAhead(sale);
  await f.redis.del(saleKey(sale, 'lobby'));
  await f.redis.hdel(saleKey(sale, 'queue'), 'lobbyArrivals');
  for (let i = 40; i < 70; i += 1) await joinAs(sale, `fan-${i}`);
  f.pass(60);
  await freezeLobby(f.store, sale);
  await drawing.write(sale);
  await drawing.stop();
  const draw = await published(sale);
  recompute(draw);
  expect(new Set(draw.ids)).toEqual(new Set(Array.from({ length: 30 }, (_, i) => entryOf(`fan-${i + 40}`))));
});

test('an id that was never in the lobby is not placed', async () => {
  const sale = await lobbySale(5);
  f.pass(60);
  await freezeLobby(f.store, sale);
  await f.redis.zrem(saleKey(sale, 'frozen'), entryOf('fan-2'));
  await expect(f.draw(sale)).rejects.toThrow('4 of the 5 entries');
  expect(await f.redis.zcard(saleKey(sale, 'waiting'))).toBe(0);
  // Nor is it by a gateway that has read another lobby.
  await f.redis.hset(saleKey(sale, 'draw'), {
    state: 'drawing',
    digest: 'a digest',
    beaconSource: '{"name":"a beacon"}',
  });
  const two = entryOf('fan-1') + entryOf('stranger');
  await expect(place(f.store, sale, [0, 'a digest', two, Buffer.alloc(16)])).rejects.toThrow(
    'cannot be reached',
  );
  // However often it tries.
  await expect(place(f.store, sale, [0, 'a digest', two, Buffer.alloc(16)])).rejects.toThrow();
  await expect(place(f.store, sale, [0, 'another', two, Buffer.alloc(16)])).rejects.toThrow();
  expect(await f.redis.zcard(saleKey(sale, 'waiting'))).toBe(0);
  expect(await f.redis.zscore(saleKey(sale, 'frozen'), entryOf('stranger'))).toBeNull();
  expect(await stateOf(sale, 'fan-1')).toBe('lobby');
});

/** Everything of a sale as it is now; the returned function puts Redis back to this moment. */
async function bookmark(sale: string) {
  const names = await f.keysOf(sale);
  const values = await Promise.all(names.map((name) => f.redis.dumpBuffer(name)));
  return async () => {
    for (const name of await f.keysOf(sale)) await f.redis.del(name);
    for (const [i, name] of names.entries()) await f.redis.restore(name, 0, values[i] as Buffer);
  };
}

test('a reading of a lobby that Redis has lost, of the very same size, drops nobody and draws no stranger', async () => {
  for (const isNoticed of [true, false]) {
    const sale = await lobbySale(28);
    const back = await bookmark(sale);
    const drawing = createDrawing(f.store);
    await joinAs(sale, 'lost');
    await joinAs(sale, 'fan-28');
    await drawing.readAhead(sale);
    await leaveAs(sale, 'fan-28');
    await drawing.readAhead(sale);
    await back();
    if (isNoticed) await f.redis.hset(saleKey(sale, 'queue'), 'epoch', 2);
    await joinAs(sale, 'honest');
    await joinAs(sale, 'fan-29');
    await leaveAs(sale, 'fan-29');
    await drawing.readAhead(sale);
    f.pass(60);
    await freezeLobby(f.store, sale);
    await drawing.write(sale);
    // Where nobody has noticed the loss, the digest is published anew before anybody has a number.
    await drawing.write(sale);
    await drawing.stop();
    const draw = await published(sale);
    expect(draw).toMatchObject({ state: 'drawn', entries: 29 });
    recompute(draw);
    expect(draw.ids).toContain(entryOf('honest'));
    expect(draw.ids).not.toContain(entryOf('lost'));
  }
});

test('a clock that goes back after the freeze lets nobody into a lobby that is never drawn', async () => {
  const sale = await lobbySale(2);
  f.pass(60);
  await freezeLobby(f.store, sale);
  f.pass(-0.05);
  expect((await joinAs(sale, 'late')).entry).toMatchObject({ state: 'waiting', queueNumber: 3 });
  f.pass(0.05);
  await f.draw(sale);
  expect(await census(f.redis, sale)).toMatchObject({ joined: 3, waiting: 3, lobby: 0 });
});

test('a drawn order that is not whole any more is not published as the drawn order', async () => {
  const sale = await lobbySale(5);
  f.pass(60);
  await freezeLobby(f.store, sale);
  await f.draw(sale);
  const whole = await published(sale);
  const drawn = await f.redis.getBuffer(saleKey(sale, 'drawn'));
  for (const rest of [Buffer.alloc(0), drawn!.subarray(0, 32)]) {
    await f.redis.set(saleKey(sale, 'drawn'), rest);
    const { headers } = await publishDraws(f.store).answer(sale);
    expect(headers['cache-control']).not.toContain('immutable');
    expect(await published(sale)).toMatchObject({ state: 'unproven', seed: null, ids: null, entries: 5 });
  }
  await f.redis.set(saleKey(sale, 'drawn'), drawn!);
  expect(await published(sale)).toEqual(whole);
});

test('one gateway works on a draw; another takes it up when nothing has happened for a while', async () => {
  const sale = await lobbySale(5);
  f.pass(60);
  await freezeLobby(f.store, sale);
  const [one, other] = [createDrawing(f.store), createDrawing(f.store)];
  expect([await one.takesUp(sale), await other.takesUp(sale)]).toEqual([true, false]);
  f.pass(3);
  expect(await other.takesUp(sale)).toBe(true);
  await other.write(sale);
  f.pass(3);
  expect(await one.takesUp(sale)).toBe(false);
  await Promise.all([one.stop(), other.stop()]);
});

test('a large lobby keeps nobody waiting: turns flow while its draw is written, by two processes at once', async () => {
  const sale = await lobbySale(0);
  const fans = 30_000;
  for (let from = 0; from < fans; from += 5_000) {
    const members = Array.from({ length: 5_000 }, (_, i) => [from + i + 1, entryOf(`fan-${from + i}`)]);
    await f.redis.zadd(saleKey(sale, 'lobby'), ...(members.flat() as [number, string]));
  }
  await f.redis.hset(saleKey(sale, 'queue'), 'lobbyArrivals', fans);
  f.pass(60);
  await freezeLobby(f.store, sale);
  const other = createDrawing(f.store);
  let [drawing, given, givenBehind] = [true, 0, 0];
  const draws = Promise.all([f.draw(sale), other.write(sale)]).finally(() => {
    drawing = false;
  });
  while (drawing) {
    given += await giveTurns(f.store, sale);
    const placed = Number(await f.redis.hget(saleKey(sale, 'draw'), 'placed'));
    givenBehind = Math.max(givenBehind, given - placed);
  }
  await draws;
  await other.stop();
  expect(given).toBe(1_000);
  expect(givenBehind).toBe(0);
  const draw = await published(sale);
  recompute(draw);
  expect(draw.ids).toHaveLength(fans);
  // Together the keys of a drawn lobby are no heavier than the queue's: each id is kept once, and eight bytes beside it.
  expect(await f.redis.exists(saleKey(sale, 'frozen'), saleKey(sale, 'lobby-left'))).toBe(0);
  expect(await f.redis.strlen(saleKey(sale, 'drawn'))).toBe(8 * fans);
});

/** A store of which everything fails after so many calls, as for a process that dies. */
function dyingStore(callsLeft: number): Store {
  let left = callsLeft;
  const redis = new Proxy(f.redis, {
    get(target, name) {
      const value = Reflect.get(target, name) as unknown;
      if (typeof value !== 'function') return value;
      return (...args: unknown[]) => {
        left -= 1;
        return left < 0 ? Promise.reject(new Error('the process has died')) : value.apply(target, args);
      };
    },
  });
  return { redis, time: f.store.time };
}

test('random lobbies, with leaves at every moment, several gateways, and some that die in the middle', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.record({
        fans: fc.integer({ min: 0, max: 1_300 }),
        leaveOpen: fc.array(fc.nat(1_299), { maxLength: 20 }),
        leaveFrozen: fc.array(fc.nat(1_299), { maxLength: 20 }),
        leaveDrawing: fc.array(fc.nat(1_299), { maxLength: 20 }),
        readsAhead: fc.boolean(),
        deaths: fc.array(fc.integer({ min: 1, max: 14 }), { maxLength: 3 }),
        gateways: fc.integer({ min: 1, max: 3 }),
      }),
      async ({ fans, leaveOpen, leaveFrozen, leaveDrawing, readsAhead, deaths, gateways }) => {
        const sale = await lobbySale(fans);
        const gone = new Set<string>();
        const leave = async (numbers: number[]) => {
          for (const fan of numbers) {
            if (fan >= fans || gone.has(`fan-${fan}`)) continue;
            gone.add(`fan-${fan}`);
            await leaveAs(sale, `fan-${fan}`);
          }
        };
        const drawings = Array.from({ length: gateways }, () => createDrawing(f.store));
        if (readsAhead) await Promise.all(drawings.map((drawing) => drawing.readAhead(sale)));
        await leave(leaveOpen);
        const inLobby = fans - gone.size;
        f.pass(60);
        await freezeLobby(f.store, sale);
        await leave(leaveFrozen);
        for (const calls of deaths) {
          const dying = createDrawing(dyingStore(calls));
          await dying.write(sale).catch((error) => expect(String(error)).toMatch(/died|reached/));
          await dying.stop();
        }
        await Promise.all([leave(leaveDrawing), ...drawings.map((drawing) => drawing.write(sale))]);
        await Promise.all(drawings.map((drawing) => drawing.stop()));

        const draw = await published(sale);
        expect(draw).toMatchObject({ state: 'drawn', entries: inLobby });
        recompute(draw);
        expect(draw.ids).toHaveLength(inLobby);
        expect(await f.redis.zcard(saleKey(sale, 'waiting'))).toBe(fans - gone.size);
        await positionsAreExact(sale);
      },
    ),
    { numRuns: 6 },
  );
}, 120_000);

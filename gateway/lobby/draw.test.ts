import { createHash, createHmac } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { giveTurns } from '../admission/turn-giver.ts';
import { leavePlace, lookUpEntry, takePlace } from '../queue/place.ts';
import { readSnapshot } from '../queue/snapshot.ts';
import { positionOf } from '../queue/waiting-bits.ts';
import { saleKey } from '../redis/keys.ts';
import { census, type QueueFixture, queueFixture } from '../testing/queue-fixture.ts';
import { readDraws, writeDraw } from './draw.ts';
import { freezeLobby } from './freeze.ts';

let f: QueueFixture;
beforeAll(async () => {
  f = await queueFixture();
});
afterAll(() => f.close());

const FANS = 1_203;
const joinAs = (sale: string, keyEntry: string) => takePlace(f.store, sale, { ticketEntry: null, keyEntry });

/** A sale whose lobby is open, with fans in it. */
async function lobbySale(fans: number) {
  const sale = await f.sale({
    lobbyOpensAt: new Date(f.now() - 60_000).toISOString(),
    opensAt: new Date(f.now() + 60_000).toISOString(),
  });
  await Promise.all(Array.from({ length: fans }, (_, i) => joinAs(sale, `fan-${i}`)));
  return sale;
}

test('the lobby has no numbers; the draw gives 1 to N, late-comers follow, and all of it can be recomputed', async () => {
  const sale = await lobbySale(FANS);
  expect((await joinAs(sale, 'fan-7')).entry).toMatchObject({ state: 'lobby', queueNumber: null });
  const before = await readDraws(f.store)(sale);
  expect(before).toMatchObject({ state: 'committed', seed: null, ids: null, digest: null });

  f.pass(60);
  const late = await joinAs(sale, 'late');
  expect(late).toMatchObject({ created: true, ahead: FANS, entry: { queueNumber: FANS + 1 } });
  expect((await joinAs(sale, 'fan-3')).created).toBe(false);
  await Promise.all([writeDraw(f.store, sale), writeDraw(f.store, sale), writeDraw(f.store, sale)]);

  const draw = await readDraws(f.store)(sale);
  expect(draw.state).toBe('drawn');
  expect(draw.commitment).toBe(before.commitment);
  // Anybody's ten lines.
  const seed = Buffer.from(draw.seed!, 'hex');
  expect(createHash('sha256').update(seed).digest('hex')).toBe(draw.commitment);
  const sorted = [...draw.ids!].sort();
  const digest = createHash('sha256').update(sorted.join('\n')).digest();
  expect(digest.toString('hex')).toBe(draw.digest);
  const key = Buffer.concat([seed, digest]);
  const rank = (id: string) => createHmac('sha256', key).update(id).digest('hex');
  expect(draw.ids).toEqual(sorted.sort((a, b) => (rank(a) < rank(b) ? -1 : 1)));
  expect(new Set(draw.ids)).toEqual(new Set(Array.from({ length: FANS }, (_, i) => `fan-${i}`)));

  const snapshot = await readSnapshot(f.store, sale, null);
  for (const [i, id] of draw.ids!.entries()) {
    const entry = await lookUpEntry(f.store, sale, id);
    expect(entry).toMatchObject({ state: 'waiting', queueNumber: i + 1 });
    expect(positionOf(snapshot!.bits, i + 1)).toBe(i + 1);
  }
  expect(positionOf(snapshot!.bits, FANS + 1)).toBe(FANS + 1);
  expect(await census(f.redis, sale)).toEqual({
    joined: FANS + 1,
    lobby: 0,
    waiting: FANS + 1,
    ready: 0,
    admitted: 0,
    ended: 0,
  });
});

test('while the draw is being written the late-comer behind it gets no turn', async () => {
  const sale = await lobbySale(700);
  f.pass(60);
  await freezeLobby(f.store, sale);
  await joinAs(sale, 'late');
  expect(await giveTurns(f.store, sale)).toBe(0);
  expect((await lookUpEntry(f.store, sale, 'late'))?.state).toBe('waiting');
  await writeDraw(f.store, sale);
  // Capacity and rate of the fixture's sale allow a thousand turns at once.
  expect(await giveTurns(f.store, sale)).toBe(701);
});

test('whoever leaves between freeze and draw leaves an empty number behind', async () => {
  const sale = await lobbySale(10);
  await leavePlace(f.store, sale, 'fan-1');
  f.pass(60);
  await freezeLobby(f.store, sale);
  expect(await leavePlace(f.store, sale, 'fan-2')).toBe('left');
  await writeDraw(f.store, sale);
  const draw = await readDraws(f.store)(sale);
  expect(draw.ids).toHaveLength(9);
  expect(draw.ids).not.toContain('fan-1');
  const snapshot = await readSnapshot(f.store, sale, null);
  expect(positionOf(snapshot!.bits, draw.ids!.indexOf('fan-2') + 1)).toBeNull();
  expect(snapshot!.waiting).toBe(8);
});

test('an empty lobby is drawn at once and the first to join is number 1', async () => {
  const sale = await lobbySale(0);
  f.pass(61);
  expect((await joinAs(sale, 'first')).entry.queueNumber).toBe(1);
  expect((await readDraws(f.store)(sale)).state).toBe('drawn');
});

test('a large lobby keeps nobody waiting: turns flow while its draw is written, by two processes at once', async () => {
  const sale = await lobbySale(0);
  const ids = Array.from({ length: 30_000 }, (_, i) => `fan-${i}`);
  for (let i = 0; i < ids.length; i += 5_000)
    await f.redis.sadd(saleKey(sale, 'lobby'), ...ids.slice(i, i + 5_000));
  f.pass(60);
  await freezeLobby(f.store, sale);
  let [drawing, given, longestStallMs, lastAt] = [true, 0, 0, performance.now()];
  const draws = Promise.all([writeDraw(f.store, sale), writeDraw(f.store, sale)]).then(() => {
    drawing = false;
  });
  while (drawing) {
    given += await giveTurns(f.store, sale);
    longestStallMs = Math.max(longestStallMs, performance.now() - lastAt);
    lastAt = performance.now();
  }
  await draws;
  expect(given).toBe(1_000);
  expect(longestStallMs).toBeLessThan(500);
  const { ids: drawn } = await readDraws(f.store)(sale);
  expect(drawn).toHaveLength(30_000);
  expect(drawn).toEqual((await allSlices(f, sale, ids)).flat());
});

test('whoever left before being placed is counted once', async () => {
  const sale = await lobbySale(3);
  f.pass(60);
  await freezeLobby(f.store, sale);
  await leavePlace(f.store, sale, 'fan-1');
  const snapshot = await readSnapshot(f.store, sale, null);
  expect(snapshot).toMatchObject({ lobby: 2, lobbyLeft: 1, waiting: 0 });
  await writeDraw(f.store, sale);
  expect(await readSnapshot(f.store, sale, null)).toMatchObject({ lobby: 0, waiting: 2 });
});

/** The order by the published rule, sorted all at once. */
async function allSlices(fixture: QueueFixture, sale: string, ids: string[]): Promise<string[][]> {
  const { seed, digest } = await readDraws(fixture.store)(sale);
  const key = Buffer.concat([Buffer.from(seed!, 'hex'), Buffer.from(digest!, 'hex')]);
  const rank = new Map(ids.map((id) => [id, createHmac('sha256', key).update(id).digest('hex')]));
  return [[...ids].sort((a, b) => (rank.get(a)! < rank.get(b)! ? -1 : 1))];
}

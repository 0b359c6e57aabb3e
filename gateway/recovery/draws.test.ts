import { mkdtemp, readdir, rm, stat, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { DrawAnswer } from '#shared/contract/queue.ts';
import type { SaleDefinition } from '#shared/contract/sale.ts';
import { ownRedis } from '../../infra/testing/redis-server.ts';
import { checkAdmission, claimTurn, finishAdmission } from '../admission/admission.ts';
import type { SigningKeys } from '../admission/signing-keys.ts';
import { giveTurns } from '../admission/turn-giver.ts';
import { createDrawing } from '../lobby/draw.ts';
import { freezeLobby } from '../lobby/freeze.ts';
import { publishDraws } from '../lobby/published.ts';
import { leavePlace, lookUpEntry } from '../queue/place.ts';
import { saleKey } from '../redis/keys.ts';
import { putSale } from '../sale/live-sale.ts';
import {
  faultsOf,
  goBack,
  loseEverything,
  READMIT_SECONDS,
  RECOVERY_SECONDS,
  saveQueue,
} from '../testing/losing-redis.ts';
import { giveBeacon, lookTwice } from '../testing/lost-lobby.ts';
import { definitionAt, type QueueFixture, queueFixture } from '../testing/queue-fixture.ts';
import { type QueueGateway, queueGateway, type TestFan } from '../testing/queue-gateway.ts';
import { testSigningKeys } from '../testing/test-keys.ts';

/** Equal to SLICE in prelude/call.lua: so many numbers of a draw are written at once. */
const SLICE = 500;

let f: QueueFixture;
let keys: SigningKeys;
beforeAll(async () => {
  f = await queueFixture();
  keys = await testSigningKeys();
});
afterAll(() => f.close());

type Lobby = { sale: string; definition: SaleDefinition; gateway: QueueGateway; fans: TestFan[] };

/** A sale whose lobby is open for 100 s more, with fans in it. */
async function lobbyOf(size: number, settings: Partial<SaleDefinition> = {}, g = f): Promise<Lobby> {
  const definition = {
    ...definitionAt(g.now()),
    opensAt: new Date(g.now() + 100_000).toISOString(),
    lobbyOpensAt: new Date(g.now() - 60_000).toISOString(),
    ...settings,
  };
  const { sale } = definition;
  await putSale(g.store, definition);
  const gateway = await queueGateway(g.store);
  await gateway.queue.watch.renew(sale);
  const joins = Array.from({ length: size }, (_, i) => gateway.join(sale, `fan-${i}`));
  return { sale, definition, gateway, fans: await Promise.all(joins) };
}

/** A gateway that knows nothing of who was in a frozen lobby. */
const forgetfulGateway = (name: string) =>
  queueGateway(f.store, null, name, { ...createDrawing(f.store), frozenLobby: async () => null });

async function open(sale: string) {
  f.pass(100);
  expect(await freezeLobby(f.store, sale)).toBe(true);
}

/** Writes the first slice of the draw's numbers, as a gateway does that dies then. */
async function drawOneSlice(sale: string): Promise<void> {
  const drawing = createDrawing(f.store);
  const died = drawing.write(sale, () => Promise.reject(new Error('the process has died')));
  await expect(died).rejects.toThrow('died');
  await drawing.stop();
}

/** The sale's keys as they are now; the returned function puts Redis back to this moment. */
async function bookmark(sale: string) {
  const saved = await saveQueue(f, sale);
  return async () => {
    await goBack(f, sale, saved);
    // Restarted: whoever gives turns or numbers notices, and waits.
    expect(await giveTurns(f.store, sale)).toBe(0);
  };
}

async function pollAll(gateway: QueueGateway, fans: TestFan[]) {
  for (const fan of fans) await gateway.poll(fan);
}

async function recover(gateway: QueueGateway, sale: string, seconds = RECOVERY_SECONDS) {
  f.pass(seconds);
  await gateway.look(sale);
  await f.draw(sale);
  await gateway.look(sale);
}

async function published(sale: string): Promise<DrawAnswer> {
  const { body } = await publishDraws(f.store).answer(sale);
  return JSON.parse(Buffer.from(body).toString()) as DrawAnswer;
}

const numbersOf = (fans: TestFan[]) => fans.map(({ ticket }) => ticket.queueNumber);
const statesOf = (fans: TestFan[]) => fans.map(({ seen }) => seen.state);
const numbersTo = (last: number) => Array.from({ length: last }, (_, i) => i + 1);
const ascending = (numbers: (number | null)[]) => [...numbers].sort((a, b) => Number(a) - Number(b));
const claim = (sale: string, fan: TestFan) => claimTurn(f.store, keys, sale, fan.ticket.entry);

async function isLive(sale: string, fan: TestFan, token: string): Promise<string> {
  const claims = JSON.parse(Buffer.from(token.split('.')[1] as string, 'base64url').toString());
  const admission = { ...claims, sale, sub: fan.ticket.entry };
  return (await checkAdmission(f.store, admission, { startsPayment: false })).state;
}

test('an append-only file that ends before the draw: it is the same draw again, for those who had not asked since too', async () => {
  const own = await ownRedis({ appendfsync: 'always', 'aof-use-rdb-preamble': 'no' });
  const g = await queueFixture(own.url);
  const { sale, gateway, fans } = await lobbyOf(8, {}, g);
  const folder = join(own.folder, 'appendonlydir');
  const file = join(folder, (await readdir(folder)).find((name) => name.endsWith('.incr.aof')) as string);
  const { size } = await stat(file);
  g.pass(100);
  await freezeLobby(g.store, sale);
  await g.draw(sale);
  await gateway.look(sale);
  const before = await Promise.all(fans.map(({ ticket }) => lookUpEntry(g.store, sale, ticket.entry)));
  await pollAll(gateway, fans.slice(0, 4));

  await own.kill();
  await truncate(file, size);
  await own.start();
  await expect.poll(() => g.redis.status, { timeout: 20_000 }).toBe('ready');
  await expect.poll(() => gateway.queue.watch.remembered(sale)?.recovering, { timeout: 20_000 }).toBe(true);
  await gateway.look(sale);
  await pollAll(gateway, fans);
  g.pass(RECOVERY_SECONDS);
  await gateway.look(sale);
  await pollAll(gateway, fans);
  expect(numbersOf(fans)).toEqual(before.map((entry) => entry?.queueNumber));
  expect(await faultsOf(g, sale)).toEqual([]);
  let turns = 0;
  for (let look = 0; look < 40; look += 1) {
    g.pass(1);
    turns += await giveTurns(g.store, sale);
  }
  expect(turns).toBe(8);
  await gateway.stop();
  await g.close();
  await own.stop();
}, 60_000);

test('gateways that remember different moments of a draw bring back the later one, and no ticket loses its number', async () => {
  const { sale, definition, gateway: older, fans } = await lobbyOf(5, { capacity: 1 });
  await open(sale);
  await older.look(sale);
  await older.queue.watch.stop();
  const newer = await queueGateway(f.store);
  await f.draw(sale);
  await newer.look(sale);
  await pollAll(newer, fans);
  const numbers = numbersOf(fans);
  expect(ascending(numbers)).toEqual(numbersTo(5));
  await loseEverything(f, definition);
  for (const gateway of [older, newer]) {
    await gateway.look(sale);
    await gateway.look(sale);
    for (const fan of fans.slice(0, 3)) expect((await gateway.poll(fan)).state).toBe('waiting');
    expect(numbersOf(fans)).toEqual(numbers);
  }
  await recover(newer, sale);
  await pollAll(newer, fans);
  expect(numbersOf(fans)).toEqual(numbers);
  expect(fans.map(({ seen }) => seen.position)).toEqual(numbers);
  expect(await faultsOf(f, sale)).toEqual([]);
  await Promise.all([older.stop(), newer.stop()]);
});

test('a ticket with a number that comes before its draw is back is kept as it is, in a join too', async () => {
  const { sale, definition, gateway, fans } = await lobbyOf(5);
  const forgetful = await forgetfulGateway('forgetful');
  await open(sale);
  await f.draw(sale);
  await gateway.look(sale);
  await forgetful.look(sale);
  await pollAll(gateway, fans);
  const tickets = fans.map(({ ticket }) => ticket);
  await gateway.queue.watch.stop();
  await loseEverything(f, definition);
  // It remembers the draw, and not who was in it.
  await forgetful.look(sale);
  await forgetful.look(sale);
  for (const fan of fans)
    expect(await forgetful.poll(fan)).toMatchObject({ state: 'waiting', position: null });
  expect(fans.map(({ ticket }) => ticket)).toEqual(tickets);
  await gateway.look(sale);
  await gateway.look(sale);
  await recover(gateway, sale);
  await pollAll(gateway, fans);
  expect(numbersOf(fans)).toEqual(tickets.map(({ queueNumber }) => queueNumber));
  expect(fans.every(({ ticket }) => ticket.epoch === 2)).toBe(true);
  expect(await faultsOf(f, sale)).toEqual([]);
  await Promise.all([gateway.stop(), forgetful.stop()]);
});

test('the proof of a finished draw outlives Redis, and so do the places of those who had not asked since', async () => {
  const { sale, definition, gateway, fans } = await lobbyOf(7);
  await open(sale);
  await f.draw(sale);
  await gateway.look(sale);
  await gateway.poll(fans[0]!);
  const proof = await published(sale);
  await loseEverything(f, definition);
  expect((await published(sale)).ids).toBeNull();
  await gateway.look(sale);
  await gateway.look(sale);
  expect(await published(sale)).toEqual(proof);
  await recover(gateway, sale);
  await pollAll(gateway, fans);
  for (const fan of fans) expect(proof.ids?.[Number(fan.ticket.queueNumber) - 1]).toBe(fan.ticket.entry);
  expect(await faultsOf(f, sale)).toEqual([]);
  await gateway.stop();
});

test('what gateways remember of a lobby outlives all of them', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'admit-one-memory-'));
  const { sale, definition, gateway, fans } = await lobbyOf(6);
  const before = await queueGateway(f.store, folder);
  await open(sale);
  await f.draw(sale);
  await before.look(sale);
  const proof = await published(sale);
  await Promise.all([before.stop(), gateway.stop()]);
  await loseEverything(f, definition);
  const after = await queueGateway(f.store, folder, 'another');
  await after.look(sale);
  await after.look(sale);
  expect(await published(sale)).toEqual(proof);
  await recover(after, sale);
  await pollAll(after, fans);
  expect(ascending(numbersOf(fans))).toEqual(numbersTo(6));
  await after.stop();
  await rm(folder, { recursive: true });
});

test('a loss in the middle of a draw undoes nothing of what its front has done, and no position rises', async () => {
  const { sale, definition, gateway, fans } = await lobbyOf(SLICE + 100, { capacity: 3 });
  await open(sale);
  await drawOneSlice(sale);
  await gateway.look(sale);
  await pollAll(gateway, fans);
  const drawn = fans
    .filter(({ ticket }) => ticket.queueNumber !== null)
    .sort((a, b) => a.ticket.queueNumber! - b.ticket.queueNumber!);
  expect(numbersOf(drawn)).toEqual(numbersTo(SLICE));
  await giveTurns(f.store, sale);
  const [one, two, three, , gone] = drawn;
  await claim(sale, one!);
  await finishAdmission(f.store, sale, one!.ticket.entry, 'order-1');
  const { token } = await claim(sale, two!);
  await leavePlace(f.store, sale, gone!.ticket.entry);
  const late = await gateway.join(sale, 'late');
  await gateway.look(sale);
  await pollAll(gateway, [...drawn, late]);
  const shown = drawn.map(({ seen }) => seen);

  await loseEverything(f, definition);
  await gateway.look(sale);
  await gateway.look(sale);
  await pollAll(gateway, [...fans, late]);
  expect(fans.every(({ seen }) => seen.position === null)).toBe(true);
  f.pass(READMIT_SECONDS);
  expect(await isLive(sale, two!, token)).toBe('live');
  await recover(gateway, sale);
  await pollAll(gateway, [...fans, late]);
  expect(statesOf([one!, two!, three!, gone!])).toEqual(['finished', 'admitted', 'ready', 'left']);
  expect(drawn.map(({ seen }) => seen.position)).toEqual(shown.map(({ position }) => position));
  expect(ascending(numbersOf(fans))).toEqual(numbersTo(SLICE + 100));
  expect(late.seen).toMatchObject({ queueNumber: SLICE + 101, position: SLICE + 101 - 4 });
  expect(await faultsOf(f, sale)).toEqual([]);
  await gateway.stop();
}, 60_000);

test('however many show up before the draw is back, no number is given twice', async () => {
  const { sale, definition, gateway, fans } = await lobbyOf(3 * SLICE - 200);
  await open(sale);
  await gateway.look(sale);
  await gateway.queue.watch.stop();
  await f.draw(sale);
  const other = await queueGateway(f.store);
  await other.queue.watch.renew(sale);
  await pollAll(other, fans);
  const numbers = numbersOf(fans);
  await other.stop();
  // It has seen tickets only.
  const newcomer = await forgetfulGateway('newcomer');
  await loseEverything(f, definition);
  await newcomer.queue.watch.renew(sale);
  await pollAll(newcomer, fans.slice(0, 2 * SLICE + 100));
  await gateway.look(sale);
  await gateway.look(sale);
  await recover(gateway, sale);
  await pollAll(gateway, fans);
  expect(numbersOf(fans)).toEqual(numbers);
  expect(await faultsOf(f, sale)).toEqual([]);
  await Promise.all([gateway.stop(), newcomer.stop()]);
}, 60_000);

test('who had left a lobby before it was frozen is not drawn after a loss, and the sale goes on', async () => {
  for (const isTruncated of [true, false]) {
    const { sale, definition, gateway, fans } = await lobbyOf(6);
    f.pass(99);
    const back = await bookmark(sale);
    await leavePlace(f.store, sale, fans[5]!.ticket.entry);
    f.pass(1);
    await freezeLobby(f.store, sale);
    await gateway.look(sale);
    await (isTruncated ? back() : loseEverything(f, definition));
    await gateway.queue.watch.renew(sale);
    // Before anybody has said who was in it.
    await gateway.poll(fans[5]!);
    await gateway.look(sale);
    await gateway.look(sale);
    await pollAll(gateway, fans.slice(0, 5));
    await recover(gateway, sale);
    await pollAll(gateway, fans.slice(0, 5));
    expect(ascending(numbersOf(fans.slice(0, 5)))).toEqual(numbersTo(5));
    expect((await gateway.join(sale, 'late')).ticket.queueNumber).toBe(6);
    const gone = await gateway.poll(fans[5]!).then(
      ({ state }) => state,
      ({ code }) => code,
    );
    expect(isTruncated ? ['left'] : ['left', 'token-invalid']).toContain(gone);
    expect(await faultsOf(f, sale)).toEqual([]);
    await gateway.stop();
  }
});

test('where nobody remembers that a lobby was frozen, who came later stands behind it, and has no turn and no position before', async () => {
  const { sale, gateway, fans } = await lobbyOf(6, { capacity: 1 });
  f.pass(99);
  const back = await bookmark(sale);
  await leavePlace(f.store, sale, fans[5]!.ticket.entry);
  f.pass(1);
  await freezeLobby(f.store, sale);
  const late = await gateway.join(sale, 'late');
  expect(late.ticket.queueNumber).toBe(6);
  await gateway.stop();
  await back();
  const after = await queueGateway(f.store);
  await after.queue.watch.renew(sale);
  await after.poll(late);
  f.pass(RECOVERY_SECONDS);
  await after.look(sale);
  expect((await after.poll(late)).position).toBeNull();
  expect(await giveTurns(f.store, sale)).toBe(0);
  // One more is in the lobby than the numbers before the late-comer's: whoever came last to it has one behind.
  expect(await freezeLobby(f.store, sale)).toBe(true);
  await f.draw(sale);
  await after.look(sale);
  await pollAll(after, [...fans, late]);
  expect(ascending(numbersOf([...fans, late]))).toEqual(numbersTo(7));
  expect(numbersOf([late, fans[5]!])).toEqual([6, 7]);
  expect(late.seen.position).toBe(6);
  expect(await faultsOf(f, sale)).toEqual([]);
  await after.stop();
});

test('where nobody remembers who was in a lobby that was not drawn yet, those who show up are drawn, before all who came later', async () => {
  const { sale, definition, gateway: first, fans } = await lobbyOf(6, { capacity: 1 });
  const gateway = await forgetfulGateway('forgetful');
  await open(sale);
  const late = await first.join(sale, 'late');
  await gateway.look(sale);
  await first.stop();
  await loseEverything(f, definition);
  await gateway.look(sale);
  await gateway.look(sale);
  const there = fans.slice(1);
  await pollAll(gateway, [...there, late]);
  expect(statesOf(there)).toEqual(there.map(() => 'lobby'));
  await recover(gateway, sale);
  f.pass(10);
  await gateway.look(sale);
  await pollAll(gateway, [...there, late]);
  expect(ascending(numbersOf(there))).toEqual(numbersTo(5));
  expect(late.seen).toMatchObject({ queueNumber: 7, position: 6 });
  expect((await gateway.join(sale, 'newcomer')).ticket.queueNumber).toBe(8);
  expect(await faultsOf(f, sale)).toEqual([]);
  await gateway.stop();
});

test('where nobody remembers who was in a lobby, the numbers that were drawn stay, and the rest is given before everybody who came later', async () => {
  const { sale, definition, gateway: first, fans } = await lobbyOf(SLICE + 20, { capacity: 2 });
  const gateway = await forgetfulGateway('forgetful');
  await open(sale);
  await drawOneSlice(sale);
  await giveTurns(f.store, sale);
  await first.look(sale);
  await pollAll(first, fans);
  const drawn = fans.filter(({ ticket }) => ticket.queueNumber !== null);
  const numbers = numbersOf(drawn);
  const finished = drawn.find(({ ticket }) => ticket.queueNumber === 1)!;
  await claim(sale, finished);
  await finishAdmission(f.store, sale, finished.ticket.entry, 'order-1');
  const late = await first.join(sale, 'late');
  await gateway.look(sale);
  await first.stop();
  await loseEverything(f, definition);
  await gateway.look(sale);
  await gateway.look(sale);
  await pollAll(gateway, [...fans, late]);
  await recover(gateway, sale);
  f.pass(10);
  await gateway.look(sale);
  await pollAll(gateway, [...fans, late]);
  expect(numbersOf(drawn)).toEqual(numbers);
  expect(finished.seen.state).toBe('finished');
  expect(ascending(numbersOf(fans))).toEqual(numbersTo(SLICE + 20));
  expect(late.seen).toMatchObject({ queueNumber: SLICE + 21, position: SLICE + 21 - 2 });
  // It cannot be proven any more, and does not say so.
  expect(await published(sale)).toMatchObject({ state: 'unproven', seed: null, ids: null });
  expect((await faultsOf(f, sale)).filter((fault) => !fault.includes('draw'))).toEqual([]);
  await gateway.stop();
}, 60_000);

test('after a draw that was written again a second loss revives nobody who had finished or left', async () => {
  const { sale, definition, gateway, fans } = await lobbyOf(4);
  await open(sale);
  await gateway.look(sale);
  await loseEverything(f, definition);
  await gateway.look(sale);
  await gateway.look(sale);
  await recover(gateway, sale);
  await pollAll(gateway, fans);
  const [one, two] = fans;
  await leavePlace(f.store, sale, two!.ticket.entry);
  await giveTurns(f.store, sale);
  await claim(sale, one!);
  await finishAdmission(f.store, sale, one!.ticket.entry, 'order-1');
  await gateway.look(sale);
  await loseEverything(f, definition);
  await gateway.look(sale);
  await gateway.look(sale);
  await pollAll(gateway, fans);
  expect(statesOf(fans)).toEqual(['finished', 'left', 'ready', 'ready']);
  await recover(gateway, sale);
  expect(await faultsOf(f, sale)).toEqual([]);
  await gateway.stop();
});

test.each([true, false])(
  'Redis goes back over the moment its beacon was given: the draw goes on with it once it is durable (then: %s)',
  async (durable) => {
    const beacon = {
      name: 'b',
      rule: 'r',
      from: new Date(f.now() + 101_000).toISOString(),
      url: null,
      field: null,
    };
    const { sale, definition, gateway, fans } = await lobbyOf(4, { beacon });
    await open(sale);
    await f.draw(sale);
    f.pass(2);
    await gateway.look(sale);
    const back = await bookmark(sale);
    const given = await giveBeacon(f, definition, { value: '17' }, { isDurable: durable });
    await gateway.look(sale);
    await back();
    if (durable) await putSale(f.store, given);
    await lookTwice(gateway, sale);
    await recover(gateway, sale);
    if (!durable) {
      // No order depends on what can still be lost: it is given again.
      expect(await published(sale)).toMatchObject({ state: 'awaitingBeacon', beacon: null });
      await giveBeacon(f, definition, { value: '17' });
      await f.draw(sale);
      await gateway.look(sale);
    }
    expect(await published(sale)).toMatchObject({ state: 'drawn', beacon: '17' });
    await pollAll(gateway, fans);
    expect(ascending(numbersOf(fans))).toEqual(numbersTo(4));
    f.pass(2);
    expect(await giveTurns(f.store, sale)).toBeGreaterThan(0);
    expect(await faultsOf(f, sale)).toEqual([]);
    await gateway.stop();
  },
);

test('an order that is told of a fan whose number is not drawn again yet ends that place, and only that', async () => {
  const { sale, definition, gateway, fans } = await lobbyOf(4);
  await open(sale);
  await f.draw(sale);
  await giveTurns(f.store, sale);
  await gateway.look(sale);
  await pollAll(gateway, fans);
  const { token } = await claim(sale, fans[0]!);
  const numbers = numbersOf(fans);
  // Not written again at once: somebody else has to.
  const idle = { ...createDrawing(f.store), write: async () => undefined };
  const after = await queueGateway(f.store, null, 'after', idle);
  await after.look(sale);
  await gateway.stop();
  await loseEverything(f, definition);
  await after.look(sale);
  await after.look(sale);
  expect(await f.redis.zcard(saleKey(sale, 'frozen'))).toBe(4);
  await finishAdmission(f.store, sale, fans[1]!.ticket.entry, 'order-1');
  f.pass(READMIT_SECONDS);
  expect(await isLive(sale, fans[0]!, token)).toBe('live');
  await f.draw(sale);
  await after.look(sale);
  await recover(after, sale);
  await pollAll(after, fans);
  expect(statesOf(fans)).toEqual(['admitted', 'finished', 'ready', 'ready']);
  expect(numbersOf(fans)).toEqual(numbers);
  expect(await faultsOf(f, sale)).toEqual([]);
  await after.stop();
});

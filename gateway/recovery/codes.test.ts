import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { SaleDefinition } from '#shared/contract/sale.ts';
import { claimTurn, finishAdmission } from '../admission/admission.ts';
import type { SigningKeys } from '../admission/signing-keys.ts';
import { giveTurns } from '../admission/turn-giver.ts';
import { ACCESS_CODE_OPENINGS_PER_USE } from '../queue/access-code.ts';
import { leavePlace, takePlace } from '../queue/place.ts';
import { putSale } from '../sale/live-sale.ts';
import {
  faultsOf,
  goBack,
  holdersOf,
  loseEverything,
  RECOVERY_SECONDS,
  saveQueue,
} from '../testing/losing-redis.ts';
import { definitionAt, type QueueFixture, queueFixture } from '../testing/queue-fixture.ts';
import { queueGateway, type TestFan } from '../testing/queue-gateway.ts';
import { testSigningKeys } from '../testing/test-keys.ts';

let f: QueueFixture;
let keys: SigningKeys;
beforeAll(async () => {
  f = await queueFixture();
  keys = await testSigningKeys();
});
afterAll(() => f.close());

const CODES = ['a', 'b', 'c', 'd'];

async function presale(settings: Partial<SaleDefinition> = {}) {
  const definition = { ...definitionAt(f.now()), capacity: 1, accessCodeUses: 1, ...settings };
  await putSale(f.store, definition, CODES);
  return definition;
}

const entryOf = ({ ticket }: TestFan) => ticket.entry;
const leave = (sale: string, fan: TestFan) => leavePlace(f.store, sale, entryOf(fan));
const stranger = (sale: string, code: string, keyEntry = `stranger-${code}`) =>
  takePlace(f.store, sale, { ticketEntry: null, keyEntry }, code);
const taken = { code: 'forbidden' };

test('codes that were used up are used up after Redis is empty, until a place ends as it would have without', async () => {
  const definition = await presale();
  const { sale } = definition;
  const gateway = await queueGateway(f.store);
  await gateway.queue.watch.renew(sale);
  const buys = await gateway.join(sale, 'buys', 'a');
  await giveTurns(f.store, sale);
  await claimTurn(f.store, keys, sale, entryOf(buys));
  await finishAdmission(f.store, sale, entryOf(buys), 'order-1');
  const shops = await gateway.join(sale, 'shops', 'b');
  await giveTurns(f.store, sale);
  await claimTurn(f.store, keys, sale, entryOf(shops));
  const waits = await gateway.join(sale, 'waits', 'c');
  const gone = await gateway.join(sale, 'gone', 'd');
  await leave(sale, gone);
  await gateway.look(sale);
  await loseEverything(f, definition, CODES);
  for (let time = 1; time <= 3; time += 1) await gateway.look(sale);
  for (const fan of [buys, shops, waits, gone]) await gateway.poll(fan);
  expect([buys, shops, waits, gone].map(({ seen }) => seen.state)).toEqual([
    'finished',
    'admitted',
    'waiting',
    'left',
  ]);
  f.pass(RECOVERY_SECONDS);
  await gateway.look(sale);
  for (const code of ['a', 'b', 'c']) await expect(stranger(sale, code)).rejects.toMatchObject(taken);
  expect(await stranger(sale, 'd')).toMatchObject({ created: true });
  for (const [code, fan] of [
    ['a', buys],
    ['b', shops],
    ['c', waits],
  ] as const)
    expect(await holdersOf(f, sale, code)).toEqual([entryOf(fan)]);
  await leave(sale, waits);
  await stranger(sale, 'c');
  f.pass(901);
  await giveTurns(f.store, sale);
  await stranger(sale, 'b');
  await expect(stranger(sale, 'a')).rejects.toMatchObject(taken);
  expect(await faultsOf(f, sale)).toEqual([]);
  await gateway.stop();
});

test('what a truncated file lacks of codes comes back, of two losses in a row too, and a newer word wins', async () => {
  const definition = await presale({ accessCodeUses: 2 });
  const { sale } = definition;
  const gateway = await queueGateway(f.store);
  await gateway.queue.watch.renew(sale);
  const first = await gateway.join(sale, 'first', 'a');
  const gone = await gateway.join(sale, 'gone', 'b');
  await gateway.look(sale);
  const saved = await saveQueue(f, sale);
  await leave(sale, gone);
  const second = await gateway.join(sale, 'second', 'a');
  await gateway.look(sale);
  await goBack(f, sale, saved);
  for (let time = 1; time <= 3; time += 1) await gateway.look(sale);
  expect(await holdersOf(f, sale, 'a')).toEqual([entryOf(first), '~3'].sort());
  expect(await holdersOf(f, sale, 'b')).toEqual([]);
  f.pass(RECOVERY_SECONDS);
  await gateway.look(sale);
  await expect(stranger(sale, 'a')).rejects.toMatchObject(taken);
  await loseEverything(f, definition, CODES);
  for (let time = 1; time <= 2; time += 1) await gateway.look(sale);
  for (const fan of [first, second, gone]) await gateway.poll(fan);
  expect(await holdersOf(f, sale, 'a')).toEqual([entryOf(first), entryOf(second)].sort());
  f.pass(RECOVERY_SECONDS);
  await leave(sale, second);
  await stranger(sale, 'a');
  await expect(stranger(sale, 'a', 'another')).rejects.toMatchObject(taken);
  await gateway.stop();
});

test('gateways with different memories of codes bring back the newer, in whatever order they come', async () => {
  for (const newerFirst of [true, false]) {
    const definition = await presale({ accessCodeUses: 2 });
    const { sale } = definition;
    const [older, newer] = [await queueGateway(f.store), await queueGateway(f.store)];
    const early = await older.join(sale, 'early', 'a');
    const gone = await older.join(sale, 'gone', 'a');
    await older.look(sale);
    await older.queue.watch.stop();
    await leave(sale, gone);
    const late = await newer.join(sale, 'late', 'b');
    await newer.look(sale);
    await loseEverything(f, definition, CODES);
    const order = newerFirst ? [newer, older] : [older, newer];
    for (const gateway of [...order, ...order]) await gateway.look(sale);
    for (const fan of [early, gone, late]) await newer.poll(fan);
    expect(await holdersOf(f, sale, 'a')).toEqual([entryOf(early)]);
    expect(await holdersOf(f, sale, 'b')).toEqual([entryOf(late)]);
    for (const gateway of order) await gateway.stop();
  }
});

test('what only a gateway’s file of the epoch before says of a code counts', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'admit-one-memory-'));
  const definition = await presale();
  const { sale } = definition;
  const [one, two] = [await queueGateway(f.store, folder, 'one'), await queueGateway(f.store, folder, 'two')];
  await one.queue.watch.renew(sale);
  const first = await one.join(sale, 'first', 'a');
  await one.look(sale);
  await one.queue.watch.stop();
  const second = await two.join(sale, 'second', 'b');
  await two.look(sale);
  await two.stop();
  await loseEverything(f, definition, CODES);
  await one.look(sale);
  await one.look(sale);
  await one.stop();
  await loseEverything(f, definition, CODES);
  const three = await queueGateway(f.store, folder, 'three');
  await three.look(sale);
  f.pass(RECOVERY_SECONDS / 2 + 3);
  await three.look(sale);
  await three.poll(first);
  await three.poll(second);
  expect(await holdersOf(f, sale, 'a')).toEqual([entryOf(first)]);
  expect(await holdersOf(f, sale, 'b')).toEqual([entryOf(second)]);
  await three.stop();
  await rm(folder, { recursive: true });
});

test('who leaves during the recovery gives the code back, whether that is before or after it is brought back', async () => {
  for (const isBefore of [true, false]) {
    const definition = await presale();
    const { sale } = definition;
    const gateway = await queueGateway(f.store);
    const fan = await gateway.join(sale, 'fan', 'a');
    await gateway.look(sale);
    await loseEverything(f, definition, CODES);
    await gateway.queue.watch.renew(sale);
    if (!isBefore) await gateway.look(sale);
    await gateway.poll(fan);
    expect(await leave(sale, fan)).toBe('left');
    await gateway.look(sale);
    await gateway.look(sale);
    expect(await holdersOf(f, sale, 'a')).toEqual([]);
    f.pass(RECOVERY_SECONDS);
    expect(await stranger(sale, 'a')).toMatchObject({ created: true });
    await gateway.stop();
  }
});

test('whoever does not show up keeps the code for as long as a missed turn does, then it is free', async () => {
  const definition = await presale({ graceSeconds: 300 });
  const { sale } = definition;
  const gateway = await queueGateway(f.store);
  await gateway.join(sale, 'absent', 'a');
  const there = await gateway.join(sale, 'there', 'b');
  await gateway.look(sale);
  await loseEverything(f, definition, CODES);
  await gateway.look(sale);
  await gateway.look(sale);
  await gateway.poll(there);
  f.pass(RECOVERY_SECONDS);
  await giveTurns(f.store, sale);
  await gateway.look(sale);
  expect((await gateway.poll(there)).state).toBe('ready');
  f.pass(299);
  await expect(stranger(sale, 'a')).rejects.toMatchObject(taken);
  f.pass(1);
  expect(await stranger(sale, 'a')).toMatchObject({ created: true });
  await gateway.stop();
});

test('whoever misses a turn after one loss has the code, and the way back, after another', async () => {
  const definition = await presale({ graceSeconds: 86_400, claimSeconds: 20 });
  const { sale } = definition;
  const gateway = await queueGateway(f.store);
  await gateway.queue.watch.renew(sale);
  const fan = await gateway.join(sale, 'fan', 'a');
  const lose = async () => {
    await gateway.look(sale);
    await loseEverything(f, definition, CODES);
    for (let time = 1; time <= 3; time += 1) await gateway.look(sale);
  };
  await lose();
  // What stood in for it gives its use to it.
  await gateway.poll(fan);
  f.pass(RECOVERY_SECONDS);
  for (let second = 0; second < 60; second += 10) {
    await giveTurns(f.store, sale);
    f.pass(10);
  }
  await giveTurns(f.store, sale);
  await gateway.look(sale);
  await lose();
  expect(await holdersOf(f, sale, 'a')).toHaveLength(1);
  expect(await gateway.poll(fan)).toMatchObject({ state: 'missed', returning: true });
  expect(await holdersOf(f, sale, 'a')).toEqual([entryOf(fan)]);
  expect(await faultsOf(f, sale)).toEqual([]);
  await gateway.stop();
});

test('who had missed a turn for good does not come back for another while somebody else has the code', async () => {
  for (const isTruncated of [true, false]) {
    const definition = await presale({ claimSeconds: 10, graceSeconds: 300 });
    const { sale } = definition;
    const gateway = await queueGateway(f.store);
    const gone = await gateway.join(sale, 'gone', 'a');
    await giveTurns(f.store, sale);
    f.pass(10);
    await giveTurns(f.store, sale);
    const saved = await saveQueue(f, sale);
    f.pass(300);
    const other = await gateway.join(sale, 'other', 'a');
    await gateway.look(sale);
    if (isTruncated) await goBack(f, sale, saved);
    else await loseEverything(f, definition, CODES);
    for (let time = 1; time <= 3; time += 1) await gateway.look(sale);
    expect(await gateway.poll(gone)).toMatchObject({ state: 'missed', returning: false });
    expect(await gateway.poll(other)).toMatchObject({ state: 'waiting', queueNumber: 2 });
    expect(await holdersOf(f, sale, 'a')).toEqual([entryOf(other)]);
    await gateway.stop();
  }
});

test('a lobby’s codes come back with those who do, and how often a code has opened a place does in any case', async () => {
  const definition = await presale({
    opensAt: new Date(f.now() + 600_000).toISOString(),
    lobbyOpensAt: new Date(f.now() - 60_000).toISOString(),
  });
  const { sale } = definition;
  const gateway = await queueGateway(f.store);
  const there = await gateway.join(sale, 'there', 'a');
  await gateway.join(sale, 'absent', 'b');
  for (let time = 1; time <= ACCESS_CODE_OPENINGS_PER_USE; time += 1)
    await leave(sale, await gateway.join(sale, 'restless', 'c'));
  await gateway.look(sale);
  await loseEverything(f, definition, CODES);
  await gateway.look(sale);
  await gateway.look(sale);
  expect((await gateway.poll(there)).state).toBe('lobby');
  f.pass(RECOVERY_SECONDS);
  await expect(stranger(sale, 'a')).rejects.toMatchObject(taken);
  await expect(stranger(sale, 'b')).rejects.toMatchObject(taken);
  await expect(stranger(sale, 'c')).rejects.toMatchObject({ message: expect.stringMatching(/too often/) });
  f.pass(900);
  expect(await stranger(sale, 'b')).toMatchObject({ created: true });
  await expect(stranger(sale, 'a')).rejects.toMatchObject(taken);
  expect(await holdersOf(f, sale, 'a')).toEqual([entryOf(there)]);
  await gateway.stop();
});

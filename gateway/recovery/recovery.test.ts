import { mkdtemp, readdir, rm, stat, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { SaleDefinition } from '#shared/contract/sale.ts';
import { ownRedis } from '../../infra/testing/redis-server.ts';
import { judgeQueue } from '../../infra/verify/queue/judge.ts';
import { queueReader } from '../../infra/verify/queue/read.ts';
import { checkAdmission, claimTurn, finishAdmission } from '../admission/admission.ts';
import type { SigningKeys } from '../admission/signing-keys.ts';
import { giveTurns } from '../admission/turn-giver.ts';
import { freezeLobby } from '../lobby/freeze.ts';
import { leavePlace, takePlace } from '../queue/place.ts';
import { saleKey } from '../redis/keys.ts';
import { putSale } from '../sale/live-sale.ts';
import {
  faultsOf,
  joinMany,
  loseEverything,
  READMIT_SECONDS,
  RECOVERY_SECONDS,
} from '../testing/losing-redis.ts';
import { afterEachCall, definitionAt, type QueueFixture, queueFixture } from '../testing/queue-fixture.ts';
import { queueGateway, type TestFan } from '../testing/queue-gateway.ts';
import { testSigningKeys } from '../testing/test-keys.ts';

let f: QueueFixture;
let keys: SigningKeys;
beforeAll(async () => {
  f = await queueFixture();
  keys = await testSigningKeys();
});
afterAll(() => f.close());

async function openSale(settings: Partial<SaleDefinition> = {}) {
  const definition = { ...definitionAt(f.now()), ...settings };
  await putSale(f.store, definition);
  return { sale: definition.sale, definition };
}

const claim = (sale: string, fan: TestFan) => claimTurn(f.store, keys, sale, fan.ticket.entry);
const claimsOf = (sale: string, fan: TestFan, token: string) => {
  const claims = JSON.parse(Buffer.from(token.split('.')[1] as string, 'base64url').toString());
  return { ...claims, sale, sub: fan.ticket.entry };
};

/** The file that a running server appends to. */
async function appendOnlyFile(folder: string): Promise<string> {
  const files = await readdir(join(folder, 'appendonlydir'));
  return join(folder, 'appendonlydir', files.find((name) => name.endsWith('.incr.aof')) as string);
}

test('emptied in the middle: everybody who shows up has their place, nobody is overtaken, what had ended has ended', async () => {
  const { sale, definition } = await openSale({ capacity: 4 });
  const [one, two] = [await queueGateway(f.store), await queueGateway(f.store)];
  await one.queue.watch.renew(sale);
  const fans = await joinMany(one, sale, 20);
  await giveTurns(f.store, sale);
  const shopping = await claim(sale, fans[0]!);
  const bought = await claim(sale, fans[1]!);
  await finishAdmission(f.store, sale, fans[1]!.ticket.entry, 'order-1');
  await leavePlace(f.store, sale, fans[9]!.ticket.entry);
  for (const gateway of [one, two]) await gateway.look(sale);
  const before = new Map<TestFan, number>();
  for (const fan of fans.slice(4)) {
    const { position } = await one.poll(fan);
    if (position !== null) before.set(fan, position);
  }
  await loseEverything(f, definition);
  await one.look(sale);
  await two.look(sale);

  // Who is inside goes on, who has bought does not come back.
  f.pass(READMIT_SECONDS);
  const inside = await checkAdmission(f.store, claimsOf(sale, fans[0]!, shopping.token), {
    startsPayment: false,
  });
  expect(inside.state).toBe('live');
  const over = await checkAdmission(f.store, claimsOf(sale, fans[1]!, bought.token), {
    startsPayment: false,
  });
  expect(over.state).toBe('finished');
  // During the recovery there is no position, no turn and no new number.
  const seen = new Map<TestFan, string>();
  for (const fan of fans.filter((_, i) => i !== 12)) {
    const status = await two.poll(fan);
    expect(status.position).toBeNull();
    expect(fan.ticket.epoch).toBe(2);
    seen.set(fan, status.state);
  }
  expect([...seen.values()].slice(0, 11)).toEqual([
    'admitted',
    'finished',
    'ready',
    'ready',
    'waiting',
    'waiting',
    'waiting',
    'waiting',
    'waiting',
    'left',
    'waiting',
  ]);
  expect(await giveTurns(f.store, sale)).toBe(0);
  await expect(one.join(sale, 'newcomer')).rejects.toMatchObject({ code: 'unavailable' });
  expect(await faultsOf(f, sale)).toEqual([]);

  f.pass(RECOVERY_SECONDS);
  for (const gateway of [one, two]) await gateway.look(sale);
  for (const [fan, position] of before) {
    const status = await one.poll(fan);
    expect(status.position).toBeLessThanOrEqual(position);
    expect(status.queueNumber).toBe(fan.ticket.queueNumber);
  }
  expect((await one.join(sale, 'newcomer')).ticket.queueNumber).toBe(21);
  expect(await faultsOf(f, sale)).toEqual([]);
  await one.stop();
  await two.stop();
});

test('an admission that has bought books nothing new before that is brought back either', async () => {
  const definition = { ...definitionAt(f.now()), capacity: 4 };
  const { sale } = definition;
  await putSale(f.store, definition);
  const gateway = await queueGateway(f.store);
  await gateway.queue.watch.renew(sale);
  const [fan] = await joinMany(gateway, sale, 1);
  await giveTurns(f.store, sale);
  const { token } = await claimTurn(f.store, keys, sale, fan!.ticket.entry);
  await finishAdmission(f.store, sale, fan!.ticket.entry, 'order-1');
  await gateway.look(sale);
  await loseEverything(f, definition);
  // Seen, and nothing is brought back yet.
  await gateway.queue.watch.renew(sale);
  const check = async (startsPayment: boolean) =>
    (await checkAdmission(f.store, claimsOf(sale, fan!, token), { startsPayment })).state;
  expect([await check(false), await check(true)]).toEqual(['early', 'early']);
  await gateway.look(sale);
  expect([await check(false), await check(true)]).toEqual(['finished', 'finished']);
  f.pass(READMIT_SECONDS);
  expect(await check(true)).toBe('finished');
  await gateway.stop();
});

test('whoever does not show up is passed over, and gets the next free turn when they do', async () => {
  const { sale, definition } = await openSale({ capacity: 2 });
  const gateway = await queueGateway(f.store);
  await gateway.queue.watch.renew(sale);
  const fans = await joinMany(gateway, sale, 6);
  await gateway.look(sale);
  await loseEverything(f, definition);
  await gateway.look(sale);
  for (const fan of fans.slice(2)) await gateway.poll(fan);
  f.pass(RECOVERY_SECONDS);
  expect(await giveTurns(f.store, sale)).toBe(2);
  await gateway.look(sale);
  expect((await gateway.poll(fans[2]!)).state).toBe('ready');
  expect((await gateway.poll(fans[3]!)).state).toBe('ready');
  expect(await gateway.poll(fans[0]!)).toMatchObject({ state: 'missed', returning: true });
  await leavePlace(f.store, sale, fans[2]!.ticket.entry);
  f.pass(10);
  await giveTurns(f.store, sale);
  expect((await gateway.poll(fans[0]!)).state).toBe('ready');
  expect(await faultsOf(f, sale)).toEqual([]);
  await gateway.stop();
});

test('however many at the front do not show up, whoever is there gets the turn at once', async () => {
  const { sale } = await openSale({ capacity: 10, admitPerMinute: 60_000 });
  const ABSENT = 5_000;
  await f.redis.hset(saleKey(sale, 'queue'), 'epoch', 2, 'next', ABSENT, 'joined', ABSENT);
  const bits = Buffer.alloc(ABSENT / 8 + 1);
  const members: (string | number)[] = [];
  for (let number = 1; number <= ABSENT; number += 1) {
    members.push(number, `~${number}`);
    bits.writeUInt8(bits.readUInt8(number >> 3) | (0x80 >> (number & 7)), number >> 3);
  }
  await f.redis.zadd(saleKey(sale, 'waiting'), ...(members as [number, string]));
  await f.redis.set(saleKey(sale, 'waiting-bits'), bits);
  const { entry } = await takePlace(f.store, sale, { ticketEntry: null, keyEntry: 'there' });
  expect(entry.queueNumber).toBe(ABSENT + 1);
  while ((await f.redis.zcard(saleKey(sale, 'waiting'))) > 0) await giveTurns(f.store, sale);
  expect(await f.redis.zrange(saleKey(sale, 'ready'), '0', '-1')).toEqual(['there']);
  expect(await f.redis.bitcount(saleKey(sale, 'waiting-bits'))).toBe(0);
  expect(await faultsOf(f, sale)).toEqual([]);
});

test('a lobby fan whose join alone is lost is not told that all is well, but brought back by the ticket', async () => {
  const { sale, definition } = await openSale({
    opensAt: new Date(f.now() + 120_000).toISOString(),
    lobbyOpensAt: new Date(f.now() - 60_000).toISOString(),
  });
  const before = await queueGateway(f.store);
  const fans = [await before.join(sale, 'a'), await before.join(sale, 'b')];
  await leavePlace(f.store, sale, (await before.join(sale, 'gone')).ticket.entry);
  await before.look(sale);
  const saved: [string, Buffer][] = [];
  for (const key of await f.keysOf(sale)) saved.push([key, (await f.redis.dumpBuffer(key)) as Buffer]);
  const late = await before.join(sale, 'late');
  await before.poll(late);
  await before.stop();
  for (const key of await f.keysOf(sale)) await f.redis.del(key);
  for (const [key, value] of saved) await f.redis.restore(key, 0, value);
  await putSale(f.store, definition);

  const after = await queueGateway(f.store);
  await after.look(sale);
  for (const fan of [late, ...fans]) await after.poll(fan);
  expect(await f.redis.zcard(saleKey(sale, 'lobby'))).toBe(3);
  expect(late.seen.state).toBe('lobby');
  expect(late.ticket.epoch).toBe(2);
  await after.stop();
});

test('whoever is there at the front has the turn in the very first call, however many behind them are not', async () => {
  const { sale } = await openSale({ capacity: 10, admitPerMinute: 600 });
  const { entry } = await takePlace(f.store, sale, { ticketEntry: null, keyEntry: 'there' });
  const ABSENT = 3_000;
  const members: (string | number)[] = [];
  for (let number = 2; number <= ABSENT; number += 1) members.push(number, `~${number}`);
  await f.redis.hset(saleKey(sale, 'queue'), 'epoch', 2, 'next', ABSENT, 'joined', ABSENT);
  await f.redis.zadd(saleKey(sale, 'waiting'), ...(members as [number, string]));
  let first = '';
  const watched = afterEachCall(f.store, async () => {
    first ||= String(await f.redis.zrange(saleKey(sale, 'ready'), '0', '-1'));
  });
  await giveTurns(watched, sale);
  expect(first).toBe(entry.id);
});

test('without any gateway that remembers, the tickets alone rebuild the queue', async () => {
  const { sale, definition } = await openSale({ capacity: 1 });
  const before = await queueGateway(f.store);
  await before.queue.watch.renew(sale);
  const fans = await joinMany(before, sale, 5);
  await before.stop();
  await loseEverything(f, definition);
  const after = await queueGateway(f.store);
  await after.queue.watch.renew(sale);
  for (const fan of [fans[3]!, fans[1]!, fans[4]!]) {
    expect(await after.poll(fan)).toMatchObject({ state: 'waiting', position: null });
  }
  await expect(takePlace(f.store, sale, { ticketEntry: null, keyEntry: null })).rejects.toMatchObject({
    code: 'unavailable',
  });
  f.pass(RECOVERY_SECONDS);
  await after.look(sale);
  const positions = [];
  for (const fan of [fans[1]!, fans[3]!, fans[4]!]) positions.push((await after.poll(fan)).position);
  expect(positions).toEqual([1, 2, 3]);
  // Too late: the number might be another fan's by now.
  await expect(after.poll(fans[0]!)).rejects.toMatchObject({ code: 'token-invalid' });
  expect((await after.join(sale, 'newcomer')).ticket.queueNumber).toBe(6);
  await after.stop();
});

test('what gateways remember outlives all of them: their files bring it back', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'admit-one-memory-'));
  const { sale, definition } = await openSale({ capacity: 1 });
  const before = await queueGateway(f.store, folder);
  await before.queue.watch.renew(sale);
  const fans = await joinMany(before, sale, 8);
  await leavePlace(f.store, sale, fans[2]!.ticket.entry);
  await before.look(sale);
  await before.stop();
  await loseEverything(f, definition);
  const after = await queueGateway(f.store, folder, 'another');
  await after.look(sale);
  expect(after.queue.watch.remembered(sale)).toMatchObject({ epoch: 2, recovering: true, lastNumber: 8 });
  expect((await after.poll(fans[2]!)).state).toBe('left');
  f.pass(RECOVERY_SECONDS);
  await after.look(sale);
  // Six are still ahead, whether or not they have shown up.
  expect((await after.poll(fans[7]!)).position).toBe(7);
  expect(await faultsOf(f, sale)).toEqual([]);
  await after.stop();
  await rm(folder, { recursive: true });
});

test('gateways with different memories bring back the newer of each number, in whatever order they come', async () => {
  for (const newerFirst of [true, false]) {
    const { sale, definition } = await openSale({ capacity: 2 });
    const [older, newer] = [await queueGateway(f.store), await queueGateway(f.store)];
    await older.queue.watch.renew(sale);
    const fans = await joinMany(newer, sale, 6);
    await older.look(sale);
    await older.stop();
    await giveTurns(f.store, sale);
    await leavePlace(f.store, sale, fans[4]!.ticket.entry);
    const late = await newer.join(sale, 'late');
    await newer.look(sale);
    await loseEverything(f, definition);
    // Its process has stopped looking by itself, so that it does when it is told to.
    const order = newerFirst ? [newer, older] : [older, newer];
    for (const gateway of order) await gateway.look(sale);
    for (const gateway of order) await gateway.look(sale);
    for (const fan of [...fans, late]) await newer.poll(fan);
    expect(fans.map(({ seen }) => seen.state)).toEqual([
      'ready',
      'ready',
      'waiting',
      'waiting',
      'left',
      'waiting',
    ]);
    expect(late.seen).toMatchObject({ state: 'waiting', queueNumber: 7 });
    f.pass(RECOVERY_SECONDS);
    await newer.look(sale);
    expect((await newer.poll(late)).position).toBe(4);
    expect(await faultsOf(f, sale)).toEqual([]);
    await newer.stop();
  }
});

test('a forged ticket, and a ticket of another sale, bring nothing back and begin nothing', async () => {
  const { sale } = await openSale();
  const gateway = await queueGateway(f.store);
  await gateway.queue.watch.renew(sale);
  const text = gateway.queue.tickets.sign({ sale, entry: 'AAAAAAAAAAA', queueNumber: 3, epoch: 1 });
  expect(gateway.queue.tickets.verify(`${text.slice(0, -2)}xx`)).toBeNull();
  expect(await f.redis.hget(saleKey(sale, 'queue'), 'epoch')).toBeNull();
  await gateway.stop();
});

test('a restarted Redis that has kept everything gives no number and no turn until every gateway has looked', async () => {
  const own = await ownRedis({ appendfsync: 'always' });
  const g = await queueFixture(own.url);
  const sale = await g.sale({ capacity: 1 });
  const gateway = await queueGateway(g.store);
  await gateway.queue.watch.renew(sale);
  const fan = await gateway.join(sale, 'fan');
  await own.kill();
  await own.start();
  await expect.poll(() => g.redis.status, { timeout: 20_000 }).toBe('ready');
  await expect(gateway.join(sale, 'another')).rejects.toMatchObject({ code: 'unavailable' });
  expect(await giveTurns(g.store, sale)).toBe(0);
  g.pass(3);
  expect(await giveTurns(g.store, sale)).toBe(1);
  expect((await gateway.join(sale, 'another')).ticket).toMatchObject({ queueNumber: 2, epoch: 1 });
  expect((await gateway.poll(fan)).state).toBe('ready');
  await gateway.stop();
  await g.close();
  await own.stop();
}, 60_000);

test('an append-only file that ends two seconds early: what it lacks comes from memories, tickets and tokens', async () => {
  const own = await ownRedis({ appendfsync: 'always', 'aof-use-rdb-preamble': 'no' });
  const g = await queueFixture(own.url);
  const sale = await g.sale({ capacity: 3 });
  const gateway = await queueGateway(g.store);
  await gateway.queue.watch.renew(sale);
  const fans = await joinMany(gateway, sale, 10);
  await giveTurns(g.store, sale);
  const shops = (fan: TestFan) => claimTurn(g.store, keys, sale, fan.ticket.entry);
  const bought = await shops(fans[0]!);
  const file = await appendOnlyFile(own.folder);
  const { size } = await stat(file);

  // The last two seconds: an order, a turn, a claim, a leave, a join.
  await finishAdmission(g.store, sale, fans[0]!.ticket.entry, 'order-1');
  const claimed = await shops(fans[1]!);
  await giveTurns(g.store, sale);
  await leavePlace(g.store, sale, fans[6]!.ticket.entry);
  const late = await gateway.join(sale, 'late');
  await gateway.look(sale);
  const positions = new Map<TestFan, number>();
  for (const fan of [...fans.slice(4), late]) {
    const { position } = await gateway.poll(fan);
    if (position !== null) positions.set(fan, position);
  }
  const latest = await gateway.join(sale, 'latest');

  await own.kill();
  await truncate(file, size);
  await own.start();
  await expect.poll(() => g.redis.status, { timeout: 20_000 }).toBe('ready');
  await expect.poll(() => gateway.queue.watch.remembered(sale)?.recovering, { timeout: 20_000 }).toBe(true);
  await gateway.look(sale);
  g.pass(READMIT_SECONDS);
  const check = (fan: TestFan, token: string) =>
    checkAdmission(g.store, claimsOf(sale, fan, token), { startsPayment: false });
  expect((await check(fans[0]!, bought.token)).state).toBe('finished');
  expect((await check(fans[1]!, claimed.token)).state).toBe('live');
  for (const fan of [...fans, late, latest]) expect((await gateway.poll(fan)).position).toBeNull();
  expect(fans.slice(0, 8).map(({ seen }) => seen.state)).toEqual([
    'finished',
    'admitted',
    'ready',
    'ready',
    'waiting',
    'waiting',
    'left',
    'waiting',
  ]);
  expect(await giveTurns(g.store, sale)).toBe(0);
  g.pass(RECOVERY_SECONDS);
  await gateway.look(sale);
  for (const [fan, position] of positions) {
    expect((await gateway.poll(fan)).position).toBeLessThanOrEqual(position);
  }
  expect(await gateway.poll(latest)).toMatchObject({ queueNumber: 12, position: positions.get(late)! + 1 });
  expect((await gateway.join(sale, 'newcomer')).ticket.queueNumber).toBe(13);
  const reader = queueReader(g.redis, sale, () => g.now());
  const verdict = await judgeQueue(reader, { patienceMs: 0, capacityInForce: ({ capacity }) => capacity });
  expect([...(verdict?.findings.values() ?? [])].flat()).toEqual([]);
  await gateway.stop();
  await g.close();
  await own.stop();
}, 60_000);

test('a lobby comes back by its tickets, with the commitment that was published', async () => {
  const opensAt = new Date(f.now() + 600_000).toISOString();
  const lobbyOpensAt = new Date(f.now() - 60_000).toISOString();
  const { sale, definition } = await openSale({ opensAt, lobbyOpensAt });
  const gateway = await queueGateway(f.store);
  await gateway.queue.watch.renew(sale);
  const fans = await joinMany(gateway, sale, 5);
  const { commitment } = await f.redis.hgetall(saleKey(sale, 'draw'));
  await gateway.look(sale);
  await loseEverything(f, definition);
  expect((await f.redis.hgetall(saleKey(sale, 'draw'))).commitment).not.toBe(commitment);
  await gateway.look(sale);
  for (const fan of fans) expect((await gateway.poll(fan)).state).toBe('lobby');
  expect((await f.redis.hgetall(saleKey(sale, 'draw'))).commitment).toBe(commitment);
  f.pass(600);
  expect(await freezeLobby(f.store, sale)).toBe(true);
  await f.draw(sale);
  await gateway.look(sale);
  const numbers = [];
  for (const fan of fans) numbers.push((await gateway.poll(fan)).queueNumber);
  expect(numbers.sort()).toEqual([1, 2, 3, 4, 5]);
  expect(await faultsOf(f, sale)).toEqual([]);
  await gateway.stop();
});

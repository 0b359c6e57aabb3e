import { afterAll, beforeAll, expect, test } from 'vitest';
import { SaleSettings } from '#shared/contract/sale.ts';
import { Problem } from '#shared/problem.ts';
import { connectRedis } from '../redis/client.ts';
import { saleKey } from '../redis/keys.ts';
import { changeSale, putSale } from '../sale/live-sale.ts';
import {
  census,
  definitionAt,
  type QueueFixture,
  queueFixture,
  silentLog,
} from '../testing/queue-fixture.ts';
import { queueGateway } from '../testing/queue-gateway.ts';
import { lookUpEntry, takePlace } from './place.ts';
import { keepPresence } from './presence.ts';
import { readStatus } from './status.ts';

let f: QueueFixture;
beforeAll(async () => {
  f = await queueFixture();
});
afterAll(() => f.close());

const joinAs = (sale: string, keyEntry: string) => takePlace(f.store, sale, { ticketEntry: null, keyEntry });

/** Presence whose merges happen only when the test says so. */
const presenceOf = () => keepPresence(f.store, () => [], silentLog);

test('whoever is not seen for graceSeconds lapses; whoever is seen in time stays', async () => {
  const sale = await f.sale({ graceSeconds: 900 });
  const presence = presenceOf();
  await joinAs(sale, 'absent');
  await joinAs(sale, 'present');
  await presence.merge(sale);
  let lapsedAfterSeconds = 0;
  for (let second = 5; second <= 1_300; second += 5) {
    f.pass(5);
    if (second % 60 === 0) presence.mark(sale, 2);
    await presence.merge(sale);
    if (lapsedAfterSeconds === 0 && (await lookUpEntry(f.store, sale, 'absent'))?.state === 'lapsed') {
      lapsedAfterSeconds = second;
    }
  }
  expect(lapsedAfterSeconds).toBeGreaterThanOrEqual(900);
  expect(lapsedAfterSeconds).toBeLessThanOrEqual(1_210);
  expect((await lookUpEntry(f.store, sale, 'present'))?.state).toBe('waiting');
  expect(await census(f.redis, sale)).toMatchObject({ joined: 2, waiting: 1, ended: 1 });
  const again = await joinAs(sale, 'absent');
  expect(again).toMatchObject({ created: true, entry: { queueNumber: 3 } });
  await presence.stop();
});

test('a fan who reaches only a gateway that cannot reach Redis has shown up all the same', async () => {
  const sale = await f.sale();
  const gateway = await queueGateway(f.store);
  const fan = await gateway.join(sale, 'fan');
  await gateway.look(sale);
  const unreachable = () => Promise.reject(new Problem('unavailable', 'Redis is away.'));
  const watch = { ...gateway.queue.watch, atLeast: unreachable, renew: unreachable };
  await f.redis.del(saleKey(sale, 'seen-1'));
  const told = await readStatus({ ...gateway.queue, watch }, fan.ticket, fan.version);
  expect(told).toMatchObject({ state: 'waiting', position: null });
  await gateway.queue.presence.merge(sale);
  expect(await f.redis.getbit(saleKey(sale, 'seen-1'), 1)).toBe(1);
  await gateway.stop();
});

test('the clock of absence stands still while no gateway records presence', async () => {
  const sale = await f.sale({ graceSeconds: 900 });
  const presence = presenceOf();
  await joinAs(sale, 'fan');
  await presence.merge(sale);
  f.pass(7_200);
  for (let i = 0; i < 20; i += 1) {
    f.pass(5);
    await presence.merge(sale);
  }
  expect((await lookUpEntry(f.store, sale, 'fan'))?.state).toBe('waiting');
  await presence.stop();
});

test('a fan seen in the last moment before the absent are counted is not among them', async () => {
  const sale = await f.sale({ graceSeconds: 30 });
  const mine = presenceOf();
  const other = presenceOf();
  await joinAs(sale, 'fan');
  await mine.merge(sale);
  for (let second = 1; second <= 39; second += 1) {
    f.pass(1);
    await mine.merge(sale);
  }
  // The other process saw the fan, and merges only after the generation that finds them absent has begun.
  other.mark(sale, 1);
  f.pass(1);
  await mine.merge(sale);
  f.pass(2);
  await other.merge(sale);
  for (let second = 0; second < 9; second += 1) {
    f.pass(1);
    await mine.merge(sale);
  }
  expect((await lookUpEntry(f.store, sale, 'fan'))?.state).toBe('waiting');
  await mine.stop();
  await other.stop();
});

test('a thousand absent fans are taken out in slices, and their places close up', async () => {
  const sale = await f.sale({ graceSeconds: 9 });
  const presence = presenceOf();
  await Promise.all(Array.from({ length: 1_200 }, (_, i) => joinAs(sale, `fan-${i}`)));
  await presence.merge(sale);
  for (let second = 0; second < 20; second += 1) {
    f.pass(1);
    presence.mark(sale, 1_200);
    await presence.merge(sale);
  }
  expect(await census(f.redis, sale)).toMatchObject({ joined: 1_200, waiting: 1, ended: 1_199 });
  await presence.stop();
});

test('a short grace is kept as well: the present stay, the absent go', async () => {
  const sale = await f.sale({ graceSeconds: 3 });
  const presence = presenceOf();
  await joinAs(sale, 'absent');
  await joinAs(sale, 'present');
  for (let step = 0; step < 28; step += 1) {
    presence.mark(sale, 2);
    f.pass(0.25);
    await presence.merge(sale);
  }
  expect((await lookUpEntry(f.store, sale, 'absent'))?.state).toBe('lapsed');
  expect((await lookUpEntry(f.store, sale, 'present'))?.state).toBe('waiting');
  await presence.stop();
});

test('whoever was seen lately has the whole of a grace that is made longer meanwhile', async () => {
  const definition = { ...definitionAt(f.now()), graceSeconds: 60 };
  const { sale } = definition;
  await putSale(f.store, definition);
  const presence = presenceOf();
  await joinAs(sale, 'fan');
  const pass = async (seconds: number) => {
    for (let passed = 0; passed < seconds; passed += 4) {
      f.pass(4);
      await presence.merge(sale);
    }
  };
  await pass(44);
  const longer = { ...definition, graceSeconds: 900, version: 2 };
  const record = {
    version: 2,
    settings: SaleSettings.parse(longer),
    by: 'o',
    action: 'patch' as const,
    reason: null,
    at: new Date(f.now()).toISOString(),
    before: SaleSettings.parse(definition),
  };
  await changeSale(f.store, longer, record, { reopens: false });
  await pass(856);
  expect((await lookUpEntry(f.store, sale, 'fan'))?.state).toBe('waiting');
  await presence.stop();
});

test('stopping ends, also while Redis is away and something was seen', async () => {
  const redis = await connectRedis('redis://127.0.0.1:9', silentLog);
  const presence = keepPresence({ redis, time: () => null }, () => [], silentLog);
  presence.mark('sale', 5);
  await presence.stop();
  redis.disconnect();
});

import { expect, onTestFinished, test } from 'vitest';
import type { SaleDefinition } from '#shared/contract/sale.ts';
import { ownRedis } from '../../infra/testing/redis-server.ts';
import { giveTurns } from '../admission/turn-giver.ts';
import { leavePlace, takePlace } from '../queue/place.ts';
import { saleKey } from '../redis/keys.ts';
import { putSale } from '../sale/live-sale.ts';
import { faultsOf, goBack, joinMany, RECOVERY_SECONDS, saveQueue } from '../testing/losing-redis.ts';
import { definitionAt, type QueueFixture, queueFixture } from '../testing/queue-fixture.ts';
import { queueGateway, type TestFan } from '../testing/queue-gateway.ts';

async function fixture(settings: Partial<SaleDefinition> = {}) {
  const f = await queueFixture();
  onTestFinished(() => f.close());
  const definition = { ...definitionAt(f.now()), capacity: 1, ...settings };
  await putSale(f.store, definition);
  return { f, definition, sale: definition.sale };
}

/** Fans ask so seldom: the first of them long after the sale is back. */
const UNTIL_THE_FIRST_POLL_SECONDS = 30;

async function comesBackByTickets(
  f: QueueFixture,
  definition: SaleDefinition,
  putBack: () => Promise<unknown>,
) {
  const { sale } = definition;
  const before = await queueGateway(f.store);
  await before.queue.watch.renew(sale);
  const fans = await joinMany(before, sale, 5);
  await before.stop();
  await f.empty();
  await putBack();
  const after = await queueGateway(f.store);
  await after.look(sale);
  f.pass(UNTIL_THE_FIRST_POLL_SECONDS);
  await expect(takePlace(f.store, sale, { ticketEntry: null, keyEntry: null })).rejects.toMatchObject({
    code: 'unavailable',
  });
  expect(await giveTurns(f.store, sale)).toBe(0);
  for (const fan of fans) expect((await after.poll(fan)).state).toBe('waiting');
  f.pass(RECOVERY_SECONDS);
  await after.look(sale);
  const positions = [];
  for (const fan of fans) positions.push((await after.poll(fan)).position);
  expect(positions).toEqual([1, 2, 3, 4, 5]);
  expect((await after.join(sale, 'newcomer')).ticket.queueNumber).toBe(6);
  expect(await giveTurns(f.store, sale)).toBe(1);
  expect(await faultsOf(f, sale)).toEqual([]);
  await after.stop();
}

test('an old sale in an emptied Redis waits for its fans, whom nobody else remembers', async () => {
  const { f, definition } = await fixture();
  f.pass(3_600);
  await comesBackByTickets(f, definition, () => putSale(f.store, definition));
});

test('so does a new one that the gateway which puts it back has met', async () => {
  const { f, definition } = await fixture();
  await comesBackByTickets(f, definition, () => putSale(f.store, definition, [], { wasLive: true }));
});

test('a new sale that nobody has met is open at once', async () => {
  const { f, sale } = await fixture();
  expect((await takePlace(f.store, sale, { ticketEntry: null, keyEntry: null })).entry.queueNumber).toBe(1);
  expect(await giveTurns(f.store, sale)).toBe(1);
});

test('a Redis that is full gets back what gateways remember', async () => {
  const redis = await ownRedis();
  onTestFinished(() => redis.stop());
  const f = await queueFixture(redis.url);
  onTestFinished(() => f.close());
  const sale = await f.sale({ capacity: 1 });
  const gateway = await queueGateway(f.store);
  await gateway.queue.watch.renew(sale);
  const fans = await joinMany(gateway, sale, 4);
  await gateway.look(sale);
  const saved = await saveQueue(f, sale);
  await leavePlace(f.store, sale, fans[2]!.ticket.entry);
  const late = await gateway.join(sale, 'late');
  await gateway.look(sale);
  await goBack(f, sale, saved);
  await giveTurns(f.store, sale);
  await f.redis.config('SET', 'maxmemory', '1');
  await gateway.look(sale);
  await gateway.look(sale);
  expect(gateway.queue.watch.remembered(sale)).toMatchObject({ epoch: 2, recovering: true, lastNumber: 5 });
  await f.redis.config('SET', 'maxmemory', '0');
  f.pass(RECOVERY_SECONDS);
  await gateway.look(sale);
  expect((await gateway.poll(fans[2]!)).state).toBe('left');
  expect((await gateway.poll(late)).state).toBe('waiting');
  expect((await gateway.join(sale, 'newcomer')).ticket.queueNumber).toBe(6);
  await gateway.stop();
});

test('pages that have seen a higher version than anybody remembers are shown their position again', async () => {
  const { f, definition, sale } = await fixture();
  const before = await queueGateway(f.store);
  await before.queue.watch.renew(sale);
  const [fan] = (await joinMany(before, sale, 1)) as [TestFan];
  await f.redis.hset(saleKey(sale, 'queue'), 'changes', 2_500_000);
  await before.queue.watch.renew(sale);
  expect((await before.poll(fan)).version).toBe(2_500_000);
  await before.stop();
  await f.empty();
  await putSale(f.store, definition, [], { wasLive: true });
  const after = await queueGateway(f.store);
  await after.look(sale);
  await after.poll(fan);
  f.pass(RECOVERY_SECONDS);
  await after.look(sale);
  expect(await after.poll(fan)).toMatchObject({ state: 'waiting', position: 1 });
  await after.stop();
});

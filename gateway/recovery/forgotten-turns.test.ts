import { afterAll, beforeAll, expect, test } from 'vitest';
import { claimTurn, finishAdmission } from '../admission/admission.ts';
import type { SigningKeys } from '../admission/signing-keys.ts';
import { giveTurns } from '../admission/turn-giver.ts';
import { saleKey } from '../redis/keys.ts';
import { goBack, joinMany, RECOVERY_SECONDS, saveQueue } from '../testing/losing-redis.ts';
import { census, type QueueFixture, queueFixture } from '../testing/queue-fixture.ts';
import { queueGateway, type TestFan } from '../testing/queue-gateway.ts';
import { testSigningKeys } from '../testing/test-keys.ts';

const CAPACITY = 20;
let f: QueueFixture;
let keys: SigningKeys;
beforeAll(async () => {
  f = await queueFixture();
  keys = await testSigningKeys();
});
afterAll(() => f.close());

/** A full shop, with two turns out beyond its room: half of the turns were missed lately. */
async function overbookedShop() {
  const sale = await f.sale({ capacity: CAPACITY, claimSeconds: 180, admissionSeconds: 3_600 });
  const gateway = await queueGateway(f.store);
  await gateway.look(sale);
  await gateway.queue.watch.stop();
  await f.redis.hset(saleKey(sale, 'queue'), 'outcomes', 100, 'noShows', 50);
  const fans = (await joinMany(gateway, sale, CAPACITY + 4)) as TestFan[];
  for (let i = 0; i < 10; i += 1) {
    await giveTurns(f.store, sale);
    f.pass(1);
  }
  const claim = ({ ticket }: TestFan) => claimTurn(gateway.queue.store, keys, sale, ticket.entry);
  const finish = ({ ticket }: TestFan) =>
    finishAdmission(gateway.queue.store, sale, ticket.entry, `order-${ticket.queueNumber}`);
  for (const fan of fans.slice(0, CAPACITY)) await claim(fan);
  return { sale, gateway, fans, claim, finish };
}

async function recover(sale: string, gateway: Awaited<ReturnType<typeof queueGateway>>) {
  f.pass(3);
  await gateway.look(sale);
  expect(gateway.queue.watch.remembered(sale)).toMatchObject({ epoch: 2, recovering: true });
  await gateway.look(sale);
  f.pass(RECOVERY_SECONDS);
  await gateway.look(sale);
}

test('a turn beyond the room does not get the room of one that was blocked, called, claimed, and lost', async () => {
  const { sale, gateway, fans, claim, finish } = await overbookedShop();
  const [first, low, high] = [fans[0], fans[CAPACITY], fans[CAPACITY + 1]] as [TestFan, TestFan, TestFan];
  // Both are out, beyond the room; only the one behind shows up, and finds the shop full.
  await expect(claim(high)).rejects.toMatchObject({ code: 'shop-full' });
  await finish(first);
  await gateway.look(sale);
  const saved = await saveQueue(f, sale);
  // The room that became free is the one's who was blocked.
  await giveTurns(f.store, sale);
  await claim(high);
  await gateway.look(sale);
  expect(await census(f.redis, sale)).toMatchObject({ admitted: CAPACITY });
  await goBack(f, sale, saved);
  expect(await giveTurns(f.store, sale)).toBe(0);
  // Before any gateway has compared.
  await expect(claim(low)).rejects.toMatchObject({ code: 'shop-full' });
  await recover(sale, gateway);
  expect((await census(f.redis, sale)).admitted).toBe(CAPACITY);
  await gateway.stop();
});

test('a turn that is out does not get the room of a turn that was given beyond the room, claimed, and lost', async () => {
  const sale = await f.sale({ capacity: CAPACITY, claimSeconds: 180, admissionSeconds: 3_600 });
  const gateway = await queueGateway(f.store);
  await gateway.look(sale);
  await gateway.queue.watch.stop();
  await f.redis.hset(saleKey(sale, 'queue'), 'outcomes', 100, 'noShows', 50);
  const fans = (await joinMany(gateway, sale, CAPACITY)) as TestFan[];
  await giveTurns(f.store, sale);
  expect(await census(f.redis, sale)).toMatchObject({ ready: CAPACITY, admitted: 0 });
  const late = [await gateway.join(sale, 'late-1'), await gateway.join(sale, 'late-2')];
  await gateway.look(sale);
  const saved = await saveQueue(f, sale);
  f.pass(1);
  // Half of the turns were missed lately: two more are given than there is room.
  expect(await giveTurns(f.store, sale)).toBe(2);
  const claim = ({ ticket }: TestFan) => claimTurn(gateway.queue.store, keys, sale, ticket.entry);
  const [one, two, ...others] = fans as [TestFan, TestFan, ...TestFan[]];
  for (const fan of [...others, ...late]) await claim(fan);
  await gateway.look(sale);
  expect(await census(f.redis, sale)).toMatchObject({ ready: 2, admitted: CAPACITY });
  await goBack(f, sale, saved);
  expect(await giveTurns(f.store, sale)).toBe(0);
  // Before any gateway has compared.
  for (const fan of [one, two]) await expect(claim(fan)).rejects.toMatchObject({ code: 'shop-full' });
  await recover(sale, gateway);
  expect((await census(f.redis, sale)).admitted).toBe(CAPACITY);
  await gateway.stop();
});

test('a turn that was missed does not get the room of the next one, given, claimed, and lost', async () => {
  const sale = await f.sale({ capacity: 1, claimSeconds: 10, admissionSeconds: 3_600 });
  const gateway = await queueGateway(f.store);
  await gateway.look(sale);
  await gateway.queue.watch.stop();
  const [late, next] = (await joinMany(gateway, sale, 2)) as [TestFan, TestFan];
  expect(await giveTurns(f.store, sale)).toBe(1);
  await gateway.look(sale);
  f.pass(9.9);
  // A file that misses its last second.
  const saved = await saveQueue(f, sale);
  f.pass(0.2);
  await giveTurns(f.store, sale);
  await gateway.look(sale);
  expect((await gateway.poll(late)).state).toBe('missed');
  await claimTurn(gateway.queue.store, keys, sale, next.ticket.entry);
  await gateway.look(sale);
  expect(await census(f.redis, sale)).toMatchObject({ admitted: 1, ready: 0 });
  await goBack(f, sale, saved);
  // Turns are out that are over, and before any gateway has compared their fan comes.
  const claimed = claimTurn(gateway.queue.store, keys, sale, late.ticket.entry);
  await expect(claimed).rejects.toMatchObject({ code: 'shop-full' });
  await recover(sale, gateway);
  expect((await census(f.redis, sale)).admitted).toBe(1);
  await gateway.stop();
});

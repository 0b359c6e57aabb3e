import { afterAll, beforeAll, expect, test } from 'vitest';
import { claimTurn, finishAdmission } from '../admission/admission.ts';
import type { SigningKeys } from '../admission/signing-keys.ts';
import { giveTurns } from '../admission/turn-giver.ts';
import { saleKey } from '../redis/keys.ts';
import {
  faultsOf,
  joinMany,
  recoverQueue,
  saveQueue,
  seldomLooking,
  takeOver,
} from '../testing/losing-redis.ts';
import { census, type QueueFixture, queueFixture } from '../testing/queue-fixture.ts';
import type { QueueGateway, TestFan } from '../testing/queue-gateway.ts';
import { testSigningKeys } from '../testing/test-keys.ts';

const CAPACITY = 20;
/** Gateways have had the time to compare, and to bring back what they know. */
const COMPARED_SECONDS = 3;
const full = { code: 'shop-full' };

let f: QueueFixture;
let keys: SigningKeys;
beforeAll(async () => {
  f = await queueFixture();
  keys = await testSigningKeys();
});
afterAll(() => f.close());

/** Half of the turns were missed lately: two more are given than there is room. */
async function crowdedShop(waiting: number) {
  const { sale, gateway } = await seldomLooking(f, {
    ...{ capacity: CAPACITY, claimSeconds: 180, admissionSeconds: 3_600 },
  });
  await f.redis.hset(saleKey(sale, 'queue'), 'outcomes', 100, 'noShows', 50);
  const fans = (await joinMany(gateway, sale, waiting)) as TestFan[];
  return { sale, gateway, fans };
}

const claimAt = (gateway: QueueGateway, sale: string, { ticket }: TestFan) =>
  claimTurn(gateway.queue.store, keys, sale, ticket.entry);

async function giveTurnsFor(sale: string, seconds: number) {
  for (let second = 0; second < seconds; second += 1) {
    await giveTurns(f.store, sale);
    f.pass(1);
  }
}

test.each(['at once', 'after gateways have had their time, in the recovery still'])(
  'whoever found the shop full and comes again does not get the room of a claim that Redis has lost: %s',
  async (when) => {
    const { sale, gateway, fans } = await crowdedShop(CAPACITY + 2);
    const claim = (fan: TestFan) => claimAt(gateway, sale, fan);
    await giveTurnsFor(sale, 10);
    for (const fan of fans.slice(0, CAPACITY - 2)) await claim(fan);
    await gateway.look(sale);
    const saved = await saveQueue(f, sale);
    for (const fan of fans.slice(CAPACITY - 2, CAPACITY)) await claim(fan);
    await gateway.look(sale);
    const beyond = fans.slice(CAPACITY);
    for (const fan of beyond) await expect(claim(fan)).rejects.toMatchObject(full);
    await takeOver(f, sale, saved);
    if (when !== 'at once') {
      // The loss is noticed, and who knows of the claims is late.
      await gateway.queue.watch.renew(sale);
      f.pass(COMPARED_SECONDS);
    }
    for (const fan of beyond) await expect(claim(fan)).rejects.toMatchObject(full);
    f.pass(COMPARED_SECONDS);
    await recoverQueue(f, gateway, sale);
    expect(await census(f.redis, sale)).toMatchObject({ admitted: CAPACITY });
    for (const fan of fans.slice(0, CAPACITY)) expect((await gateway.poll(fan)).state).toBe('admitted');
    expect(await faultsOf(f, sale)).toEqual([]);
    await gateway.stop();
  },
);

test('a turn beyond the room does not get the room of one that was blocked, called, claimed, and lost', async () => {
  const { sale, gateway, fans } = await crowdedShop(CAPACITY + 4);
  const claim = (fan: TestFan) => claimAt(gateway, sale, fan);
  await giveTurnsFor(sale, 10);
  for (const fan of fans.slice(0, CAPACITY)) await claim(fan);
  const [first, low, high] = [fans[0], fans[CAPACITY], fans[CAPACITY + 1]] as [TestFan, TestFan, TestFan];
  // Both are out, beyond the room; only the one behind shows up, and finds the shop full.
  await expect(claim(high)).rejects.toMatchObject(full);
  await finishAdmission(gateway.queue.store, sale, first.ticket.entry, 'order-1');
  await gateway.look(sale);
  const saved = await saveQueue(f, sale);
  // The room that became free is the one's who was blocked.
  await giveTurns(f.store, sale);
  await claim(high);
  await gateway.look(sale);
  expect(await census(f.redis, sale)).toMatchObject({ admitted: CAPACITY });
  await takeOver(f, sale, saved);
  await expect(claim(low)).rejects.toMatchObject(full);
  f.pass(COMPARED_SECONDS);
  await recoverQueue(f, gateway, sale);
  expect((await census(f.redis, sale)).admitted).toBe(CAPACITY);
  await gateway.stop();
});

test('a turn that is out does not get the room of a turn that was given beyond the room, claimed, and lost', async () => {
  const { sale, gateway, fans } = await crowdedShop(CAPACITY);
  const claim = (fan: TestFan) => claimAt(gateway, sale, fan);
  await giveTurns(f.store, sale);
  expect(await census(f.redis, sale)).toMatchObject({ ready: CAPACITY, admitted: 0 });
  const late = [await gateway.join(sale, 'late-1'), await gateway.join(sale, 'late-2')];
  await gateway.look(sale);
  const saved = await saveQueue(f, sale);
  f.pass(1);
  expect(await giveTurns(f.store, sale)).toBe(2);
  const [one, two, ...others] = fans as [TestFan, TestFan, ...TestFan[]];
  for (const fan of [...others, ...late]) await claim(fan);
  await gateway.look(sale);
  expect(await census(f.redis, sale)).toMatchObject({ ready: 2, admitted: CAPACITY });
  await takeOver(f, sale, saved);
  for (const fan of [one, two]) await expect(claim(fan)).rejects.toMatchObject(full);
  f.pass(COMPARED_SECONDS);
  await recoverQueue(f, gateway, sale);
  expect((await census(f.redis, sale)).admitted).toBe(CAPACITY);
  await gateway.stop();
});

test('a turn that was missed does not get the room of the next one, given, claimed, and lost', async () => {
  const { sale, gateway } = await seldomLooking(f, {
    capacity: 1,
    claimSeconds: 10,
    admissionSeconds: 3_600,
  });
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
  await claimAt(gateway, sale, next);
  await gateway.look(sale);
  expect(await census(f.redis, sale)).toMatchObject({ admitted: 1, ready: 0 });
  await takeOver(f, sale, saved);
  await expect(claimAt(gateway, sale, late)).rejects.toMatchObject(full);
  f.pass(COMPARED_SECONDS);
  await recoverQueue(f, gateway, sale);
  expect((await census(f.redis, sale)).admitted).toBe(1);
  await gateway.stop();
});

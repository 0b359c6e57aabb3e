import { afterAll, beforeAll, expect, test } from 'vitest';
import { queueReader } from '../../infra/verify/queue/read.ts';
import { claimTurn, finishAdmission } from '../admission/admission.ts';
import type { SigningKeys } from '../admission/signing-keys.ts';
import { giveTurns } from '../admission/turn-giver.ts';
import { adoptEntry } from '../queue/adopt.ts';
import { leavePlace, takePlace } from '../queue/place.ts';
import { saleKey } from '../redis/keys.ts';
import {
  faultsOf,
  goBack,
  joinMany,
  loseEverything,
  RECOVERY_SECONDS,
  type Saved,
  saveQueue,
} from '../testing/losing-redis.ts';
import { census, type QueueFixture, queueFixture, silentLog } from '../testing/queue-fixture.ts';
import { type QueueGateway, queueGateway, type TestFan } from '../testing/queue-gateway.ts';
import { testSigningKeys } from '../testing/test-keys.ts';

/** What a replica that takes over has often lost: answers of the last milliseconds, which no snapshot has shown. */
const SETTLED_SECONDS = 3;
const LOSSES = 4;

let f: QueueFixture;
let keys: SigningKeys;
beforeAll(async () => {
  f = await queueFixture();
  keys = await testSigningKeys();
});
afterAll(() => f.close());

/** A gateway that looks only when it is told to: what happens between is in no snapshot. */
async function seldomLooking(settings: Parameters<QueueFixture['sale']>[0]) {
  const sale = await f.sale(settings);
  const gateway = await queueGateway(f.store);
  await gateway.look(sale);
  // From here on it is looked by hand.
  await gateway.queue.watch.stop();
  return { sale, gateway };
}

/** Another Redis goes on with what it has, and gives nothing before gateways have compared. */
async function takeOver(sale: string, saved: Saved) {
  await goBack(f, sale, saved);
  expect(await giveTurns(f.store, sale)).toBe(0);
}

async function recover(sale: string, gateway: QueueGateway, epoch = 2) {
  await gateway.look(sale);
  expect(gateway.queue.watch.remembered(sale)).toMatchObject({ epoch, recovering: true });
  await gateway.look(sale);
  f.pass(RECOVERY_SECONDS);
  await gateway.look(sale);
}

test('places that were told and lost before any snapshot showed them are found out, and given to nobody else', async () => {
  const { sale, gateway } = await seldomLooking({ capacity: 1, graceSeconds: 86_400 });
  await joinMany(gateway, sale, 2);
  await gateway.look(sale);
  const saved = await saveQueue(f, sale);
  const lost = await gateway.join(sale, 'told');
  expect(lost.ticket.queueNumber).toBe(3);
  await takeOver(sale, saved);
  f.pass(SETTLED_SECONDS);
  await recover(sale, gateway);
  // Whoever came first after it has the next number, although the fan has not shown up in the recovery.
  expect((await gateway.join(sale, 'newcomer')).ticket.queueNumber).toBe(4);
  expect(await gateway.poll(lost)).toMatchObject({ state: 'waiting', queueNumber: 3, position: 3 });
  expect(await faultsOf(f, sale)).toEqual([]);
  await gateway.stop();
});

test('a claim that was told and is lost keeps its room, although its fan does not show up', async () => {
  const { sale, gateway } = await seldomLooking({ capacity: 1, claimSeconds: 10, admissionSeconds: 3_600 });
  const [inside, next] = (await joinMany(gateway, sale, 2)) as [TestFan, TestFan];
  await giveTurns(f.store, sale);
  await gateway.look(sale);
  const saved = await saveQueue(f, sale);
  await claimTurn(gateway.queue.store, keys, sale, inside.ticket.entry);
  await takeOver(sale, saved);
  f.pass(SETTLED_SECONDS);
  await recover(sale, gateway);
  f.pass(11);
  await giveTurns(f.store, sale);
  await gateway.look(sale);
  expect((await gateway.poll(next)).state).toBe('waiting');
  expect((await gateway.poll(inside)).state).toBe('admitted');
  expect(await faultsOf(f, sale)).toEqual([]);
  await gateway.stop();
});

test('a completion that was told and is lost stays one', async () => {
  const { sale, gateway } = await seldomLooking({ capacity: 1 });
  const [inside] = (await joinMany(gateway, sale, 1)) as [TestFan];
  await giveTurns(f.store, sale);
  await claimTurn(gateway.queue.store, keys, sale, inside.ticket.entry);
  await gateway.look(sale);
  const saved = await saveQueue(f, sale);
  await finishAdmission(gateway.queue.store, sale, inside.ticket.entry, 'order-1');
  await takeOver(sale, saved);
  f.pass(SETTLED_SECONDS);
  await recover(sale, gateway);
  expect((await gateway.poll(inside)).state).toBe('finished');
  expect(await faultsOf(f, sale)).toEqual([]);
  await gateway.stop();
});

test('a turn that is over by what Redis has kept is not missed before gateways have said that it was claimed', async () => {
  const { sale, gateway } = await seldomLooking({ capacity: 1, claimSeconds: 10, admissionSeconds: 3_600 });
  const [inside, next] = (await joinMany(gateway, sale, 2)) as [TestFan, TestFan];
  await giveTurns(f.store, sale);
  await gateway.look(sale);
  const saved = await saveQueue(f, sale);
  await claimTurn(gateway.queue.store, keys, sale, inside.ticket.entry);
  await gateway.look(sale);
  await goBack(f, sale, saved);
  // As long as it takes a replica to take over: the turn's time is over meanwhile.
  f.pass(11);
  await giveTurns(f.store, sale);
  await recover(sale, gateway);
  await giveTurns(f.store, sale);
  await gateway.look(sale);
  expect((await gateway.poll(inside)).state).toBe('admitted');
  expect((await gateway.poll(next)).state).toBe('waiting');
  expect(await faultsOf(f, sale)).toEqual([]);
  await gateway.stop();
});

test('who has bought has, although by what Redis had kept they left before gateways said so', async () => {
  const { sale, gateway } = await seldomLooking({ capacity: 1 });
  const [inside] = (await joinMany(gateway, sale, 1)) as [TestFan];
  await giveTurns(f.store, sale);
  await gateway.look(sale);
  const saved = await saveQueue(f, sale);
  await claimTurn(gateway.queue.store, keys, sale, inside.ticket.entry);
  await finishAdmission(gateway.queue.store, sale, inside.ticket.entry, 'order-1');
  await gateway.look(sale);
  await goBack(f, sale, saved);
  // By a gateway that has not looked yet.
  expect(await leavePlace(f.store, sale, inside.ticket.entry)).toBe('left');
  await recover(sale, gateway);
  const [seen] = await queueReader(f.redis, sale, () => f.now()).entriesOf([inside.ticket.entry]);
  expect(seen?.record?.state).toBe('finished');
  expect((await gateway.poll(inside)).state).toBe('finished');
  expect(await faultsOf(f, sale)).toEqual([]);
  await gateway.stop();
});

test('a place that was brought back by its ticket, which is lost again, comes back by it without another recovery', async () => {
  const { sale, gateway } = await seldomLooking({ capacity: 1, graceSeconds: 86_400 });
  const [, waiting] = (await joinMany(gateway, sale, 2)) as [TestFan, TestFan];
  await giveTurns(f.store, sale);
  await gateway.look(sale);
  const { definition } = gateway.queue.watch.remembered(sale)!;
  await loseEverything(f, definition);
  await recover(sale, gateway);
  const saved = await saveQueue(f, sale);
  expect(await gateway.poll(waiting)).toMatchObject({ state: 'waiting', queueNumber: 2 });
  expect(waiting.ticket.epoch).toBe(2);
  await takeOver(sale, saved);
  f.pass(SETTLED_SECONDS);
  await gateway.look(sale);
  // Its bit is set, by what stands in for it; who asks what became of the entry asks for the ticket.
  expect(await adoptEntry(gateway.queue.store, waiting.ticket, silentLog)).toMatchObject({
    epoch: 2,
    entry: { state: 'waiting', queueNumber: 2 },
  });
  expect(await faultsOf(f, sale)).toEqual([]);
  await gateway.stop();
});

test('what was told and is lost is found out although somebody leaves first', async () => {
  const { sale, gateway } = await seldomLooking({
    capacity: 2,
    claimSeconds: 60,
    admissionSeconds: 3_600,
  });
  const [one, two] = (await joinMany(gateway, sale, 4)) as [TestFan, TestFan];
  for (let i = 0; i < 5; i += 1) {
    await giveTurns(f.store, sale);
    f.pass(2);
  }
  await gateway.look(sale);
  const saved = await saveQueue(f, sale);
  await claimTurn(gateway.queue.store, keys, sale, one.ticket.entry);
  await finishAdmission(gateway.queue.store, sale, one.ticket.entry, 'order-1');
  await goBack(f, sale, saved);
  await leavePlace(gateway.queue.store, sale, two.ticket.entry);
  f.pass(SETTLED_SECONDS);
  await recover(sale, gateway);
  expect((await gateway.poll(one)).state).toBe('finished');
  await gateway.stop();
});

test('a memory that is behind what was told is none, whoever reads it first', async () => {
  const { sale, gateway } = await seldomLooking({
    capacity: 2,
    claimSeconds: 10,
    admissionSeconds: 3_600,
  });
  const other = await queueGateway(f.store);
  await other.look(sale);
  await other.queue.watch.stop();
  const [one, two] = (await joinMany(gateway, sale, 4)) as [TestFan, TestFan];
  for (let i = 0; i < 5; i += 1) {
    await giveTurns(f.store, sale);
    f.pass(1);
  }
  await gateway.look(sale);
  const saved = await saveQueue(f, sale);
  await claimTurn(gateway.queue.store, keys, sale, one.ticket.entry);
  await goBack(f, sale, saved);
  await leavePlace(other.queue.store, sale, two.ticket.entry);
  await gateway.remember(sale);
  await recover(sale, gateway);
  await giveTurns(f.store, sale);
  await gateway.look(sale);
  expect((await gateway.poll(one)).state).toBe('admitted');
  for (const each of [gateway, other]) await each.stop();
});

test('a claim that is brought back late, in the recovery still, was no missed turn meanwhile', async () => {
  const { sale, gateway } = await seldomLooking({
    capacity: 1,
    claimSeconds: 10,
    admissionSeconds: 3_600,
  });
  const [inside] = (await joinMany(gateway, sale, 3)) as [TestFan];
  await giveTurns(f.store, sale);
  await gateway.look(sale);
  const saved = await saveQueue(f, sale);
  await claimTurn(gateway.queue.store, keys, sale, inside.ticket.entry);
  await gateway.look(sale);
  await goBack(f, sale, saved);
  f.pass(11);
  await giveTurns(f.store, sale);
  await gateway.queue.watch.renew(sale);
  f.pass(3);
  await giveTurns(f.store, sale);
  await gateway.look(sale);
  f.pass(RECOVERY_SECONDS);
  await giveTurns(f.store, sale);
  await gateway.look(sale);
  expect((await gateway.poll(inside)).state).toBe('admitted');
  await gateway.stop();
});

test('what was told outlives losses one upon the other, each before anything was brought back', async () => {
  const { sale, gateway } = await seldomLooking({ capacity: 1, claimSeconds: 10, admissionSeconds: 3_600 });
  const [inside, ...others] = (await joinMany(gateway, sale, LOSSES + 1)) as [TestFan, ...TestFan[]];
  await giveTurns(f.store, sale);
  await gateway.look(sale);
  const saved = await saveQueue(f, sale);
  await claimTurn(gateway.queue.store, keys, sale, inside.ticket.entry);
  for (const other of others) {
    await takeOver(sale, saved);
    await gateway.queue.watch.renew(sale);
    // Of this epoch no memory is ever read.
    await leavePlace(gateway.queue.store, sale, other.ticket.entry);
  }
  // Whoever remembers the epoch before speaks first.
  f.pass(RECOVERY_SECONDS / 2);
  await gateway.look(sale);
  await gateway.look(sale);
  f.pass(RECOVERY_SECONDS);
  await gateway.look(sale);
  expect(gateway.queue.watch.remembered(sale)).toMatchObject({ epoch: LOSSES + 1, recovering: false });
  expect((await gateway.poll(inside)).state).toBe('admitted');
  for (const other of others) expect((await gateway.poll(other)).state).toBe('left');
  expect(await faultsOf(f, sale)).toEqual([]);
  await gateway.stop();
});

test('half a recovery long those speak who remember the one before; what was told meanwhile outlives the next loss', async () => {
  const { sale, gateway } = await seldomLooking({ capacity: 1, admissionSeconds: 3_600 });
  const [inside, next, ...leavers] = (await joinMany(gateway, sale, 4)) as [TestFan, TestFan, ...TestFan[]];
  await giveTurns(f.store, sale);
  await gateway.look(sale);
  for (const leaver of leavers) {
    const saved = await saveQueue(f, sale);
    await leavePlace(gateway.queue.store, sale, leaver.ticket.entry);
    await takeOver(sale, saved);
    await gateway.queue.watch.renew(sale);
  }
  await lookFor(20);
  const saved = await saveQueue(f, sale);
  await claimTurn(gateway.queue.store, keys, sale, inside.ticket.entry);
  await lookFor(5);
  await takeOver(sale, saved);
  await lookFor(2 * RECOVERY_SECONDS);
  expect(gateway.queue.watch.remembered(sale)).toMatchObject({ epoch: 4, recovering: false });
  await giveTurns(f.store, sale);
  await gateway.look(sale);
  expect((await gateway.poll(inside)).state).toBe('admitted');
  expect((await gateway.poll(next)).state).toBe('waiting');
  expect(await faultsOf(f, sale)).toEqual([]);
  await gateway.stop();

  async function lookFor(seconds: number) {
    for (let second = 0; second < seconds; second += 1) {
      f.pass(1);
      await gateway.look(sale);
    }
  }
});

test('a number that was told again after a loss, and is lost before any snapshot, is not its former owner’s', async () => {
  const { sale, gateway } = await seldomLooking({ capacity: 1, graceSeconds: 900 });
  const fans = await joinMany(gateway, sale, 3);
  await gateway.look(sale);
  const { definition } = gateway.queue.watch.remembered(sale)!;
  const { entry } = await takePlace(f.store, sale, { ticketEntry: null, keyEntry: 'asleep' });
  const ticket = { sale, entry: entry.id, queueNumber: 4, epoch: 1 };
  const asleep: TestFan = { ...(fans[0] as TestFan), ticket };
  await loseEverything(f, definition);
  await gateway.look(sale);
  for (const fan of fans) await gateway.poll(fan);
  f.pass(RECOVERY_SECONDS);
  await gateway.look(sale);
  const saved = await saveQueue(f, sale);
  const newcomer = await gateway.join(sale, 'newcomer');
  expect(newcomer.ticket).toMatchObject({ queueNumber: 4, epoch: 2 });
  await takeOver(sale, saved);
  await recover(sale, gateway, 3);
  await expect(gateway.poll(asleep)).rejects.toMatchObject({ code: 'token-invalid' });
  expect(await gateway.poll(newcomer)).toMatchObject({ state: 'waiting', queueNumber: 4 });
  expect(await faultsOf(f, sale)).toEqual([]);
  await gateway.stop();
});

test('whoever found the shop full does not get the room of a claim that Redis has lost', async () => {
  const capacity = 20;
  const { sale, gateway } = await seldomLooking({ capacity, claimSeconds: 180, admissionSeconds: 3_600 });
  // Half of the turns were missed lately: more are out than there is room.
  await f.redis.hset(saleKey(sale, 'queue'), 'outcomes', 100, 'noShows', 50);
  const fans = (await joinMany(gateway, sale, capacity + 2)) as TestFan[];
  for (let i = 0; i < 10; i += 1) {
    await giveTurns(f.store, sale);
    f.pass(1);
  }
  const claim = ({ ticket }: TestFan) => claimTurn(gateway.queue.store, keys, sale, ticket.entry);
  for (const fan of fans.slice(0, capacity - 2)) await claim(fan);
  await gateway.look(sale);
  const saved = await saveQueue(f, sale);
  for (const fan of fans.slice(capacity - 2, capacity)) await claim(fan);
  await gateway.look(sale);
  const overbooked = fans.slice(capacity);
  for (const fan of overbooked) await expect(claim(fan)).rejects.toMatchObject({ code: 'shop-full' });
  await takeOver(sale, saved);
  for (const fan of overbooked) await expect(claim(fan)).rejects.toMatchObject({ code: 'shop-full' });
  f.pass(SETTLED_SECONDS);
  await recover(sale, gateway);
  expect(await census(f.redis, sale)).toMatchObject({ admitted: capacity });
  for (const fan of fans.slice(0, capacity)) expect((await gateway.poll(fan)).state).toBe('admitted');
  expect(await faultsOf(f, sale)).toEqual([]);
  await gateway.stop();
});

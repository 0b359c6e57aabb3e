import { afterAll, beforeAll, expect, test } from 'vitest';
import { queueReader } from '../../infra/verify/queue/read.ts';
import { claimTurn, finishAdmission } from '../admission/admission.ts';
import type { SigningKeys } from '../admission/signing-keys.ts';
import { giveTurns } from '../admission/turn-giver.ts';
import { adoptEntry } from '../queue/adopt.ts';
import { leavePlace, takePlace } from '../queue/place.ts';
import {
  faultsOf,
  goBack,
  joinMany,
  loseEverything,
  RECOVERY_SECONDS,
  recoverQueue,
  saveQueue,
  seldomLooking,
  takeOver,
} from '../testing/losing-redis.ts';
import { type QueueFixture, queueFixture, silentLog } from '../testing/queue-fixture.ts';
import { queueGateway, type TestFan } from '../testing/queue-gateway.ts';
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

test('places that were told and lost before any snapshot showed them are found out, and given to nobody else', async () => {
  const { sale, gateway } = await seldomLooking(f, { capacity: 1, graceSeconds: 86_400 });
  await joinMany(gateway, sale, 2);
  await gateway.look(sale);
  const saved = await saveQueue(f, sale);
  const lost = await gateway.join(sale, 'told');
  expect(lost.ticket.queueNumber).toBe(3);
  await takeOver(f, sale, saved);
  f.pass(SETTLED_SECONDS);
  await recoverQueue(f, gateway, sale);
  // Whoever came first after it has the next number, although the fan has not shown up in the recovery.
  expect((await gateway.join(sale, 'newcomer')).ticket.queueNumber).toBe(4);
  expect(await gateway.poll(lost)).toMatchObject({ state: 'waiting', queueNumber: 3, position: 3 });
  expect(await faultsOf(f, sale)).toEqual([]);
  await gateway.stop();
});

test('a claim that was told and is lost keeps its room, although its fan does not show up', async () => {
  const { sale, gateway } = await seldomLooking(f, {
    capacity: 1,
    claimSeconds: 10,
    admissionSeconds: 3_600,
  });
  const [inside, next] = (await joinMany(gateway, sale, 2)) as [TestFan, TestFan];
  await giveTurns(f.store, sale);
  await gateway.look(sale);
  const saved = await saveQueue(f, sale);
  await claimTurn(gateway.queue.store, keys, sale, inside.ticket.entry);
  await takeOver(f, sale, saved);
  f.pass(SETTLED_SECONDS);
  await recoverQueue(f, gateway, sale);
  f.pass(11);
  await giveTurns(f.store, sale);
  await gateway.look(sale);
  expect((await gateway.poll(next)).state).toBe('waiting');
  expect((await gateway.poll(inside)).state).toBe('admitted');
  expect(await faultsOf(f, sale)).toEqual([]);
  await gateway.stop();
});

test('a completion that was told and is lost stays one', async () => {
  const { sale, gateway } = await seldomLooking(f, { capacity: 1 });
  const [inside] = (await joinMany(gateway, sale, 1)) as [TestFan];
  await giveTurns(f.store, sale);
  await claimTurn(gateway.queue.store, keys, sale, inside.ticket.entry);
  await gateway.look(sale);
  const saved = await saveQueue(f, sale);
  await finishAdmission(gateway.queue.store, sale, inside.ticket.entry, 'order-1');
  await takeOver(f, sale, saved);
  f.pass(SETTLED_SECONDS);
  await recoverQueue(f, gateway, sale);
  expect((await gateway.poll(inside)).state).toBe('finished');
  expect(await faultsOf(f, sale)).toEqual([]);
  await gateway.stop();
});

test('a turn that is over by what Redis has kept is not missed before gateways have said that it was claimed', async () => {
  const { sale, gateway } = await seldomLooking(f, {
    capacity: 1,
    claimSeconds: 10,
    admissionSeconds: 3_600,
  });
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
  await recoverQueue(f, gateway, sale);
  await giveTurns(f.store, sale);
  await gateway.look(sale);
  expect((await gateway.poll(inside)).state).toBe('admitted');
  expect((await gateway.poll(next)).state).toBe('waiting');
  expect(await faultsOf(f, sale)).toEqual([]);
  await gateway.stop();
});

test('who has bought has, although by what Redis had kept they left before gateways said so', async () => {
  const { sale, gateway } = await seldomLooking(f, { capacity: 1 });
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
  await recoverQueue(f, gateway, sale);
  const [seen] = await queueReader(f.redis, sale, () => f.now()).entriesOf([inside.ticket.entry]);
  expect(seen?.record?.state).toBe('finished');
  expect((await gateway.poll(inside)).state).toBe('finished');
  expect(await faultsOf(f, sale)).toEqual([]);
  await gateway.stop();
});

test('a place that was brought back by its ticket, which is lost again, comes back by it without another recovery', async () => {
  const { sale, gateway } = await seldomLooking(f, { capacity: 1, graceSeconds: 86_400 });
  const [, waiting] = (await joinMany(gateway, sale, 2)) as [TestFan, TestFan];
  await giveTurns(f.store, sale);
  await gateway.look(sale);
  const { definition } = gateway.queue.watch.remembered(sale)!;
  await loseEverything(f, definition);
  await recoverQueue(f, gateway, sale);
  const saved = await saveQueue(f, sale);
  expect(await gateway.poll(waiting)).toMatchObject({ state: 'waiting', queueNumber: 2 });
  expect(waiting.ticket.epoch).toBe(2);
  await takeOver(f, sale, saved);
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
  const { sale, gateway } = await seldomLooking(f, {
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
  await recoverQueue(f, gateway, sale);
  expect((await gateway.poll(one)).state).toBe('finished');
  await gateway.stop();
});

test('a memory that is behind what was told is none, whoever reads it first', async () => {
  const { sale, gateway } = await seldomLooking(f, {
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
  await recoverQueue(f, gateway, sale);
  await giveTurns(f.store, sale);
  await gateway.look(sale);
  expect((await gateway.poll(one)).state).toBe('admitted');
  for (const each of [gateway, other]) await each.stop();
});

test('a claim that is brought back late, in the recovery still, was no missed turn meanwhile', async () => {
  const { sale, gateway } = await seldomLooking(f, {
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
  const { sale, gateway } = await seldomLooking(f, {
    capacity: 1,
    claimSeconds: 10,
    admissionSeconds: 3_600,
  });
  const [inside, ...others] = (await joinMany(gateway, sale, LOSSES + 1)) as [TestFan, ...TestFan[]];
  await giveTurns(f.store, sale);
  await gateway.look(sale);
  const saved = await saveQueue(f, sale);
  await claimTurn(gateway.queue.store, keys, sale, inside.ticket.entry);
  for (const other of others) {
    await takeOver(f, sale, saved);
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
  const { sale, gateway } = await seldomLooking(f, { capacity: 1, admissionSeconds: 3_600 });
  const [inside, next, ...leavers] = (await joinMany(gateway, sale, 4)) as [TestFan, TestFan, ...TestFan[]];
  await giveTurns(f.store, sale);
  await gateway.look(sale);
  for (const leaver of leavers) {
    const saved = await saveQueue(f, sale);
    await leavePlace(gateway.queue.store, sale, leaver.ticket.entry);
    await takeOver(f, sale, saved);
    await gateway.queue.watch.renew(sale);
  }
  await lookFor(20);
  const saved = await saveQueue(f, sale);
  await claimTurn(gateway.queue.store, keys, sale, inside.ticket.entry);
  await lookFor(5);
  await takeOver(f, sale, saved);
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
  const { sale, gateway } = await seldomLooking(f, { capacity: 1, graceSeconds: 900 });
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
  await takeOver(f, sale, saved);
  await recoverQueue(f, gateway, sale, 3);
  await expect(gateway.poll(asleep)).rejects.toMatchObject({ code: 'token-invalid' });
  expect(await gateway.poll(newcomer)).toMatchObject({ state: 'waiting', queueNumber: 4 });
  expect(await faultsOf(f, sale)).toEqual([]);
  await gateway.stop();
});

test.each([true, false])(
  'a number of the epoch before that is brought back by its ticket makes no era of its epoch (later loss: %s)',
  async (isLostAgain) => {
    const { sale, gateway } = await seldomLooking(f, { capacity: 1, graceSeconds: 900 });
    const fans = (await joinMany(gateway, sale, 3)) as [TestFan, TestFan, TestFan];
    await gateway.look(sale);
    const { definition } = gateway.queue.watch.remembered(sale)!;
    // Two more have joined at a gateway that died with Redis: only their tickets know.
    const told = [];
    for (const name of ['four', 'five']) {
      const { entry } = await takePlace(f.store, sale, { ticketEntry: null, keyEntry: name });
      const ticket = { sale, entry: entry.id, queueNumber: entry.queueNumber as number, epoch: 1 };
      told.push({ ...fans[0], version: 0, ticket });
    }
    const [four, five] = told as [TestFan, TestFan];
    expect([four.ticket.queueNumber, five.ticket.queueNumber]).toEqual([4, 5]);
    await loseEverything(f, definition);
    await gateway.look(sale);
    for (const fan of fans) await gateway.poll(fan);
    await gateway.look(sale);
    expect(gateway.queue.watch.remembered(sale)).toMatchObject({ epoch: 2, recovering: true, lastNumber: 3 });
    const saved = await saveQueue(f, sale);
    // The second one shows up at another gateway, and before this one has looked again somebody leaves here.
    expect(await adoptEntry(f.store, five.ticket, silentLog)).toMatchObject({ entry: { queueNumber: 5 } });
    await leavePlace(gateway.queue.store, sale, fans[2].ticket.entry);
    if (isLostAgain) {
      await goBack(f, sale, saved);
      f.pass(1);
      await gateway.look(sale);
      await gateway.look(sale);
      expect(gateway.queue.watch.remembered(sale)).toMatchObject({ epoch: 3, recovering: true });
    }
    // The first one comes within the recovery.
    f.pass(isLostAgain ? RECOVERY_SECONDS / 2 : 20);
    await gateway.poll(four);
    f.pass(RECOVERY_SECONDS);
    await gateway.look(sale);
    expect(gateway.queue.watch.remembered(sale)).toMatchObject({ recovering: false });
    const after = await gateway.poll(four).then(
      ({ state, queueNumber, position }) => ({ state, queueNumber, position }),
      ({ code }) => code,
    );
    expect(after).toMatchObject({ state: 'waiting', queueNumber: 4 });
    await gateway.stop();
  },
);

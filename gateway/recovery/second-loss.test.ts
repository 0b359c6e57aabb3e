import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { giveTurns } from '../admission/turn-giver.ts';
import { leavePlace, takePlace } from '../queue/place.ts';
import { putSale } from '../sale/live-sale.ts';
import { faultsOf, joinMany, loseEverything, RECOVERY_SECONDS } from '../testing/losing-redis.ts';
import { definitionAt, type QueueFixture, queueFixture } from '../testing/queue-fixture.ts';
import { queueGateway, type TestFan } from '../testing/queue-gateway.ts';

/** Into the second half of a recovery of a sale with graceSeconds 900. */
const HALF_RECOVERY_SECONDS = 40;

let f: QueueFixture;
beforeAll(async () => {
  f = await queueFixture();
});
afterAll(() => f.close());

async function openSale() {
  const definition = { ...definitionAt(f.now()), capacity: 1 };
  await putSale(f.store, definition);
  return definition;
}

test('a number that was given again after a loss stays its later owner’s through the next one', async () => {
  const definition = await openSale();
  const { sale } = definition;
  const gateway = await queueGateway(f.store);
  await gateway.queue.watch.renew(sale);
  const fans = await joinMany(gateway, sale, 3);
  await gateway.look(sale);
  await gateway.queue.watch.stop();
  // Joins in the last moment, and sleeps through the recovery.
  const { entry } = await takePlace(f.store, sale, { ticketEntry: null, keyEntry: 'asleep' });
  const asleep: TestFan = { ...fans[0]!, ticket: { sale, entry: entry.id, queueNumber: 4, epoch: 1 } };
  await loseEverything(f, definition);
  await gateway.look(sale);
  for (const fan of fans) await gateway.poll(fan);
  f.pass(RECOVERY_SECONDS);
  await gateway.look(sale);
  const newcomer = await gateway.join(sale, 'newcomer');
  expect(newcomer.ticket).toMatchObject({ queueNumber: 4, epoch: 2 });
  await gateway.look(sale);
  // The sleeper comes before anybody who knows better, and once more.
  await loseEverything(f, definition);
  await gateway.queue.watch.renew(sale);
  await gateway.poll(asleep);
  await gateway.look(sale);
  await gateway.poll(asleep);
  f.pass(HALF_RECOVERY_SECONDS);
  await gateway.poll(asleep);
  expect(await gateway.poll(newcomer)).toMatchObject({ state: 'waiting', queueNumber: 4 });
  f.pass(RECOVERY_SECONDS);
  await gateway.look(sale);
  expect(await gateway.poll(newcomer)).toMatchObject({ state: 'waiting', position: 4 });
  await expect(gateway.poll(asleep)).rejects.toMatchObject({ code: 'token-invalid' });
  await giveTurns(f.store, sale);
  expect(await faultsOf(f, sale)).toEqual([]);
  await gateway.stop();
});

test('a gateway that was asleep through a whole recovery says nothing about numbers given since', async () => {
  for (const isFirst of [true, false]) {
    const definition = await openSale();
    const { sale } = definition;
    const [awake, paused] = [await queueGateway(f.store), await queueGateway(f.store)];
    await awake.queue.watch.renew(sale);
    const fans = await joinMany(awake, sale, 3);
    await awake.look(sale);
    await awake.queue.watch.stop();
    const last = await takePlace(f.store, sale, { ticketEntry: null, keyEntry: 'last' });
    await leavePlace(f.store, sale, last.entry.id);
    await leavePlace(f.store, sale, fans[2]!.ticket.entry);
    await paused.look(sale);
    await paused.stop();
    await loseEverything(f, definition);
    await awake.look(sale);
    f.pass(RECOVERY_SECONDS);
    await awake.look(sale);
    const newcomer = await awake.join(sale, 'newcomer');
    expect(newcomer.ticket).toMatchObject({ queueNumber: 4, epoch: 2 });
    await awake.look(sale);
    await loseEverything(f, definition);
    await awake.queue.watch.renew(sale);
    for (const gateway of isFirst ? [paused, awake] : [awake, paused]) await gateway.look(sale);
    await awake.look(sale);
    f.pass(HALF_RECOVERY_SECONDS);
    await paused.look(sale);
    expect(await awake.poll(newcomer)).toMatchObject({ state: 'waiting', queueNumber: 4 });
    // What it alone knows of older numbers still counts.
    expect((await awake.poll(fans[2]!)).state).toBe('left');
    expect(await faultsOf(f, sale)).toEqual([]);
    await awake.stop();
  }
});

test('files of two gateways, one of the epoch before: each brings back what it alone knows', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'admit-one-memory-'));
  const definition = await openSale();
  const { sale } = definition;
  const [one, two] = [await queueGateway(f.store, folder, 'one'), await queueGateway(f.store, folder, 'two')];
  await one.queue.watch.renew(sale);
  await two.queue.watch.renew(sale);
  const fans = await joinMany(one, sale, 5);
  await one.look(sale);
  await one.queue.watch.stop();
  await leavePlace(f.store, sale, fans[3]!.ticket.entry);
  await two.look(sale);
  await two.stop();
  await loseEverything(f, definition);
  await one.look(sale);
  await one.stop();
  await loseEverything(f, definition);
  const three = await queueGateway(f.store, folder, 'three');
  await three.look(sale);
  expect(three.queue.watch.remembered(sale)).toMatchObject({ epoch: 3, recovering: true, lastNumber: 5 });
  f.pass(HALF_RECOVERY_SECONDS);
  await three.look(sale);
  expect((await three.poll(fans[3]!)).state).toBe('left');
  expect((await three.poll(fans[4]!)).state).toBe('waiting');
  expect(await faultsOf(f, sale)).toEqual([]);
  await three.stop();
  await rm(folder, { recursive: true });
});

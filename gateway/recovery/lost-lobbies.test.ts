import { afterAll, beforeAll, expect, test } from 'vitest';
import type { SaleDefinition } from '#shared/contract/sale.ts';
import { createDrawing } from '../lobby/draw.ts';
import { freezeLobby } from '../lobby/freeze.ts';
import { leavePlace } from '../queue/place.ts';
import { putSale } from '../sale/live-sale.ts';
import { faultsOf, goBack, joinMany, RECOVERY_SECONDS, saveQueue } from '../testing/losing-redis.ts';
import { definitionAt, type QueueFixture, queueFixture } from '../testing/queue-fixture.ts';
import { type QueueGateway, queueGateway, type TestFan } from '../testing/queue-gateway.ts';

const LOBBY_SECONDS = 100;

let f: QueueFixture;
beforeAll(async () => {
  f = await queueFixture();
});
afterAll(() => f.close());

async function lobbySale(settings: Partial<SaleDefinition> = {}) {
  const definition = {
    ...definitionAt(f.now()),
    opensAt: new Date(f.now() + LOBBY_SECONDS * 1000).toISOString(),
    lobbyOpensAt: new Date(f.now() - 60_000).toISOString(),
    capacity: 1,
    ...settings,
  };
  await putSale(f.store, definition);
  const gateway = await queueGateway(f.store);
  await gateway.queue.watch.renew(definition.sale);
  return { definition, sale: definition.sale, gateway };
}

const pollAll = async (gateway: QueueGateway, fans: TestFan[]) => {
  for (const fan of fans) await gateway.poll(fan);
};
const numbersOf = (fans: TestFan[]) => fans.map(({ ticket }) => Number(ticket.queueNumber)).sort();

test.each(['frozen', 'half drawn'])(
  'a lobby that was %s when all was lost, and that nobody remembers, is held again by those who show up',
  async (stage) => {
    const { definition, sale, gateway } = await lobbySale();
    const fans = await joinMany(gateway, sale, 6);
    f.pass(LOBBY_SECONDS);
    await freezeLobby(f.store, sale);
    if (stage === 'half drawn') {
      const drawing = createDrawing(f.store, { placedAtOnce: 2, readBesideMax: 100 });
      const died = drawing.write(sale, () => Promise.reject(new Error('the process has died')));
      await expect(died).rejects.toThrow('died');
      await drawing.stop();
    }
    const late = await gateway.join(sale, 'late');
    await pollAll(gateway, fans);
    const told = fans.filter(({ ticket }) => ticket.queueNumber !== null);
    const numbers = numbersOf(told);
    await gateway.stop();
    await f.empty();
    await putSale(f.store, definition, [], { wasLive: true });

    const after = await queueGateway(f.store);
    await after.look(sale);
    await pollAll(after, [...fans, late]);
    f.pass(RECOVERY_SECONDS);
    await after.look(sale);
    expect(await freezeLobby(f.store, sale)).toBe(true);
    await f.draw(sale);
    await after.look(sale);
    await pollAll(after, [...fans, late]);
    expect(numbersOf(told)).toEqual(numbers);
    expect(late.ticket.queueNumber).toBe(7);
    expect(fans.every(({ seen }) => seen.state === 'waiting' && seen.position !== null)).toBe(true);
    expect(new Set(numbersOf([...fans, late])).size).toBe(7);
    if (stage === 'frozen') expect(numbersOf(fans)).toEqual([1, 2, 3, 4, 5, 6]);
    expect(await faultsOf(f, sale)).toEqual([]);
    await after.stop();
  },
);

test('who had left a lobby that was empty at its freeze does not stand in it for ever after a loss', async () => {
  const { sale, gateway } = await lobbySale();
  const [gone] = (await joinMany(gateway, sale, 1)) as [TestFan];
  const saved = await saveQueue(f, sale);
  await leavePlace(f.store, sale, gone.ticket.entry);
  f.pass(LOBBY_SECONDS);
  await freezeLobby(f.store, sale);
  await gateway.look(sale);
  await goBack(f, sale, saved);
  await gateway.queue.watch.renew(sale);
  expect((await gateway.poll(gone)).state).toBe('lobby');
  await gateway.look(sale);
  f.pass(RECOVERY_SECONDS);
  await gateway.look(sale);
  expect((await gateway.poll(gone)).state).toBe('left');
  expect((await gateway.join(sale, 'late')).seen).toMatchObject({ queueNumber: 1, position: 1 });
  expect(await faultsOf(f, sale)).toEqual([]);
  await gateway.stop();
});

test('who is put behind a lobby that is held again is told the number at the next poll, and keeps it through the next loss', async () => {
  const beacon = {
    name: 'b',
    rule: 'r',
    from: new Date(f.now() + 2_000_000).toISOString(),
    url: null,
    field: null,
  };
  const { definition, sale, gateway } = await lobbySale({ beacon });
  const fans = await joinMany(gateway, sale, 3);
  const saved = await saveQueue(f, sale);
  await leavePlace(f.store, sale, fans[0]!.ticket.entry);
  f.pass(LOBBY_SECONDS);
  await freezeLobby(f.store, sale);
  const late = await gateway.join(sale, 'late');
  await gateway.stop();
  await goBack(f, sale, saved);

  const after = await queueGateway(f.store);
  await after.look(sale);
  await pollAll(after, [late, ...fans]);
  f.pass(RECOVERY_SECONDS);
  await after.look(sale);
  await pollAll(after, fans);
  expect(await freezeLobby(f.store, sale)).toBe(true);
  await f.draw(sale);
  await after.look(sale);
  await pollAll(after, fans);
  expect(fans.map(({ ticket }) => ticket.queueNumber)).toEqual([null, null, 4]);
  await f.empty();
  await putSale(f.store, definition, [], { wasLive: true });
  await after.look(sale);
  await after.look(sale);
  await pollAll(after, [late, ...fans]);
  f.pass(RECOVERY_SECONDS);
  await after.look(sale);
  await pollAll(after, [late, ...fans]);
  expect(fans.map(({ seen }) => [seen.state, seen.queueNumber])).toEqual([
    ['lobby', null],
    ['lobby', null],
    ['waiting', 4],
  ]);
  expect(await faultsOf(f, sale)).toEqual([]);
  await after.stop();
});

test('Redis goes back over the freeze of a lobby of which a gateway knows the numbers only: each is given once', async () => {
  const { sale, gateway } = await lobbySale();
  const fans = await joinMany(gateway, sale, 3);
  await gateway.look(sale);
  const saved = await saveQueue(f, sale);
  await gateway.stop();
  const after = await queueGateway(f.store);
  await after.look(sale);
  f.pass(LOBBY_SECONDS);
  await freezeLobby(f.store, sale);
  const late = await after.join(sale, 'late');
  // Its snapshot has the lobby's numbers and the late-comer's; its memory of the draw is from before.
  await after.queue.watch.renew(sale);
  await goBack(f, sale, saved);
  await after.look(sale);
  await pollAll(after, [late, ...fans]);
  f.pass(RECOVERY_SECONDS);
  await after.look(sale);
  expect(await freezeLobby(f.store, sale)).toBe(true);
  await f.draw(sale);
  await after.look(sale);
  await pollAll(after, [...fans, late]);
  expect(numbersOf(fans)).toEqual([1, 2, 3]);
  expect(late.seen).toMatchObject({ queueNumber: 4, position: 4 });
  expect(await faultsOf(f, sale)).toEqual([]);
  await after.stop();
});

import { afterAll, beforeAll, expect, test } from 'vitest';
import { checkAdmission, claimTurn, finishAdmission } from '../admission/admission.ts';
import type { SigningKeys } from '../admission/signing-keys.ts';
import { giveTurns } from '../admission/turn-giver.ts';
import { leavePlace } from '../queue/place.ts';
import { faultsOf, goBack, joinMany, RECOVERY_SECONDS, saveQueue } from '../testing/losing-redis.ts';
import { type QueueFixture, queueFixture } from '../testing/queue-fixture.ts';
import { queueGateway, type TestFan } from '../testing/queue-gateway.ts';
import { testSigningKeys } from '../testing/test-keys.ts';

let f: QueueFixture;
let keys: SigningKeys;
beforeAll(async () => {
  f = await queueFixture();
  keys = await testSigningKeys();
});
afterAll(() => f.close());

const claim = (sale: string, fan: TestFan) => claimTurn(f.store, keys, sale, fan.ticket.entry);

async function check(sale: string, fan: TestFan, token: string) {
  const claims = JSON.parse(Buffer.from(token.split('.')[1] as string, 'base64url').toString());
  return checkAdmission(f.store, { ...claims, sale, sub: fan.ticket.entry }, { startsPayment: false });
}

test('a claim that is lost is found out, and its room is nobody else’s', async () => {
  const sale = await f.sale({ capacity: 1, graceSeconds: 86_400 });
  const gateway = await queueGateway(f.store);
  await gateway.queue.watch.renew(sale);
  const [inside, next] = (await joinMany(gateway, sale, 2)) as [TestFan, TestFan];
  await giveTurns(f.store, sale);
  await gateway.look(sale);
  const saved = await saveQueue(f, sale);
  const { token } = await claim(sale, inside);
  await gateway.look(sale);
  await goBack(f, sale, saved);
  await giveTurns(f.store, sale);
  await gateway.look(sale);
  await gateway.look(sale);
  expect(gateway.queue.watch.remembered(sale)).toMatchObject({ epoch: 2, recovering: true });
  f.pass(181);
  await giveTurns(f.store, sale);
  await gateway.look(sale);
  expect((await gateway.poll(next)).state).toBe('waiting');
  expect((await check(sale, inside, token)).state).toBe('live');
  expect(await faultsOf(f, sale)).toEqual([]);
  await gateway.stop();
});

test('an order is repeated with the token of a claim that is lost together with its completion', async () => {
  const sale = await f.sale({ capacity: 2 });
  const gateway = await queueGateway(f.store);
  await gateway.queue.watch.renew(sale);
  const [fan] = (await joinMany(gateway, sale, 1)) as [TestFan];
  await giveTurns(f.store, sale);
  await gateway.look(sale);
  const saved = await saveQueue(f, sale);
  const { token } = await claim(sale, fan);
  await finishAdmission(f.store, sale, fan.ticket.entry, 'order-1');
  await gateway.look(sale);
  await goBack(f, sale, saved);
  await gateway.look(sale);
  await gateway.look(sale);
  expect((await gateway.poll(fan)).state).toBe('finished');
  // Of the token Redis knows nothing any more; that it is its fan's the token itself says.
  expect((await check(sale, fan, token)).state).toBe('finished');
  expect(await faultsOf(f, sale)).toEqual([]);
  await gateway.stop();
});

test('an order whose completion is lost does not open the shop again', async () => {
  const sale = await f.sale({ capacity: 2 });
  const gateway = await queueGateway(f.store);
  await gateway.queue.watch.renew(sale);
  const [fan] = (await joinMany(gateway, sale, 1)) as [TestFan];
  await giveTurns(f.store, sale);
  const { token } = await claim(sale, fan);
  const saved = await saveQueue(f, sale);
  await finishAdmission(f.store, sale, fan.ticket.entry, 'order-1');
  await gateway.look(sale);
  await goBack(f, sale, saved);
  await gateway.look(sale);
  await gateway.look(sale);
  expect((await check(sale, fan, token)).state).toBe('finished');
  expect((await gateway.poll(fan)).state).toBe('finished');
  expect(await faultsOf(f, sale)).toEqual([]);
  await gateway.stop();
});

test('an order that becomes known proves its admission, whoever has noticed that Redis has lost it', async () => {
  const sale = await f.sale({ capacity: 2, claimSeconds: 180 });
  const gateway = await queueGateway(f.store);
  await gateway.queue.watch.renew(sale);
  const fans = (await joinMany(gateway, sale, 2)) as [TestFan, TestFan];
  const waiting = await saveQueue(f, sale);
  await giveTurns(f.store, sale);
  const ready = await saveQueue(f, sale);
  await gateway.stop();
  for (const [saved, order] of [
    [waiting, 'order-1'],
    [ready, 'order-2'],
  ] as const) {
    await goBack(f, sale, saved);
    expect(await finishAdmission(f.store, sale, fans[0].ticket.entry, order)).toBe('finished');
    await expect(claim(sale, fans[0])).rejects.toMatchObject({ code: 'already-finished' });
    expect(await faultsOf(f, sale)).toEqual([]);
  }
});

test('a loss is found out when as much has happened since the restart as was lost', async () => {
  const sale = await f.sale({ capacity: 2, admitPerMinute: 60 });
  const gateway = await queueGateway(f.store);
  await gateway.queue.watch.renew(sale);
  const fans = await joinMany(gateway, sale, 6);
  const saved = await saveQueue(f, sale);
  await giveTurns(f.store, sale);
  await gateway.look(sale);
  const seen = gateway.queue.watch.remembered(sale)!;
  await goBack(f, sale, saved);
  await leavePlace(f.store, sale, fans[5]!.ticket.entry);
  expect(Number(await f.redis.hget(`admit-one:{${sale}}:queue`, 'moves'))).toBe(seen.moves);
  await gateway.look(sale);
  await gateway.look(sale);
  expect(gateway.queue.watch.remembered(sale)).toMatchObject({ epoch: 2, recovering: true });
  f.pass(RECOVERY_SECONDS);
  await gateway.look(sale);
  const states = [];
  for (const fan of fans) states.push((await gateway.poll(fan)).state);
  expect(states).toEqual(['ready', 'waiting', 'waiting', 'waiting', 'waiting', 'left']);
  expect(await faultsOf(f, sale)).toEqual([]);
  await gateway.stop();
});

test('a restart that lost nothing is no loss, however much happens before a gateway looks again', async () => {
  const sale = await f.sale({ capacity: 2 });
  const gateway = await queueGateway(f.store);
  await gateway.queue.watch.renew(sale);
  const fans = await joinMany(gateway, sale, 4);
  await gateway.look(sale);
  await goBack(f, sale, await saveQueue(f, sale));
  for (const fan of fans.slice(2)) await leavePlace(f.store, sale, fan.ticket.entry);
  await gateway.look(sale);
  expect(gateway.queue.watch.remembered(sale)).toMatchObject({ epoch: 1, recovering: false });
  await gateway.stop();
});

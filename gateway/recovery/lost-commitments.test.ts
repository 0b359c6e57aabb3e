import { afterAll, beforeAll, expect, test } from 'vitest';
import { putSale } from '../sale/live-sale.ts';
import {
  beaconIn,
  giveBeacon,
  lobbySale,
  openLobby,
  pollAll,
  publishedDraw,
  recover,
  saidOf,
} from '../testing/lost-lobby.ts';
import { type QueueFixture, queueFixture } from '../testing/queue-fixture.ts';
import { queueGateway } from '../testing/queue-gateway.ts';

let f: QueueFixture;
beforeAll(async () => {
  f = await queueFixture();
});
afterAll(() => f.close());

test('fans of a lobby that nobody remembers keep their places, and its new commitment says that it is younger', async () => {
  const { sale, definition, gateway, fans } = await lobbySale(f, 6, { beacon: beaconIn(f, 4_000) });
  await openLobby(f, sale);
  await f.draw(sale);
  const late = await gateway.join(sale, 'late');
  const before = await publishedDraw(f, sale);
  await gateway.stop();
  await f.empty();
  await putSale(f.store, definition, [], { wasLive: true });
  const after = await queueGateway(f.store);
  await after.look(sale);
  await pollAll(after, [...fans, late]);
  await recover(f, after, sale);
  f.pass(4_000);
  await giveBeacon(f, definition, '17');
  await f.draw(sale);
  await after.look(sale);
  await pollAll(after, [...fans, late]);
  expect(fans.map(({ ticket }) => ticket.queueNumber).sort()).toEqual([1, 2, 3, 4, 5, 6]);
  expect(late.ticket.queueNumber).toBe(7);
  const draw = await publishedDraw(f, sale);
  expect(draw).toMatchObject({ state: 'drawn', entries: 6, beacon: '17' });
  expect(draw.commitment).not.toBe(before.commitment);
  expect(before.recommittedAt).toBeNull();
  expect(draw.recommittedAt).toBe(definition.opensAt);
  expect(await saidOf(draw, 'broken')).toEqual([]);
  const open = (await saidOf(draw, 'open')).join('\n');
  expect(open).toContain('the shop lost data after the lobby had opened');
  expect(open).not.toContain('before the lobby opened:');
  await after.stop();
});

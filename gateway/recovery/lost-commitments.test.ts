import { afterAll, beforeAll, expect, test } from 'vitest';
import { putSale } from '../sale/live-sale.ts';
import { RECOVERY_SECONDS } from '../testing/losing-redis.ts';
import {
  beaconIn,
  giveBeacon,
  lobbySale,
  lookTwice,
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
  await giveBeacon(f, definition, { value: '17' });
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

test.each(['once', 'twice, with nothing in between'])(
  'a commitment that was published before its lobby opened outlives an emptied Redis: %s',
  async (times) => {
    const { sale, definition, gateway } = await lobbySale(f, 0, {
      opensAt: new Date(f.now() + 900_000).toISOString(),
      lobbyOpensAt: new Date(f.now() + 600_000).toISOString(),
    });
    await gateway.look(sale);
    const { commitment } = await publishedDraw(f, sale);
    const take = async () => {
      await f.empty();
      await putSale(f.store, definition, [], { wasLive: true });
      expect((await publishedDraw(f, sale)).commitment).not.toBe(commitment);
      await lookTwice(gateway, sale);
      expect((await publishedDraw(f, sale)).commitment).toBe(commitment);
    };
    await take();
    f.pass(RECOVERY_SECONDS);
    await gateway.look(sale);
    if (times !== 'once') {
      await take();
      await take();
      f.pass(RECOVERY_SECONDS);
      await gateway.look(sale);
    }
    expect(await publishedDraw(f, sale)).toMatchObject({
      state: 'committed',
      commitment,
      recommittedAt: null,
    });
    f.pass(600);
    expect((await gateway.join(sale, 'fan')).seen.state).toBe('lobby');
    await gateway.stop();
  },
);

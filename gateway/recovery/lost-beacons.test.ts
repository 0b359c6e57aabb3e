import { afterAll, beforeAll, expect, test } from 'vitest';
import { giveTurns } from '../admission/turn-giver.ts';
import { faultsOf, loseEverything } from '../testing/losing-redis.ts';
import {
  beaconIn,
  forgetfulGateway,
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

const BEACON_SECONDS = 165;
/** From the opening until after the beacon's moment. */
const UNTIL_BEACON_SECONDS = 66;

let f: QueueFixture;
beforeAll(async () => {
  f = await queueFixture();
});
afterAll(() => f.close());

test.each(['in the recovery', 'before the loss, and is durable', 'before the loss, and is not durable'])(
  'a lobby that nobody knows is drawn without the value that was given %s, and says so',
  async (given) => {
    const { sale, definition, gateway, fans } = await lobbySale(f, 6, {
      beacon: beaconIn(f, BEACON_SECONDS),
    });
    const after = await forgetfulGateway(f);
    await openLobby(f, sale);
    await f.draw(sale);
    await after.look(sale);
    let durable = definition;
    if (given !== 'in the recovery') {
      f.pass(UNTIL_BEACON_SECONDS);
      const isDurable = given.endsWith('is durable');
      const changed = await giveBeacon(f, definition, { value: '17' }, { isDurable });
      if (isDurable) durable = changed;
      expect(await publishedDraw(f, sale)).toMatchObject({ state: isDurable ? 'drawing' : 'awaitingBeacon' });
      await after.look(sale);
    }
    await gateway.stop();
    await loseEverything(f, durable);
    await lookTwice(after, sale);
    await pollAll(after, fans);
    if (given === 'in the recovery') {
      f.pass(UNTIL_BEACON_SECONDS);
      await giveBeacon(f, definition, { value: '17' });
    }
    await recover(f, after, sale);
    const reason = 'closed once more, after a loss of data';
    if (given.endsWith('not durable')) {
      // It was lost before it decided anything; by now it would prove nothing.
      await expect(giveBeacon(f, definition, { value: '17' })).rejects.toMatchObject({
        code: 'beacon-too-late',
      });
      await giveBeacon(f, definition, { without: reason });
      await f.draw(sale);
    }
    const draw = await publishedDraw(f, sale);
    expect(draw).toMatchObject({ state: 'drawn', entries: 6, beacon: null });
    expect(draw.withoutBeacon?.reason).toContain(reason);
    expect(await saidOf(draw, 'broken')).toEqual([]);
    expect(await faultsOf(f, sale)).toEqual([]);
    await after.stop();
  },
);

test('a gateway that remembers the freeze and not its digest changes nothing of a draw that others remember', async () => {
  const {
    sale,
    definition,
    gateway: stale,
    fans,
  } = await lobbySale(f, 6, {
    beacon: beaconIn(f, BEACON_SECONDS),
  });
  await openLobby(f, sale);
  await stale.look(sale);
  await stale.queue.watch.stop();
  await f.draw(sale);
  f.pass(UNTIL_BEACON_SECONDS);
  const given = await giveBeacon(f, definition, { value: '17' });
  await f.draw(sale);
  const newer = await queueGateway(f.store);
  await newer.look(sale);
  const proof = await publishedDraw(f, sale);
  expect(proof).toMatchObject({ state: 'drawn', beacon: '17' });
  await loseEverything(f, given);
  await lookTwice(stale, sale);
  await lookTwice(newer, sale);
  await pollAll(newer, fans);
  await recover(f, newer, sale);
  expect(await publishedDraw(f, sale)).toEqual(proof);
  await giveTurns(f.store, sale);
  expect(await faultsOf(f, sale)).toEqual([]);
  await Promise.all([stale.stop(), newer.stop()]);
});

test('a digest that nobody remembers is published in the recovery, in time for its value', async () => {
  const { sale, definition, gateway, fans } = await lobbySale(f, 6, { beacon: beaconIn(f, BEACON_SECONDS) });
  await openLobby(f, sale);
  await gateway.look(sale);
  await loseEverything(f, definition);
  await lookTwice(gateway, sale);
  await pollAll(gateway, fans);
  expect(await publishedDraw(f, sale)).toMatchObject({ state: 'awaitingBeacon', entries: 6 });
  f.pass(UNTIL_BEACON_SECONDS);
  await giveBeacon(f, definition, { value: '17' });
  await recover(f, gateway, sale);
  const draw = await publishedDraw(f, sale);
  expect(draw).toMatchObject({ state: 'drawn', beacon: '17' });
  expect(await saidOf(draw, 'broken')).toEqual([]);
  await gateway.stop();
});

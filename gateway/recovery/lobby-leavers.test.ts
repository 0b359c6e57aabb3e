import { afterAll, beforeAll, expect, test } from 'vitest';
import { finishAdmission } from '../admission/admission.ts';
import { giveTurns } from '../admission/turn-giver.ts';
import { leavePlace } from '../queue/place.ts';
import { faultsOf, goBack, loseEverything, saveQueue } from '../testing/losing-redis.ts';
import {
  forgetfulGateway,
  lobbySale,
  lookTwice,
  openLobby,
  pollAll,
  publishedDraw,
  recover,
} from '../testing/lost-lobby.ts';
import { type QueueFixture, queueFixture } from '../testing/queue-fixture.ts';
import type { QueueGateway, TestFan } from '../testing/queue-gateway.ts';

let f: QueueFixture;
beforeAll(async () => {
  f = await queueFixture();
});
afterAll(() => f.close());

/** The draw is held with all six, and the sixth has no turn. */
async function goesOnWithout(gateway: QueueGateway, sale: string, fans: TestFan[], became: string) {
  await recover(f, gateway, sale);
  expect(await publishedDraw(f, sale)).toMatchObject({ state: 'drawn', entries: 6 });
  f.pass(2);
  expect(await giveTurns(f.store, sale)).toBeGreaterThan(0);
  await gateway.look(sale);
  await pollAll(gateway, fans);
  expect(fans.map(({ seen }) => seen.state)).toEqual([...Array(5).fill('ready'), became]);
  expect(await faultsOf(f, sale)).toEqual([]);
}

test.each(['has left', 'has ordered'])(
  'a fan who %s before the frozen lobby is brought back does not keep the draw from being written',
  async (what) => {
    const { sale, definition, gateway, fans } = await lobbySale(f, 6);
    const forgetful = await forgetfulGateway(f);
    await openLobby(f, sale);
    await gateway.look(sale);
    await forgetful.look(sale);
    await gateway.queue.watch.stop();
    await loseEverything(f, definition);
    await lookTwice(forgetful, sale);
    const gone = fans[5] as TestFan;
    await forgetful.poll(gone);
    if (what === 'has left') await leavePlace(f.store, sale, gone.ticket.entry);
    else await finishAdmission(f.store, sale, gone.ticket.entry, 'order-1');
    await lookTwice(gateway, sale);
    await goesOnWithout(gateway, sale, fans, what === 'has left' ? 'left' : 'finished');
    await Promise.all([gateway.stop(), forgetful.stop()]);
  },
);

test('nor does one who leaves after Redis went back over the freeze, before any gateway has noticed', async () => {
  const { sale, gateway, fans } = await lobbySale(f, 6);
  const saved = await saveQueue(f, sale);
  await openLobby(f, sale);
  await gateway.look(sale);
  await goBack(f, sale, saved);
  await leavePlace(f.store, sale, (fans[5] as TestFan).ticket.entry);
  await lookTwice(gateway, sale);
  await goesOnWithout(gateway, sale, fans, 'left');
  await gateway.stop();
});

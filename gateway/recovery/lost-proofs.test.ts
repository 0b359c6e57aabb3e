import { afterAll, beforeAll, expect, test } from 'vitest';
import type { DrawAnswer } from '#shared/contract/queue.ts';
import { giveTurns } from '../admission/turn-giver.ts';
import { publishDraws } from '../lobby/published.ts';
import { leavePlace } from '../queue/place.ts';
import type { QueueSnapshot } from '../queue/snapshot.ts';
import { saleKey } from '../redis/keys.ts';
import { faultsOf, goBack, loseEverything, saveQueue } from '../testing/losing-redis.ts';
import {
  beaconIn,
  forgetfulGateway,
  type LobbySale,
  lobbySale,
  lookTwice,
  openLobby,
  pollAll,
  publishedDraw,
  recover,
  saidOf,
} from '../testing/lost-lobby.ts';
import { type QueueFixture, queueFixture } from '../testing/queue-fixture.ts';
import { type QueueGateway, queueGateway, type TestFan } from '../testing/queue-gateway.ts';

const LOBBY = 6;

let f: QueueFixture;
beforeAll(async () => {
  f = await queueFixture();
});
afterAll(() => f.close());

type Lost = LobbySale & { late: TestFan; after: QueueGateway; told: TestFan[] };

/** A draw is written, a late-comer comes, and fans are told the drawn numbers that are named. */
async function drawn(
  numbers: number[],
  remembers: (gateway: QueueGateway, sale: string) => Promise<unknown>,
): Promise<Lost> {
  const lobby = await lobbySale(f, LOBBY, { capacity: 1 });
  const { sale, gateway, fans } = lobby;
  const after = await forgetfulGateway(f);
  await remembers(after, sale);
  await openLobby(f, sale);
  await remembers(after, sale);
  await f.draw(sale);
  const late = await gateway.join(sale, 'late');
  await gateway.queue.watch.renew(sale);
  const told: TestFan[] = [];
  for (const fan of fans) {
    const number = await f.redis.zscore(saleKey(sale, 'waiting'), fan.ticket.entry);
    if (!numbers.includes(Number(number))) continue;
    await gateway.poll(fan);
    told.push(fan);
  }
  await gateway.stop();
  return { ...lobby, late, after, told };
}

/** Nobody is behind who came later, each number is one fan's, and nothing false is published. */
async function isHonest({ sale, after, fans, late, told }: Lost) {
  const numbers = told.map(({ ticket }) => ticket.queueNumber);
  await pollAll(after, [...fans, late]);
  await recover(f, after, sale);
  await after.look(sale);
  await pollAll(after, [...fans, late]);
  expect(fans.map(({ ticket }) => Number(ticket.queueNumber)).sort()).toEqual([1, 2, 3, 4, 5, 6]);
  expect(told.map(({ ticket }) => ticket.queueNumber)).toEqual(numbers);
  expect(late.seen).toMatchObject({ queueNumber: LOBBY + 1, position: LOBBY + 1 });
  expect(await publishedDraw(f, sale)).toMatchObject({ state: 'unproven', seed: null, ids: null });
  f.pass(10);
  await giveTurns(f.store, sale);
  await after.look(sale);
  expect((await after.join(sale, 'newcomer')).ticket.queueNumber).toBe(LOBBY + 2);
  expect(await faultsOf(f, sale)).toEqual([]);
}

test.each([[[6]], [[1, 4]], [[1, 2, 3, 4, 5, 6]]])(
  'where only the freeze of a lobby is remembered, tickets with the numbers %j keep them, and nobody is behind who came later',
  async (numbers) => {
    const lost = await drawn(numbers, (gateway, sale) => gateway.look(sale));
    const { sale, definition, after } = lost;
    await loseEverything(f, definition);
    await lookTwice(after, sale);
    await isHonest(lost);
    await after.stop();
  },
);

test.each([[[1]], [[3]], [[1, 2, 3, 4, 5, 6]]])(
  'where not even the freeze is remembered, tickets with the numbers %j keep them, and no draw of nobody is published',
  async (numbers) => {
    const lost = await drawn(numbers, async () => undefined);
    const { sale, definition, after } = lost;
    await loseEverything(f, definition);
    await lookTwice(after, sale);
    await isHonest(lost);
    await after.stop();
  },
);

test.each(['closedAt', 'soldOut', 'paused'])(
  'a sale that is ended (%s) while nobody knows its lobby publishes no draw of nobody',
  async (how) => {
    const { sale, definition, gateway } = await lobbySale(f, LOBBY);
    const after = await forgetfulGateway(f);
    await openLobby(f, sale);
    await after.look(sale);
    await gateway.stop();
    await loseEverything(f, definition);
    await lookTwice(after, sale);
    await f.redis.hset(saleKey(sale, 'sale'), how, how === 'closedAt' ? f.now() : '1');
    await recover(f, after, sale);
    const draw = await publishedDraw(f, sale);
    expect(draw).toMatchObject({ state: 'unproven', entries: LOBBY, seed: null, ids: null });
    expect(await faultsOf(f, sale)).toEqual([]);
    await after.stop();
  },
);

test('a lobby that is closed once more, and drawn, says so', async () => {
  const { sale, definition, gateway, fans } = await lobbySale(f, LOBBY);
  const after = await forgetfulGateway(f);
  await openLobby(f, sale);
  await after.look(sale);
  await gateway.stop();
  await loseEverything(f, definition);
  await lookTwice(after, sale);
  await pollAll(after, fans.slice(1));
  await recover(f, after, sale);
  const draw = await publishedDraw(f, sale);
  expect(draw).toMatchObject({ state: 'drawn', entries: LOBBY - 1, closedAgain: true });
  expect(await saidOf(draw, 'broken')).toEqual([]);
  expect((await saidOf(draw, 'open')).join()).toContain('closed it once more with those who came back');
  await after.stop();
});

test('what was given without a proof stays through the next loss, for those too who were not told in between', async () => {
  const lost = await drawn([6], (gateway, sale) => gateway.look(sale));
  const { sale, definition, after, fans, late } = lost;
  await loseEverything(f, definition);
  await lookTwice(after, sale);
  await pollAll(after, [...fans, late]);
  await recover(f, after, sale);
  await pollAll(after, [...fans.slice(0, 3), late]);
  const told = [...fans.slice(0, 3), late];
  const numbers = told.map(({ ticket }) => ticket.queueNumber);
  await after.look(sale);
  await loseEverything(f, definition);
  await lookTwice(after, sale);
  await pollAll(after, [...fans, late]);
  await recover(f, after, sale);
  await pollAll(after, [...fans, late]);
  expect(told.map(({ ticket }) => ticket.queueNumber)).toEqual(numbers);
  expect(fans.map(({ ticket }) => Number(ticket.queueNumber)).sort()).toEqual([1, 2, 3, 4, 5, 6]);
  expect(await publishedDraw(f, sale)).toMatchObject({ state: 'unproven', seed: null });
  await after.stop();
});

test('a gateway that has all of it brings the proof back where another one knows nothing', async () => {
  const { sale, definition, gateway, fans } = await lobbySale(f, LOBBY);
  const knows = await queueGateway(f.store);
  const forgetful = await forgetfulGateway(f);
  await openLobby(f, sale);
  await forgetful.look(sale);
  await f.draw(sale);
  await knows.look(sale);
  await pollAll(gateway, fans);
  const proof = await publishedDraw(f, sale);
  await gateway.stop();
  await loseEverything(f, definition);
  await lookTwice(forgetful, sale);
  await pollAll(forgetful, fans);
  await lookTwice(knows, sale);
  await recover(f, knows, sale);
  expect(await publishedDraw(f, sale)).toEqual(proof);
  await giveTurns(f.store, sale);
  expect(await faultsOf(f, sale)).toEqual([]);
  await Promise.all([knows.stop(), forgetful.stop()]);
});

test('a gateway that has answered with a draw tells of the one that was held since, like every other', async () => {
  const { sale, definition, gateway, fans } = await lobbySale(f, LOBBY);
  const draws = publishDraws(f.store);
  const told = async () => {
    const { body } = await draws.answer(sale);
    return JSON.parse(Buffer.from(body).toString()) as DrawAnswer;
  };
  await openLobby(f, sale);
  await f.draw(sale);
  const first = await told();
  expect(first).toMatchObject({ state: 'drawn', entries: LOBBY });
  await gateway.stop();
  await loseEverything(f, definition);
  const after = await queueGateway(f.store);
  await lookTwice(after, sale);
  await pollAll(after, fans);
  await recover(f, after, sale);
  await expect.poll(told, { timeout: 10_000 }).toEqual(await publishedDraw(f, sale));
  expect((await told()).commitment).not.toBe(first.commitment);
  await after.stop();
});

test('who is ended when a lobby is brought back costs no poll of the others a call to Redis', async () => {
  const { sale, gateway, fans } = await lobbySale(f, LOBBY, { beacon: beaconIn(f, 4_000) });
  const saved = await saveQueue(f, sale);
  const gone = fans[0] as TestFan;
  await leavePlace(f.store, sale, gone.ticket.entry);
  await openLobby(f, sale);
  await gateway.look(sale);
  await goBack(f, sale, saved);
  await gateway.queue.watch.renew(sale);
  await gateway.poll(gone);
  await lookTwice(gateway, sale);
  await recover(f, gateway, sale);
  expect((await gateway.poll(gone)).state).toBe('left');
  const { leavers, lobbyLeft } = gateway.queue.watch.remembered(sale) as QueueSnapshot;
  expect([leavers.size, [...leavers]]).toEqual([lobbyLeft, [gone.ticket.entry]]);
  await gateway.stop();
});

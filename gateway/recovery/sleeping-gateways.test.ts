import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { createDrawing } from '../lobby/draw.ts';
import { freezeLobby } from '../lobby/freeze.ts';
import { saleKey } from '../redis/keys.ts';
import { faultsOf, goBack, loseEverything, RECOVERY_SECONDS, saveQueue } from '../testing/losing-redis.ts';
import {
  LOBBY_SECONDS,
  lobbySale,
  lookTwice,
  openLobby,
  pollAll,
  publishedDraw,
  recover,
} from '../testing/lost-lobby.ts';
import { type QueueFixture, queueFixture } from '../testing/queue-fixture.ts';
import { type QueueGateway, queueGateway, type TestFan } from '../testing/queue-gateway.ts';

const LOBBY = 8;
const HALF_RECOVERY_SECONDS = 40;
const QUIET_MS = 300;
const PATIENCE = { timeout: 10 * QUIET_MS, interval: 20 };

let f: QueueFixture;
beforeAll(async () => {
  f = await queueFixture();
});
afterAll(() => f.close());

/** A gateway that lets others speak before it brings anything back, as real ones do. */
const quietGateway = (store: QueueFixture['store'], dataDir: string | null = null) =>
  queueGateway(store, dataDir, 'gateway', createDrawing(store), QUIET_MS);

/** They look, again and again as always, until the draw of the epoch before this one has been brought back. */
async function lookUntilBroughtBack(sale: string, gateways: QueueGateway[]): Promise<void> {
  await vi.waitFor(async () => {
    for (const gateway of gateways) await gateway.look(sale);
    const [epoch, drawOf] = await f.redis.hmget(saleKey(sale, 'queue'), 'epoch', 'drawOf');
    expect(drawOf).toBe(`${epoch}:${Number(epoch) - 1}`);
  }, PATIENCE);
}

/** The same for the numbers, of which it is noted from when on they count. */
async function lookUntilNumbersAreBack(sale: string, gateways: QueueGateway[]): Promise<void> {
  await vi.waitFor(async () => {
    for (const gateway of gateways) await gateway.look(sale);
    const restoredTo = await f.redis.hget(saleKey(sale, 'queue'), 'restoredTo');
    expect(Number(restoredTo)).toBeGreaterThan(0);
  }, PATIENCE);
}

const standing = (fans: TestFan[]) => fans.map(({ seen }) => [seen.state, seen.queueNumber, seen.position]);

test.each(['before anybody else has looked', 'first', 'last'])(
  'a gateway that remembers a draw of before the last loss, and speaks %s, changes nothing of the one that was held since',
  async (when) => {
    const isFirstToLook = when === 'before anybody else has looked';
    const open = isFirstToLook ? quietGateway : queueGateway;
    const { sale, definition, gateway: sleeper, fans } = await lobbySale(f, LOBBY, {}, open);
    const folder = await mkdtemp(join(tmpdir(), 'admit-one-memory-'));
    const before = await queueGateway(f.store, folder);
    await before.look(sale);
    await before.stop();
    f.pass(LOBBY_SECONDS - 1);
    const saved = await saveQueue(f, sale);
    f.pass(1);
    await freezeLobby(f.store, sale);
    await f.draw(sale);
    await sleeper.look(sale);
    await sleeper.queue.watch.stop();
    await goBack(f, sale, saved);
    await loseEverything(f, definition);
    const awake = await open(f.store, folder);
    await lookTwice(awake, sale);
    if (isFirstToLook) await lookUntilBroughtBack(sale, [awake]);
    const there = fans.slice(1);
    await pollAll(awake, there);
    f.pass(RECOVERY_SECONDS);
    await awake.look(sale);
    expect(await freezeLobby(f.store, sale)).toBe(true);
    await f.draw(sale);
    await awake.look(sale);
    await pollAll(awake, there);
    const all = [...there, await awake.join(sale, 'late')];
    const stood = standing(all);
    await awake.look(sale);
    const proof = await publishedDraw(f, sale);
    await awake.queue.watch.stop();

    await loseEverything(f, definition);
    // Whoever knows of the later epoch sees that this one is not it.
    if (isFirstToLook) await lookTwice(sleeper, sale);
    else await awake.queue.watch.renew(sale);
    for (const gateway of when === 'first' ? [sleeper, awake] : [awake, sleeper])
      await lookTwice(gateway, sale);
    if (isFirstToLook) await lookUntilBroughtBack(sale, [sleeper, awake]);
    await pollAll(awake, all);
    f.pass(HALF_RECOVERY_SECONDS);
    for (const gateway of [sleeper, awake]) await lookTwice(gateway, sale);
    await recover(f, awake, sale);
    await pollAll(awake, all);
    const after = standing(all).map(([, number]) => number);
    expect(after).toEqual(stood.map(([, number]) => number));
    expect(all.every(({ seen }) => seen.state === 'waiting')).toBe(true);
    expect(await publishedDraw(f, sale)).toEqual(proof);
    expect((await faultsOf(f, sale)).filter((fault) => !fault.includes('looked after'))).toEqual([]);
    await Promise.all([awake.stop(), sleeper.stop()]);
    await rm(folder, { recursive: true });
  },
);

test.each(['before anybody else has looked', 'first'])(
  'a number of the lobby that was given again since stays its owner’s, whatever a sleeper who speaks %s remembers of the draw',
  async (when) => {
    const isFirstToLook = when === 'before anybody else has looked';
    const open = isFirstToLook ? quietGateway : queueGateway;
    const { sale, definition, gateway: sleeper, fans } = await lobbySale(f, LOBBY, {}, open);
    await openLobby(f, sale);
    await f.draw(sale);
    await sleeper.look(sale);
    await pollAll(sleeper, fans);
    await sleeper.queue.watch.stop();
    await loseEverything(f, definition);
    const awake = await open(f.store);
    await awake.look(sale);
    const there = fans.filter(({ ticket }) => Number(ticket.queueNumber) <= 5);
    await pollAll(awake, there);
    await recover(f, awake, sale);
    await pollAll(awake, there);
    const newcomer = await awake.join(sale, 'newcomer');
    expect(newcomer.ticket.queueNumber).toBe(6);
    await awake.look(sale);
    await awake.queue.watch.stop();
    await loseEverything(f, definition);
    if (!isFirstToLook) await awake.queue.watch.renew(sale);
    await lookTwice(sleeper, sale);
    await lookTwice(awake, sale);
    if (isFirstToLook) await lookUntilNumbersAreBack(sale, [sleeper, awake]);
    await awake.poll(newcomer);
    f.pass(HALF_RECOVERY_SECONDS);
    for (const gateway of [sleeper, awake]) await lookTwice(gateway, sale);
    await recover(f, awake, sale);
    expect(await awake.poll(newcomer)).toMatchObject({ state: 'waiting', queueNumber: 6, position: 6 });
    await Promise.all([awake.stop(), sleeper.stop()]);
  },
);

import { randomBytes } from 'node:crypto';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as wait } from 'node:timers/promises';
import { createLog } from '#shared/log.ts';
import { giveTurns, keepGivingTurns } from '../../../gateway/admission/turn-giver.ts';
import { createDrawing } from '../../../gateway/lobby/draw.ts';
import { watchQueues } from '../../../gateway/queue/watch.ts';
import { keepMemory } from '../../../gateway/recovery/keep-memory.ts';
import { connectRedis } from '../../../gateway/redis/client.ts';
import { saleKey, saleKeys, salesKey } from '../../../gateway/redis/keys.ts';
import type { Store } from '../../../gateway/redis/script.ts';
import { putSale } from '../../../gateway/sale/live-sale.ts';
import { keepOpening } from '../../../gateway/sale/opening.ts';
import { definitionAt } from '../../../gateway/testing/queue-fixture.ts';

const FILL_SLICE = 5_000;
/** Time for the gateway to read the lobby while it is open, as it has in every real one. */
const LOBBY_MS = 6_000;
const LOOK_MS = 2;
const DRAW_MS_MAX = 120_000;

export type MeasuredDraw = {
  /** From the sale's opening, by Redis' clock, until a fan of the lobby had a turn. */
  firstTurnMs: number;
  /** … and until the last number was written. */
  completeMs: number;
  /** How long the gateway's main thread kept others waiting: the longest time, and what 99 in 100 stayed below. */
  stallMs: number;
  stallP99Ms: number;
  /** Redis' memory for all keys of the sale, afterwards. */
  bytesPerFan: number;
};

/**
 * The draw of a lobby of so many in an otherwise empty Redis, by the very parts of a gateway that make it, in this
 * process. Leaves the sale behind.
 */
export async function benchDraw({
  redisUrl,
  entries,
}: {
  redisUrl: string;
  entries: number;
}): Promise<MeasuredDraw> {
  const log = createLog('bench', 'warn');
  const redis = await connectRedis(redisUrl, log);
  const store: Store = { redis, time: () => null };
  const openSoon = new Date(Date.now() + 3_600_000).toISOString();
  const definition = {
    ...definitionAt(Date.now()),
    lobbyOpensAt: new Date(Date.now() - 1_000).toISOString(),
    opensAt: openSoon,
  };
  const { sale } = definition;
  await putSale(store, definition);
  await fillLobby(store, sale, entries);

  const drawing = createDrawing(store);
  const memory = await keepMemory(store, null, { drawing, files: null }, log);
  const watch = watchQueues(store, log, memory.guard);
  const stopTurns = keepGivingTurns(store, watch, { answered: () => noneAnswered, seatsOf: () => null }, log);
  const stopOpening = keepOpening({
    store,
    watch,
    drawing,
    giveTurns: (due) => giveTurns(store, due),
    askBeacon: async () => undefined,
    log,
  });
  try {
    while (!watch.remembered(sale)) await wait(LOOK_MS);
    const opensAt = (await redisTime(store)) + LOBBY_MS;
    await putSale(store, { ...definition, opensAt: new Date(opensAt).toISOString(), version: 2 });
    while ((await redisTime(store)) < opensAt - 100) await wait(20);
    const delay = monitorEventLoopDelay({ resolution: 1 });
    delay.enable();
    let firstTurnMs = 0;
    let state: string | null = null;
    while (state !== 'drawn') {
      await wait(LOOK_MS);
      const [turns, time] = await Promise.all([
        redis.hget(saleKey(sale, 'queue'), 'turns'),
        firstTurnMs === 0 ? redisTime(store) : 0,
      ]);
      if (firstTurnMs === 0 && Number(turns) > 0) firstTurnMs = time - opensAt;
      state = await redis.hget(saleKey(sale, 'draw'), 'state');
      if ((await redisTime(store)) > opensAt + DRAW_MS_MAX) throw new Error(`the draw is still ${state}`);
    }
    delay.disable();
    const drawnAt = Number(await redis.hget(saleKey(sale, 'draw'), 'drawnAt'));
    return {
      firstTurnMs,
      completeMs: drawnAt - opensAt,
      stallMs: delay.max / 1e6,
      stallP99Ms: delay.percentile(99) / 1e6,
      bytesPerFan: (await memoryOf(store, sale)) / entries,
    };
  } finally {
    await Promise.all([stopOpening(), stopTurns(), watch.stop(), memory.stop()]);
    await drawing.stop();
    await redis.srem(salesKey, sale);
    redis.disconnect();
  }
}

const noneAnswered = { requests: 0, errors: 0, slow: 0 };

async function redisTime({ redis }: Store): Promise<number> {
  const [seconds, micros] = await redis.time();
  return Number(seconds) * 1000 + Number(micros) / 1000;
}

async function fillLobby({ redis }: Store, sale: string, entries: number): Promise<void> {
  for (let from = 0; from < entries; from += FILL_SLICE) {
    const size = Math.min(FILL_SLICE, entries - from);
    const members = Array.from({ length: size }, (_, i) => [
      from + i + 1,
      randomBytes(8).toString('base64url'),
    ]);
    await redis.zadd(saleKey(sale, 'lobby'), ...(members.flat() as [number, string]));
  }
  await redis.hset(saleKey(sale, 'queue'), 'lobbyArrivals', entries, 'joined', entries);
}

async function memoryOf({ redis }: Store, sale: string): Promise<number> {
  let sum = 0;
  for (const key of saleKeys(sale)) sum += Number((await redis.memory('USAGE', key, 'SAMPLES', 1_000)) ?? 0);
  return sum;
}

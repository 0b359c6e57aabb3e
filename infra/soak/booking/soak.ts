import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import postgres from 'postgres';
import { visit } from '../../crowd/fan.ts';
import { openHouse, organise } from '../../crowd/organiser.ts';
import { settled } from '../../crowd/settle.ts';
import { showIn, type World } from '../../crowd/world.ts';
import { mailsKept, readBooks } from '../../history/books.ts';
import type { Disturbance } from '../../history/disturbance.ts';
import { judge, tooLate, unanswered } from '../../history/judge.ts';
import { breachesOf } from '../../history/promises.ts';
import { ANSWER_MS_MAX, createHistory } from '../../history/recorder.ts';
import { settledWithin } from '../../local/processes.mjs';
import { ownPostgres } from '../../testing/postgres-server.ts';
import { createRandom } from '../../testing/random.ts';
import { ownRedis } from '../../testing/redis-server.ts';
import { type Services, startServices } from '../../testing/services.ts';
import { openStores, verify } from '../../verify/verify.ts';
import { crashServices, crashStores } from './crashes.ts';
import type { Verdict } from './report.ts';

const HALLS = 2;
/** Few seats, so that fans fight for them. */
const SHOW = showIn(
  [
    { name: 'A', rows: 4, seatsPerRow: 10 },
    { name: 'B', rows: 4, seatsPerRow: 8 },
  ],
  { capacity: 45, admitPerMinute: 60_000 },
);
const FANS_AT_ONCE = 72;
/** What is under way when the time is over comes to its end by itself: queues, retries, orders that are followed. */
const QUEUE_MS_MAX = 30_000;
const SALE_MS_MAX = 45_000;
const WIND_DOWN_MS_MAX = 120_000;
/** Somebody who does not want to wait for that still waits for the crash under way. */
const STOP_MS_MAX = 30_000;
/** What `npm run verify` may find on its way, once nothing is. */
const PATIENCE_MS = 5_000;

export type Soak = {
  databaseUrl: string;
  /** Lets everybody loose for so long; resolves when all have stopped, with the verdict on all that happened so far. */
  run: (seconds: number) => Promise<Verdict>;
  stop: () => Promise<void>;
};

/** A whole shop with stores of its own, and everybody who comes to it. */
export async function startSoak(options: { seed: string; redisBinaries: string }): Promise<Soak> {
  const { seed, redisBinaries } = options;
  const ends: (() => Promise<unknown>)[] = [];
  let going: Promise<unknown> = Promise.resolve();
  let isStopping = false;
  let stopped: Promise<void> | null = null;
  const stopAll = async () => {
    isStopping = true;
    // A crash under way would start again what has been ended here.
    await settledWithin(Promise.allSettled([going]), STOP_MS_MAX);
    for (const end of ends.reverse()) await end();
  };
  const stop = () => {
    stopped ??= stopAll();
    return stopped;
  };
  try {
    const dataDir = await mkdtemp(join(tmpdir(), 'admit-one-soak-'));
    ends.push(() => rm(dataDir, { recursive: true, force: true }));
    const database = await ownPostgres();
    ends.push(database.stop);
    const redis = await ownRedis({ appendfsync: 'always' }, redisBinaries);
    ends.push(redis.stop);
    const stores = { databaseUrl: database.url, redisUrl: redis.url, dataDir };
    const services = await startServices(stores, { gateways: 2, bookings: 2 });
    ends.push(services.stop);

    let endsAt = 0;
    let rounds = 0;
    const isOver = () => isStopping || Date.now() >= endsAt;
    const history = createHistory();
    const disturbances: Disturbance[] = [];
    const world: World = {
      ...{ services, history, isOver, show: SHOW, sales: [], houses: [], tally: new Map(), faults: [] },
      endsAt: () => endsAt,
      patience: { answerMs: ANSWER_MS_MAX, queueMs: QUEUE_MS_MAX, saleMs: SALE_MS_MAX },
    };
    const everybody = async (seconds: number) => {
      rounds += 1;
      const random = createRandom(`${seed}/${rounds}`);
      world.houses = await Promise.all(Array.from({ length: HALLS }, () => openHouse(world)));
      endsAt = Date.now() + seconds * 1_000;
      const crashing = { services, database, redis, isOver, disturbances };
      await Promise.all([
        crashServices({ ...crashing, random: random.fork('services') }),
        crashStores({ ...crashing, random: random.fork('stores') }),
        ...world.houses.map((_, hall) => organise(world, random.fork(`hall ${hall}`), hall)),
        ...Array.from({ length: FANS_AT_ONCE }, async (_, place) => {
          for (let visits = 1; !isOver(); visits += 1) {
            const name = `fan-${rounds}-${place}-${visits}`;
            await visit(world, random.fork(name), name);
          }
        }),
      ]);
    };

    return {
      databaseUrl: database.url,
      run: async (seconds) => {
        const startedAt = Date.now();
        going = everybody(seconds);
        if (!(await settledWithin(going, seconds * 1_000 + WIND_DOWN_MS_MAX)))
          throw new Error(
            `SEED=${seed}: somebody was still busy ${WIND_DOWN_MS_MAX / 1000} s after the end.`,
          );
        await going;
        const wasSeconds = isStopping ? Math.round((Date.now() - startedAt) / 1_000) : seconds;
        return reachVerdict({ seed, seconds: wasSeconds, world, services, disturbances });
      },
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function reachVerdict(options: {
  seed: string;
  seconds: number;
  world: World;
  services: Services;
  disturbances: Disturbance[];
}): Promise<Verdict> {
  const { seed, seconds, world, services, disturbances } = options;
  const sql = postgres(services.databaseUrl, { max: 1, onnotice: () => undefined });
  const looking = await openStores(services);
  try {
    const { tookMs: settledMs, left } = await settled(sql);
    const books = await readBooks(sql, await mailsKept(services.dataDir));
    const { all: asked } = world.history;
    const { results } = await verify(looking, { patienceMs: PATIENCE_MS });
    const found = results.flatMap(({ name, findings }) =>
      findings.map(({ text }) => `npm run verify (${name}): ${text}`),
    );
    const faults = [
      ...(left ? [`Not settled: ${left}`] : []),
      ...found,
      ...world.faults,
      ...unanswered(asked),
      ...breachesOf(judge({ asked, books, disturbances, sales: world.sales, hall: SHOW.hall })),
    ];
    const late = tooLate({ asked, disturbances });
    return {
      ...{ seed, seconds, asked, books, disturbances, tally: world.tally, settledMs, faults, late },
      ...{ sales: world.sales, hall: SHOW.hall },
    };
  } finally {
    await looking.close();
    await sql.end({ timeout: 1 });
  }
}

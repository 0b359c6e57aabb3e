import { setTimeout as wait } from 'node:timers/promises';
import { giveTurns } from '../../../gateway/admission/turn-giver.ts';
import { readSnapshot } from '../../../gateway/queue/snapshot.ts';
import { saleKey } from '../../../gateway/redis/keys.ts';
import type { Figure } from '../figures.ts';
import { bytesOfSale, type OpenStore } from './filled-queue.ts';
import { ROUNDS, WAITING } from './settings.ts';

const TURNS = 1_000;
const SNAPSHOTS = 50;
const SLOW_LOG_MAX = 4_096;

/** What turns and snapshots cost with a whole queue waiting, and what the queue weighs. Gives turns: comes last. */
export async function measureRedisWork(store: OpenStore, redisUrl: string, sale: string): Promise<Figure[]> {
  const renewals = await renewSnapshots(store, sale);
  const bytes = await bytesOfSale(redisUrl, sale);
  const { sums, longest } = await giveManyTurns(store, sale);
  return [
    {
      what: `${TURNS} turns, ${WAITING} waiting: Redis in all`,
      rounds: sums,
      unit: ' ms',
      bound: 4,
      side: 'at most',
    },
    { what: '… its longest call', rounds: longest, unit: ' ms', bound: 3, side: 'at most' },
    {
      what: `a snapshot renewed, ${WAITING} waiting: the process`,
      rounds: renewals,
      unit: ' ms',
      bound: 1.5,
      side: 'at most',
    },
    {
      what: 'Redis memory a waiting fan, all keys',
      rounds: [bytes / WAITING],
      unit: ' B',
      bound: 112,
      side: 'at most',
      digits: 1,
    },
  ];
}

/** Milliseconds of this process, bits travelling each time, a round. */
async function renewSnapshots(store: OpenStore, sale: string): Promise<number[]> {
  const rounds: number[] = [];
  const known = (await readSnapshot(store, sale, null))!;
  for (let round = -1; round < ROUNDS; round += 1) {
    const from = process.cpuUsage();
    for (let i = 0; i < SNAPSHOTS; i += 1) await readSnapshot(store, sale, { ...known, version: -1 });
    const { user, system } = process.cpuUsage(from);
    if (round >= 0) rounds.push((user + system) / 1000 / SNAPSHOTS);
  }
  return rounds;
}

/** Milliseconds of Redis, by its own slow log, for TURNS turns with everybody waiting. */
async function giveManyTurns(store: OpenStore, sale: string): Promise<{ sums: number[]; longest: number[] }> {
  const sums: number[] = [];
  const longest: number[] = [];
  await store.redis.hset(
    saleKey(sale, 'sale'),
    'admitPerMinute',
    TURNS * 60,
    'capacity',
    100_000,
    'adaptive',
    0,
  );
  for (let round = -1; round < ROUNDS; round += 1) {
    // The bucket fills up: a second's turns.
    await wait(1_100);
    await store.redis.slowlog('RESET');
    const given = await giveTurns(store, sale);
    if (given < TURNS) throw new Error(`${given} turns were given instead of ${TURNS}`);
    const entries = (await store.redis.slowlog('GET', SLOW_LOG_MAX)) as [number, number, number, string[]][];
    const scripts = entries
      .filter(([, , , [command]]) => /^eval/i.test(String(command)))
      .map(([, , micros]) => micros / 1000);
    // The first loads the script.
    if (round < 0) continue;
    // The bucket goes on filling meanwhile: a few more than asked for are given.
    sums.push((scripts.reduce((sum, ms) => sum + ms, 0) * TURNS) / given);
    longest.push(Math.max(...scripts));
  }
  return { sums, longest };
}

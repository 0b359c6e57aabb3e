import { setTimeout as wait } from 'node:timers/promises';
import { giveTurns } from '../../../gateway/admission/turn-giver.ts';
import { saleKey } from '../../../gateway/redis/keys.ts';
import { type Figure, median } from '../figures.ts';
import { ask } from '../processes.ts';
import { bytesOfSale, type OpenStore, patiently } from './filled-queue.ts';
import { startClient } from './processes.ts';
import { ROUNDS, WAITING } from './settings.ts';
import type { SnapshotsAsked } from './snapshots.ts';

const TURNS = 1_000;
const SLOW_LOG_MAX = 4_096;
/** The least that can be done for so many turns: out of one sorted set, into another, in slices as large. */
const BARE_SLICE = 350;
const BARE_MOVE = `
local front = redis.call('ZPOPMIN', KEYS[1], ARGV[1])
local moved = {}
for i = 1, #front, 2 do
  moved[i], moved[i + 1] = ARGV[2], front[i]
end
redis.call('ZADD', KEYS[2], unpack(moved))
return #front / 2`;
const BARE_SHARE_MAX = 3;

/** What turns and snapshots cost with a whole queue waiting, and what the queue weighs. Gives turns: comes last. */
export async function measureRedisWork(store: OpenStore, redisUrl: string, sale: string): Promise<Figure[]> {
  const process = startClient('./snapshots.ts');
  const asked: SnapshotsAsked = { redisUrl, sale, rounds: ROUNDS };
  const renewals = await ask<number[]>(process.child, asked).finally(process.stop);
  const bytes = await bytesOfSale(redisUrl, sale);
  const { sums, bare, longest } = await giveManyTurns(store, redisUrl, sale);
  return [
    {
      what: `${TURNS} turns, ${WAITING} waiting: Redis in all`,
      rounds: sums,
      unit: ' ms',
      bound: 4,
      side: 'at most',
    },
    {
      what: '… against a bare move from one sorted set to another',
      rounds: sums.map((ms, i) => ms / (bare[i] as number)),
      unit: ' ×',
      bound: BARE_SHARE_MAX,
      side: 'at most',
      note: `${median(bare).toFixed(2)} ms`,
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

/** Milliseconds of Redis, by its own slow log, for TURNS turns with everybody waiting, and for the bare move of as many. */
async function giveManyTurns(
  store: OpenStore,
  redisUrl: string,
  sale: string,
): Promise<{ sums: number[]; bare: number[]; longest: number[] }> {
  const sums: number[] = [];
  const bare: number[] = [];
  const longest: number[] = [];
  const { redis } = store;
  await redis.hset(saleKey(sale, 'sale'), 'admitPerMinute', TURNS * 60, 'capacity', 100_000, 'adaptive', 0);
  const [from, to] = [`bare:{${sale}}:waiting`, `bare:{${sale}}:ready`];
  await patiently(redisUrl, (patient) => patient.copy(saleKey(sale, 'waiting'), from));
  const scriptsOf = async (work: () => Promise<unknown>) => {
    await redis.slowlog('RESET');
    await work();
    const entries = (await redis.slowlog('GET', SLOW_LOG_MAX)) as [number, number, number, string[]][];
    return entries
      .filter(([, , , [command]]) => /^eval/i.test(String(command)))
      .map(([, , micros]) => micros / 1000);
  };
  const sum = (all: number[]) => all.reduce((total, ms) => total + ms, 0);
  for (let round = -1; round < ROUNDS; round += 1) {
    // The bucket fills up: a second's turns.
    await wait(1_100);
    let given = 0;
    const scripts = await scriptsOf(async () => {
      given = await giveTurns(store, sale);
    });
    if (given < TURNS) throw new Error(`${given} turns were given instead of ${TURNS}`);
    await wait(1_100);
    const moves = await scriptsOf(async () => {
      for (let left = TURNS; left > 0; left -= BARE_SLICE)
        await redis.eval(BARE_MOVE, 2, from, to, Math.min(left, BARE_SLICE), Date.now());
    });
    // The first loads the script.
    if (round < 0) continue;
    // The bucket goes on filling meanwhile: a few more than asked for are given.
    sums.push((sum(scripts) * TURNS) / given);
    bare.push(sum(moves));
    longest.push(Math.max(...scripts));
  }
  return { sums, bare, longest };
}

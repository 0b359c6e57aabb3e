import { Redis } from 'ioredis';
import type { Figure } from '../figures.ts';
import { benchDraw, type MeasuredDraw } from './measure.ts';

const FIRST_TURN_MS_MAX = 1_000;
const COMPLETE_MS_MAX = 15_000;
const BYTES_PER_FAN_MAX = 112;
/** What a poll that comes in the middle of it may have to wait. */
const STALL_MS_MAX = 5;

/** The draw of so many, as often as there are rounds, each in an empty Redis: what it holds before is removed. */
export async function measureDraws(redisUrl: string, entries: number, rounds: number): Promise<Figure[]> {
  const draws: MeasuredDraw[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const redis = new Redis(redisUrl);
    await redis.flushall();
    redis.disconnect();
    draws.push(await benchDraw({ redisUrl, entries }));
  }
  const of = (value: (draw: MeasuredDraw) => number) => draws.map(value);
  return [
    {
      what: `draw of ${entries}: first turn after the opening`,
      rounds: of((draw) => draw.firstTurnMs),
      unit: ' ms',
      bound: FIRST_TURN_MS_MAX,
      side: 'at most',
      digits: 0,
    },
    {
      what: '… last number written',
      rounds: of((draw) => draw.completeMs),
      unit: ' ms',
      bound: COMPLETE_MS_MAX,
      side: 'at most',
      digits: 0,
    },
    {
      what: '… others of the gateway wait, 99th percentile',
      rounds: of((draw) => draw.stallP99Ms),
      unit: ' ms',
      bound: STALL_MS_MAX,
      side: 'at most',
      digits: 1,
      note: `longest ${Math.max(...of((draw) => draw.stallMs)).toFixed(1)} ms`,
    },
    {
      what: '… Redis memory a fan, all keys',
      rounds: of((draw) => draw.bytesPerFan),
      unit: ' B',
      bound: BYTES_PER_FAN_MAX,
      side: 'at most',
      digits: 1,
    },
  ];
}

import { setting } from './settings.ts';

const seed = setting('SEED', 1, 0, 2 ** 31 - 1);

/** A source of numbers in [0, 1) of one fan's own (mulberry32): the same SEED gives the same fans, whoever comes first. */
export function randomOf(fan: number): () => number {
  let state = (Math.imul(seed + 1, 0x9e3779b1) ^ Math.imul(fan + 1, 0x85ebca6b)) >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** One of several things, each with its share; the rest, to 1, is the last one's. */
export function choose<Thing>(
  random: () => number,
  shares: [share: number, thing: Thing][],
  rest: Thing,
): Thing {
  let left = random();
  for (const [share, thing] of shares) {
    left -= share;
    if (left < 0) return thing;
  }
  return rest;
}

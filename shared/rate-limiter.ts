import { createRecent } from './recent.ts';

/** Differences below this are rounding errors of floating-point times. */
const ROUNDING_MS = 1e-6;

export type RateLimit = {
  /** How many a second one key may have in the long run … */
  perSecond: number;
  /** … and how many of them at once. */
  burst: number;
};

/**
 * How often each key may do something, by the generic cell rate algorithm (ITU-T I.371): one number a key, no timers.
 * Times are milliseconds of a monotonic clock.
 */
export type RateLimiter = {
  /** Counts once if that is allowed. 0 when it was; else the milliseconds after which it will be, nothing counted. */
  take: (key: string, nowMs: number) => number;
  /** What was counted once did not happen after all. */
  giveBack: (key: string) => void;
  /** The same as `take`, without counting. */
  wait: (key: string, nowMs: number) => number;
  /** How many keys are remembered, at most. */
  size: () => number;
};

/**
 * Remembers the `keysKept` keys that counted last, and at most twice as many: of a flood those that counted longest ago are
 * forgotten, and whoever is free again before long.
 */
export function createRateLimiter({
  perSecond,
  burst,
  keysKept,
}: RateLimit & { keysKept: number }): RateLimiter {
  const intervalMs = 1_000 / perSecond;
  // When each key would have used up nothing again: by `keptMs` after it counted, at the latest.
  const freeAt = createRecent<number>({ keysKept, keptMs: burst * intervalMs });
  let countedMs = 0;

  const nextOf = (key: string, nowMs: number) => Math.max(freeAt.get(key) ?? 0, nowMs) + intervalMs;
  const waitFor = (next: number, nowMs: number) =>
    Math.max(0, Math.ceil(next - nowMs - burst * intervalMs - ROUNDING_MS));

  return {
    take(key, nowMs) {
      const next = nextOf(key, nowMs);
      const wait = waitFor(next, nowMs);
      if (wait > 0) return wait;
      freeAt.set(key, next, nowMs);
      countedMs = nowMs;
      return 0;
    },
    giveBack(key) {
      const until = freeAt.get(key);
      if (until !== undefined) freeAt.set(key, until - intervalMs, countedMs);
    },
    wait: (key, nowMs) => waitFor(nextOf(key, nowMs), nowMs),
    size: freeAt.size,
  };
}

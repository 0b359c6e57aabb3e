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
  /** How many keys are remembered. */
  size: () => number;
};

/** Remembers `keysMax` keys; beyond that the one that counted longest ago is forgotten. */
export function createRateLimiter({
  perSecond,
  burst,
  keysMax,
}: RateLimit & { keysMax: number }): RateLimiter {
  const intervalMs = 1_000 / perSecond;
  // When each key would have used up nothing again, the one that counted longest ago first.
  const freeAt = new Map<string, number>();

  const nextOf = (key: string, nowMs: number) => Math.max(freeAt.get(key) ?? 0, nowMs) + intervalMs;
  const waitFor = (next: number, nowMs: number) =>
    Math.max(0, Math.ceil(next - nowMs - burst * intervalMs - ROUNDING_MS));

  return {
    take(key, nowMs) {
      const next = nextOf(key, nowMs);
      const wait = waitFor(next, nowMs);
      if (wait > 0) return wait;
      freeAt.delete(key);
      freeAt.set(key, next);
      if (freeAt.size > keysMax) freeAt.delete(freeAt.keys().next().value as string);
      return 0;
    },
    giveBack(key) {
      const until = freeAt.get(key);
      if (until !== undefined) freeAt.set(key, until - intervalMs);
    },
    wait: (key, nowMs) => waitFor(nextOf(key, nowMs), nowMs),
    size: () => freeAt.size,
  };
}

/**
 * What was said lately, by key. What was put in is kept for `keptMs`, and while fewer than `keysKept` others come behind it; after
 * twice that time, or twice as many, it is gone with the next that is put in: a process that has seen a million fans is no larger
 * than one that has seen the last thousand of them. Times are milliseconds of one monotonic clock, the caller's.
 */
export type Recent<Value> = {
  get: (key: string) => Value | undefined;
  set: (key: string, value: Value, nowMs: number) => void;
  delete: (key: string) => void;
  /** How many there are at most, twice `keysKept` or fewer; one that was put in twice may count twice. */
  size: () => number;
};

/** Two generations, of which the older one goes as a whole: a map loses its first keys one by one at a growing cost (V8). */
export function createRecent<Value>(most: { keysKept: number; keptMs: number }): Recent<Value> {
  const { keysKept, keptMs } = most;
  let old = new Map<string, Value>();
  let young = new Map<string, Value>();
  let youngSinceMs = Number.NEGATIVE_INFINITY;

  return {
    get: (key) => young.get(key) ?? old.get(key),
    set(key, value, nowMs) {
      const ageMs = nowMs - youngSinceMs;
      if (ageMs >= keptMs || young.size >= keysKept) {
        const isNext = ageMs < 2 * keptMs;
        // Where nothing has come for longer, both have had their time.
        old = isNext ? young : new Map();
        young = new Map();
        youngSinceMs = isNext && ageMs >= keptMs ? youngSinceMs + keptMs : nowMs;
      }
      young.set(key, value);
    },
    delete(key) {
      young.delete(key);
      old.delete(key);
    },
    size: () => young.size + old.size,
  };
}

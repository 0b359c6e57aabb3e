import type { Db } from '../db/client.ts';
import { countWaiting } from '../order/waiting.ts';

/** How old the count of waiting orders may be; what this process has added since is known exactly. */
const COUNT_AGE_MS_MAX = 250;

export type Backlog = {
  /** Whether the worker has as many orders before it as it may. Throws `unavailable` when it cannot be found out. */
  isFull: () => Promise<boolean>;
  /** One more waits. */
  add: () => void;
};

/**
 * How much waits for the worker, by the books: they know it while Redis is away, and after it has lost its data. Several
 * processes may exceed `waitingMax` by what all of them take in COUNT_AGE_MS_MAX.
 */
export function createBacklog(db: Db, waitingMax: number): Backlog {
  let counted = 0;
  let added = 0;
  let countedAtMs = Number.NEGATIVE_INFINITY;
  let counting: Promise<void> | null = null;

  const count = async (): Promise<void> => {
    const addedBefore = added;
    try {
      counted = await countWaiting(db);
      added -= addedBefore;
      countedAtMs = performance.now();
    } finally {
      counting = null;
    }
  };

  return {
    isFull: async () => {
      if (performance.now() - countedAtMs > COUNT_AGE_MS_MAX) {
        counting ??= count();
        await counting;
      }
      return counted + added >= waitingMax;
    },
    add: () => {
      added += 1;
    },
  };
}

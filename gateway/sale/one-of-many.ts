import { setTimeout as delay } from 'node:timers/promises';
import { Problem } from '#shared/problem.ts';

/** So many ids of 40 characters fit into a request target. */
const IDS_PER_ASK_MAX = 100;
const WAITING_MAX = 2_000;
/** Between two asks. With IDS_PER_ASK_MAX it bounds what made-up ids cost: 20 requests a second and process. */
const GAP_MS = 50;

type Caller<Found> = { resolve: (found: Found | null) => void; reject: (error: unknown) => void };

/**
 * Asks for many things at once, one ask after another: ids that come while one is under way go together in the next.
 * Resolves to null for what does not exist. Throws `unavailable` when WAITING_MAX wait already.
 */
export function oneOfMany<Found>(
  askMany: (ids: string[]) => Promise<Map<string, Found>>,
): (id: string) => Promise<Found | null> {
  let waiting = new Map<string, Caller<Found>[]>();
  let running = false;

  const run = async (): Promise<void> => {
    running = true;
    while (waiting.size > 0) {
      const batch = new Map([...waiting].slice(0, IDS_PER_ASK_MAX));
      waiting = new Map([...waiting].slice(IDS_PER_ASK_MAX));
      try {
        const found = await askMany([...batch.keys()]);
        for (const [id, callers] of batch) for (const { resolve } of callers) resolve(found.get(id) ?? null);
      } catch (error) {
        for (const callers of batch.values()) for (const { reject } of callers) reject(error);
      }
      await delay(GAP_MS);
    }
    running = false;
  };

  return (id) =>
    new Promise((resolve, reject) => {
      const callers = waiting.get(id);
      if (!callers && waiting.size >= WAITING_MAX) {
        reject(new Problem('unavailable', 'Too much is being looked up at this moment.'));
        return;
      }
      if (callers) callers.push({ resolve, reject });
      else waiting.set(id, [{ resolve, reject }]);
      if (!running) void run();
    });
}

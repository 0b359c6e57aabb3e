import { every, type Stop } from '#shared/every.ts';
import type { Log } from '#shared/log.ts';
import { type Store, saleScript } from '../redis/script.ts';

const MERGE_MS_MAX = 2_000;
const MERGE_MS_MIN = 250;
/** Four merges to a generation of a third of graceSeconds, so that lapse.lua can wait for every process's next one. */
const MERGES_PER_GRACE = 12;
const LAPSE_SLICES_PER_RUN_MAX = 60;
const GROW_BYTES = 4_096;

const markSeen = saleScript<0 | 1>(new URL('./mark-seen.lua', import.meta.url));
const lapse = saleScript<[lapsed: number, more: 0 | 1]>(new URL('./lapse.lua', import.meta.url));

/**
 * Heartbeats of this process: one bit per queue number seen since the last merge. A poll costs no Redis command; a
 * million of them are one write.
 */
export type Presence = {
  mark: (sale: string, queueNumber: number) => void;
  /** Merges what was seen and lapses who was not. */
  merge: (sale: string) => Promise<number>;
  stop: Stop;
};

/** A sale whose heartbeats are kept, with the time after which an absent fan lapses. */
export type PresentSale = { sale: string; graceSeconds: number };

export function keepPresence(store: Store, sales: () => PresentSale[], log: Log): Presence {
  const seen = new Map<string, Uint8Array>();
  const mergedAt = new Map<string, number>();

  const merge = async (sale: string): Promise<number> => {
    const bitmap = seen.get(sale);
    seen.delete(sale);
    try {
      await markSeen(store, sale, [Buffer.from(bitmap ?? [])]);
    } catch (error) {
      // Nobody may lapse because Redis was away: what was seen goes with the next merge.
      if (bitmap) putBack(seen, sale, bitmap);
      throw error;
    }
    return lapseAbsent(store, sale);
  };

  const report = (error: unknown) => log.warn({ err: error }, 'presence could not be merged');
  const stop = every(
    MERGE_MS_MIN,
    async () => {
      const now = performance.now();
      const due = sales().filter((sale) => now - (mergedAt.get(sale.sale) ?? 0) >= mergeIntervalMs(sale));
      for (const { sale } of due) mergedAt.set(sale, now);
      await Promise.all(due.map(({ sale }) => merge(sale).catch(report)));
    },
    report,
  );

  return {
    mark(sale, queueNumber) {
      const byteIndex = queueNumber >>> 3;
      let bitmap = seen.get(sale);
      if (!bitmap || bitmap.length <= byteIndex) {
        bitmap = grown(bitmap, byteIndex + 1);
        seen.set(sale, bitmap);
      }
      bitmap[byteIndex] = (bitmap[byteIndex] as number) | (0x80 >>> (queueNumber & 7));
    },
    merge,
    async stop() {
      await stop();
      // What was seen since the last merge must not get lost when a process is replaced.
      await Promise.all([...seen.keys()].map((sale) => merge(sale).catch(report)));
    },
  };
}

const mergeIntervalMs = ({ graceSeconds }: PresentSale): number =>
  Math.min(MERGE_MS_MAX, Math.max(MERGE_MS_MIN, (graceSeconds * 1000) / MERGES_PER_GRACE));

async function lapseAbsent(store: Store, sale: string): Promise<number> {
  let sum = 0;
  for (let slice = 0; slice < LAPSE_SLICES_PER_RUN_MAX; slice += 1) {
    const [lapsed, more] = await lapse(store, sale);
    sum += lapsed;
    if (more === 0) break;
  }
  return sum;
}

function grown(bitmap: Uint8Array | undefined, lengthMin: number): Uint8Array {
  const larger = new Uint8Array(Math.ceil(lengthMin / GROW_BYTES) * GROW_BYTES);
  if (bitmap) larger.set(bitmap);
  return larger;
}

function putBack(seen: Map<string, Uint8Array>, sale: string, bitmap: Uint8Array): void {
  const newer = seen.get(sale);
  const merged = grown(bitmap, Math.max(bitmap.length, newer?.length ?? 0));
  newer?.forEach((byte, i) => {
    merged[i] = (merged[i] as number) | byte;
  });
  seen.set(sale, merged);
}

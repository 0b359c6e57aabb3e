/** As many changed seats as are remembered; whoever has missed more is better off with the whole map. */
const SEATS_KEPT_MAX = 20_000;
const SEATS_TOLD_MAX = 2_000;
/**
 * Versions are moments. What a process learns it may learn later than another one, so whoever comes with a version of
 * another process is told so much more: a seat's state twice says nothing wrong.
 */
export const OVERLAP_MS = 2_000;

/** Which seats of an event have changed when, as far as this process remembers. */
export type ChangeLog = {
  add: (version: number, seats: readonly number[]) => void;
  /** The seats that may look different from what a map of this version showed; null when that is not known (well enough). */
  since: (version: number) => number[] | null;
  /** Whether it knows of anything at all. */
  isComplete: () => boolean;
};

/** `version`: the moment from which on all changes are in it; infinite for one that is not begun. */
export function createChangeLog(version: number): ChangeLog {
  let completeFrom = version;
  let newest = version;
  let kept = 0;
  const entries: { version: number; seats: readonly number[] }[] = [];

  return {
    isComplete: () => Number.isFinite(completeFrom),
    add: (of, seats) => {
      newest = of;
      entries.push({ version: of, seats });
      kept += seats.length;
      while (kept > SEATS_KEPT_MAX) {
        const oldest = entries.shift() as (typeof entries)[number];
        kept -= oldest.seats.length;
        completeFrom = oldest.version;
      }
    },
    since: (of) => {
      const from = of - OVERLAP_MS;
      if (from < completeFrom || of > newest + OVERLAP_MS) return null;
      const seats = new Set<number>();
      for (let i = entries.length - 1; i >= 0; i -= 1) {
        const entry = entries[i] as (typeof entries)[number];
        if (entry.version <= from) break;
        for (const seat of entry.seats) seats.add(seat);
        if (seats.size > SEATS_TOLD_MAX) return null;
      }
      return [...seats].sort((a, b) => a - b);
    },
  };
}

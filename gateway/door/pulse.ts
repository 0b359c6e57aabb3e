const WINDOW_SECONDS = 60;
/** Latencies are kept as powers: a percentile is at most this factor too high. */
const BUCKET_FACTOR = 1.25;
/** The last bucket begins at about the longest time the door waits for an answer. */
const BUCKETS = 43;
const SALES_MAX = 1_000;

/** What became of the bookings of the last minute; latencies in milliseconds, null without any. */
export type PulseFigures = { requests: number; errors: number; p50Ms: number | null; p99Ms: number | null };

/** Remembers how long the booking service took for the holds and orders of the last minute, sale by sale. */
export type Pulse = {
  note: (sale: string, latencyMs: number, outcome: { failed: boolean; slow: boolean }) => void;
  /** Counted since this process has known the sale. */
  sinceStart: (sale: string) => { requests: number; errors: number; slow: number };
  lastMinute: (sale: string) => PulseFigures;
};

type OfSale = { seconds: Second[]; sum: { requests: number; errors: number; slow: number } };
type Second = { at: number; errors: number; buckets: Uint32Array };

/** `clock` in milliseconds, from any beginning. */
export function createPulse(clock: () => number = () => performance.now()): Pulse {
  const sales = new Map<string, OfSale>();

  const ofSale = (sale: string): OfSale => {
    const known = sales.get(sale);
    if (known) return known;
    if (sales.size >= SALES_MAX) sales.delete(sales.keys().next().value as string);
    const seconds = Array.from({ length: WINDOW_SECONDS }, () => ({
      at: Number.NEGATIVE_INFINITY,
      errors: 0,
      buckets: new Uint32Array(BUCKETS),
    }));
    const made = { seconds, sum: { requests: 0, errors: 0, slow: 0 } };
    sales.set(sale, made);
    return made;
  };

  return {
    note(sale, latencyMs, { failed, slow }) {
      const { seconds, sum } = ofSale(sale);
      sum.requests += 1;
      if (failed) sum.errors += 1;
      if (slow) sum.slow += 1;
      const at = Math.floor(clock() / 1000);
      const second = seconds[at % WINDOW_SECONDS] as Second;
      if (second.at !== at) {
        second.at = at;
        second.errors = 0;
        second.buckets.fill(0);
      }
      if (failed) second.errors += 1;
      const bucket = bucketOf(latencyMs);
      second.buckets[bucket] = (second.buckets[bucket] as number) + 1;
    },
    sinceStart: (sale) => ({ ...(sales.get(sale)?.sum ?? { requests: 0, errors: 0, slow: 0 }) }),
    lastMinute(sale) {
      const since = Math.floor(clock() / 1000) - WINDOW_SECONDS;
      const recent = (sales.get(sale)?.seconds ?? []).filter((second) => second.at > since);
      const buckets = Array.from({ length: BUCKETS }, (_, i) =>
        recent.reduce((sum, second) => sum + (second.buckets[i] as number), 0),
      );
      const requests = buckets.reduce((sum, count) => sum + count, 0);
      return {
        requests,
        errors: recent.reduce((sum, { errors }) => sum + errors, 0),
        p50Ms: percentile(buckets, requests, 0.5),
        p99Ms: percentile(buckets, requests, 0.99),
      };
    },
  };
}

const bucketOf = (latencyMs: number): number =>
  Math.min(BUCKETS - 1, Math.max(0, Math.ceil(Math.log(latencyMs) / Math.log(BUCKET_FACTOR))));

/** The upper end of the bucket in which the percentile lies. */
function percentile(buckets: number[], requests: number, share: number): number | null {
  if (requests === 0) return null;
  const rank = Math.ceil(requests * share);
  let seen = 0;
  const bucket = buckets.findIndex((count) => {
    seen += count;
    return seen >= rank;
  });
  return Math.ceil(BUCKET_FACTOR ** bucket);
}

import type { Sample, Samples } from './watch.ts';

// Does a process grow, the longer it runs? What it uses goes up and down with every collection of garbage, so the slope is
// the median of the slopes between all pairs of samples (Theil and Sen), which single peaks do not move.

/** Caches fill, and code is compiled: a third of the time, and 5 minutes at most, is not judged. */
const WARM_UP_SHARE = 1 / 3;
const WARM_UP_MS_MAX = 5 * 60_000;
/** Fewer samples say nothing. */
const SAMPLES_MIN = 12;
/** In the judged time a process may grow by a tenth, or by as little as is no leak yet. */
const GROWTH_SHARE_MAX = 0.1;
const growthMin = { memoryBytes: 16 * 1024 ** 2, handles: 10 } as const;

export type Measure = keyof typeof growthMin;
export type Slope = {
  process: string;
  measure: Measure;
  /** The median of the judged samples. */
  level: number;
  /** By how much it grew in the judged time, by the slope. */
  growth: number;
  growthMax: number;
  judgedMs: number;
};

/** How each process's memory and handles went; `grows` tells which of them are too much. */
export function slopes(samples: Samples, allowed: Record<string, number> = {}): Slope[] {
  return [...samples].flatMap(([process, all]) => {
    const endMs = all.at(-1)?.atMs ?? 0;
    const warmUpMs = Math.min(WARM_UP_MS_MAX, endMs * WARM_UP_SHARE);
    const judged = all.filter(({ atMs }) => atMs >= warmUpMs);
    if (judged.length < SAMPLES_MIN) return [];
    const judgedMs = endMs - (judged[0]?.atMs ?? 0);
    return (Object.keys(growthMin) as Measure[]).map((measure) => {
      const level = medianOf(judged.map((sample) => sample[measure]));
      const growthMax =
        Math.max(growthMin[measure], level * GROWTH_SHARE_MAX) +
        (measure === 'memoryBytes' ? (allowed[process] ?? 0) : 0);
      return { process, measure, level, growth: slopeOf(judged, measure) * judgedMs, growthMax, judgedMs };
    });
  });
}

export const grows = ({ growth, growthMax }: Slope): boolean => growth > growthMax;

/** By the millisecond. */
function slopeOf(samples: readonly Sample[], measure: Measure): number {
  const found: number[] = [];
  for (const [i, earlier] of samples.entries())
    for (const later of samples.slice(i + 1))
      found.push((later[measure] - earlier[measure]) / (later.atMs - earlier.atMs));
  return medianOf(found);
}

function medianOf(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}

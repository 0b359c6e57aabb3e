import { median } from '../../infra/bench/figures.ts';
import type { Used } from './processes.ts';
import type { Sample, Samples } from './watch.ts';

// Does a process grow, the longer it runs? What it uses goes up and down with every collection of garbage, so the slope is
// the median of the slopes between all pairs of samples (Theil and Sen), which single peaks do not move. Node's heap also
// swings slowly, over a quarter of an hour, and connections come and go with the load of the machine: so what leaks must
// also have raised the floor, from the first third of the judged time to the last; and open files must still be there
// when the fans have gone.

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
  /** By how much it grew in the judged time: by the slope, the floor or, of open files, at rest, whichever is least. */
  growth: number;
  growthMax: number;
  judgedMs: number;
};

/**
 * How each process's memory and handles went; `grows` tells which of them are too much. `atRest` is what each uses after
 * the run; its first sample is from before it.
 */
export function slopes(samples: Samples, atRest: ReadonlyMap<string, Used> = new Map()): Slope[] {
  return [...samples].flatMap(([process, all]) => {
    const endMs = all.at(-1)?.atMs ?? 0;
    const warmUpMs = Math.min(WARM_UP_MS_MAX, endMs * WARM_UP_SHARE);
    const judged = all.filter(({ atMs }) => atMs >= warmUpMs);
    if (judged.length < SAMPLES_MIN) return [];
    const judgedMs = endMs - (judged[0]?.atMs ?? 0);
    return (Object.keys(growthMin) as Measure[]).map((measure) => {
      const level = median(judged.map((sample) => sample[measure]));
      const growthMax = Math.max(growthMin[measure], level * GROWTH_SHARE_MAX);
      const third = Math.floor(judged.length / 3);
      const floor = floorOf(judged.slice(-third), measure) - floorOf(judged.slice(0, third), measure);
      const rest = (atRest.get(process)?.handles ?? Infinity) - (all[0]?.handles ?? 0);
      const growth = Math.min(
        ...[slopeOf(judged, measure) * judgedMs, floor],
        measure === 'handles' ? rest : Infinity,
      );
      return { process, measure, level, growth, growthMax, judgedMs };
    });
  });
}

const floorOf = (samples: readonly Sample[], measure: Measure): number =>
  samples.reduce((least, sample) => Math.min(least, sample[measure]), Infinity);

export const grows = ({ growth, growthMax }: Slope): boolean => growth > growthMax;

/** By the millisecond. */
function slopeOf(samples: readonly Sample[], measure: Measure): number {
  const found: number[] = [];
  for (const [i, earlier] of samples.entries())
    for (const later of samples.slice(i + 1))
      found.push((later[measure] - earlier[measure]) / (later.atMs - earlier.atMs));
  return median(found);
}

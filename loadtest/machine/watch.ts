import { lookAt, machineCpuMs, type Used, type Watched } from './processes.ts';

/** What one process used at a moment, in milliseconds since the watch began. */
export type Sample = Used & { atMs: number };
export type Samples = Map<string, Sample[]>;

/** The whole machine, for whomever it works; of it there is processor time only. */
export const MACHINE = 'the machine';
/** What of the machine's work was nobody's who is watched: whose knee it is when others work beside it. */
const OTHERS = 'others';

export type Watch = {
  /** Watches one more from now on. */
  add: (process: Watched) => void;
  /** What was seen, by process. */
  stop: () => Samples;
};

/** Looks at the processes now, and from then on every `everyMs`. */
export function watchProcesses(processes: readonly Watched[], everyMs: number): Watch {
  const watched = [...processes];
  const samples: Samples = new Map();
  const beganAt = performance.now();
  const look = () => {
    const atMs = performance.now() - beganAt;
    const machine = { cpuMs: machineCpuMs(), memoryBytes: 0, handles: 0 };
    for (const [name, used] of [...lookAt(watched), [MACHINE, machine] as const]) {
      const known = samples.get(name);
      if (known) known.push({ atMs, ...used });
      else samples.set(name, [{ atMs, ...used }]);
    }
  };
  look();
  const timer = setInterval(look, everyMs);
  return {
    add: (process) => {
      watched.push(process);
      look();
    },
    stop: () => {
      clearInterval(timer);
      look();
      return samples;
    },
  };
}

/** Of how many processors each had the whole time: 1 is one core, busy all the time. Empty where nobody could be looked at. */
export function processorShares(samples: Samples): Record<string, number> {
  const shares: Record<string, number> = {};
  for (const [name, all] of samples) {
    const [first, last] = [all[0], all.at(-1)];
    if (name !== MACHINE && first && last && last.atMs > first.atMs)
      shares[name] = (last.cpuMs - first.cpuMs) / (last.atMs - first.atMs);
  }
  const [first, last] = [samples.get(MACHINE)?.[0], samples.get(MACHINE)?.at(-1)];
  if (Object.keys(shares).length === 0 || !first || !last) return shares;
  const machine = (last.cpuMs - first.cpuMs) / (last.atMs - first.atMs);
  const known = Object.values(shares).reduce((sum, share) => sum + share, 0);
  return { ...shares, [OTHERS]: Math.max(0, machine - known) };
}

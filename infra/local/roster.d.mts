import type { RunningProcess, startProcess } from './processes.mjs';

type Options = Omit<Parameters<typeof startProcess>[0], 'cwd' | 'env'> & {
  cwd?: string;
  env?: Record<string, string | undefined>;
  rank: number;
  stopSteps?: { signal: NodeJS.Signals; timeoutMs: number }[];
};

export type Roster = {
  start: (options: Options) => Promise<RunningProcess>;
  endAll: () => Promise<void>;
  isEnding: () => boolean;
};

export function createRoster(options?: {
  onChange?: (running: RunningProcess[]) => void;
  detached?: boolean;
}): Roster;

import type { RunningProcess } from './processes.mjs';
import type { Roster } from './roster.mjs';

export function preparePostgres(options: {
  roster: Roster;
  root: string;
  dataDir: string;
  throwAway?: string | null;
  settings?: Record<string, string | number>;
}): Promise<{ url: string; title: string; start: () => Promise<RunningProcess> }>;

import type { RunningProcess } from './processes.mjs';
import type { Roster } from './roster.mjs';

export function preparePgbouncer(options: {
  roster: Roster;
  root: string;
  dataDir: string;
  binaries: string;
  databaseUrl: string;
  poolSize: number;
  clientsMax: number;
}): Promise<{
  url: string;
  prepares: boolean;
  title: string;
  start: () => Promise<RunningProcess>;
  renew: () => Promise<void>;
}>;

import type { RunningProcess } from './processes.mjs';
import type { Roster } from './roster.mjs';

export function newPassword(): string;

export function prepareRedis(options: {
  roster: Roster;
  dataDir: string;
  binaries: string;
  settings?: Record<string, string | number>;
  password?: string;
  name?: string;
}): Promise<{ url: string; title: string; folder: string; start: () => Promise<RunningProcess> }>;

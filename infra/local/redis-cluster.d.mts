import type { RunningProcess } from './processes.mjs';
import type { Roster } from './roster.mjs';

export type RedisNode = { what: string; url: string; folder: string; start: () => Promise<RunningProcess> };

export function prepareRedisCluster(options: {
  roster: Roster;
  dataDir: string;
  binaries: string;
  replicas?: number;
  settings?: Record<string, string | number>;
}): Promise<{ url: string; title: string; nodes: RedisNode[]; form: () => Promise<void> }>;

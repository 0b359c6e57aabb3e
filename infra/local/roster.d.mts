import type { RunningProcess } from './processes.mjs';

export type Roster = { endAll: () => Promise<void>; isEnding: () => boolean };

export function createRoster(options?: {
  onChange?: (running: RunningProcess[]) => void;
  detached?: boolean;
}): Roster;

import type { RunningProcess } from '../local/processes.mjs';
import type { Roster } from '../local/roster.mjs';

export type RestartBudget = { take: (what: string) => boolean };
export function createRestartBudget(now?: () => number): RestartBudget;

export type Kept = { what: string; replace: () => Promise<void> };
export function keepRunning(options: {
  roster: Roster;
  budget: RestartBudget;
  what: string;
  start: () => Promise<RunningProcess>;
  giveUp: (why: unknown) => void;
}): Promise<Kept>;

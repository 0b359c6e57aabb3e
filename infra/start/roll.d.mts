import type { Kept } from './restarts.mjs';

export const ROLL_SIGNAL: 'SIGUSR2';

export type Roll = { number: number; state: 'rolling' | 'done' | 'failed'; why: string | null };
export function createRoller(options: {
  kept: readonly Kept[];
  prepare: () => Promise<void>;
  tell: (roll: Roll) => void;
  isEnding: () => boolean;
}): () => Promise<void>;

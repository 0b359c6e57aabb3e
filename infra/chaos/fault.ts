import type { World } from '../crowd/world.ts';
import type { Disturbance } from '../history/disturbance.ts';
import type { Asked } from '../history/recorder.ts';
import type { Random } from '../testing/random.ts';
import type { ChaosShop } from './shop.ts';

export type Injecting = ChaosShop & { world: World; random: Random };

/** What was asked while a fault lasted, and what came of it. */
export type Meanwhile = { asked: readonly Asked[] };

/** Turns go on: so long there may be none, whatever else is the matter. */
export const TURN_PAUSE_MS_MAX = 4_000;

/** One way in which the evening goes wrong. */
export type Fault = {
  name: string;
  of: Disturbance['of'];
  /** How long it stays between injection and healing. */
  lastsMs: { short: number; long: number };
  /** Resolves when it is there, to what heals it; that resolves when everything runs again. */
  inject: (injecting: Injecting) => Promise<() => Promise<unknown>>;
  /** What must hold while it lasts, besides the promises that hold always; sentences of what did not. */
  meanwhile?: (meanwhile: Meanwhile) => string[];
  /** For how long there may be no turn from its injection to the first behind it, where they go on all the same. */
  turnPauseMsMax?: number;
  /** How long no turns are promised after it: a recovery. */
  recoveryMs?: number;
  /** Too long for the short form. */
  isLong?: boolean;
  /** Why it cannot be injected on this machine. */
  leftOut?: string | null;
};

/** Does what a fault is made of; resolves to what undoes it, and undoes what was done when it could not be done to its end. */
export async function orUndone(
  undo: () => Promise<unknown>,
  work: () => Promise<unknown>,
): Promise<() => Promise<unknown>> {
  try {
    await work();
  } catch (error) {
    await undo().catch((second: unknown) => {
      throw new AggregateError([error, second], `${error}; and it could not be undone: ${second}`);
    });
    throw error;
  }
  return undo;
}

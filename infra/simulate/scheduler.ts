import { setImmediate as turn } from 'node:timers/promises';
import type { Random } from '../testing/random.ts';

/** What follows a step may take as many turns of the event loop; nothing but steps waits for anything else. */
const QUIET_TURNS = 4;
/** More than any history has: one that goes on for ever has a fault of its own. */
const STEPS_MAX = 20_000;

/** One of several that run side by side, as far as anybody else can tell: the steps that it takes. */
export type Process = {
  /** Takes a step when the seed says so. It is never carried out, or never heard of, where the process dies there. */
  step: <Result>(name: string, work: () => Promise<Result>) => Promise<Result>;
  isDead: () => boolean;
  /** Resolves when it dies. */
  died: Promise<'died'>;
};

export type Scheduler = {
  /** `dies`: how likely it is at each of its steps, half of the time before it and half of the time behind it. */
  process: (name: string, dies?: number) => Process;
  /** Whatever begins here takes its steps among all others. A failure of it fails the run. */
  begin: (work: () => Promise<void>) => void;
  /**
   * Resolves when nothing is left to do; to the steps, in the order in which they were taken. `look` comes after each, and
   * says whether to go on.
   */
  run: (look?: () => Promise<boolean>) => Promise<string[]>;
};

type Waiting = { name: string; carryOut: () => Promise<void> };

/**
 * Runs work that is written as it always is, one step at a time, in an order that a seed determines. A step is what others can
 * come between, and nothing comes in the middle of: one call of PostgreSQL, one script of Redis, one word with the provider.
 * The next is chosen only when all that has followed from the one before waits at its own next step.
 */
export function createScheduler(random: Random): Scheduler {
  const waiting: Waiting[] = [];
  const taken: string[] = [];
  const failures: unknown[] = [];

  const makeProcess = (processName: string, dies = 0): Process => {
    let isDead = false;
    let die: (how: 'died') => void = () => undefined;
    const died = new Promise<'died'>((resolve) => {
      die = resolve;
    });
    const end = (where: string) => {
      isDead = true;
      taken.push(`${processName} dies ${where}`);
      die('died');
    };
    return {
      isDead: () => isDead,
      died,
      step: (name, work) =>
        new Promise((resolve, reject) => {
          if (isDead) return;
          const fate = random.next();
          const carryOut = async () => {
            if (isDead) return;
            if (fate < dies / 2) return end(`before ${name}`);
            taken.push(`${processName}: ${name}`);
            const done = await work().then(
              (result) => () => resolve(result),
              (error: unknown) => () => reject(error),
            );
            if (fate < dies) end(`behind ${name}`);
            else done();
          };
          waiting.push({ name: `${processName}: ${name}`, carryOut });
        }),
    };
  };

  /** Until all that has begun waits at a step, or has ended. */
  const settle = async () => {
    let quiet = 0;
    let known = waiting.length;
    while (quiet < QUIET_TURNS) {
      await turn();
      quiet = waiting.length === known ? quiet + 1 : 0;
      known = waiting.length;
    }
  };

  return {
    process: makeProcess,
    begin: (work) => {
      work().catch((error: unknown) => failures.push(error));
    },
    run: async (look = async () => true) => {
      for (let steps = 0; ; steps += 1) {
        await settle();
        if (failures.length > 0) throw failures[0];
        if (waiting.length === 0) return taken;
        if (steps === STEPS_MAX) throw new Error(`After ${STEPS_MAX} steps it still goes on.`);
        const [next] = waiting.splice(random.between(0, waiting.length - 1), 1);
        await next?.carryOut();
        if (!(await look())) return taken;
      }
    },
  };
}

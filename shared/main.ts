import { setTimeout as delay } from 'node:timers/promises';
import { EnvError } from './env.ts';
import { logIsWritten } from './log.ts';

const STOP_TIMEOUT_MS = 15_000;
/** Proxies and orchestrators look at /readyz every few seconds; in development nobody does. */
const DRAIN_SECONDS_IN_PRODUCTION = 5;
/** How soon a store that could not be judged is looked at again. */
const LOOK_AGAIN_MS = 2_000;

/** Where a process is in its life. */
export type Life = {
  /** It has been told to end: it serves on for a while, and whoever asks is told to send nobody new. */
  isDraining: () => boolean;
  /**
   * How long that takes, and that in production no debugger is let in: Node does so by SIGUSR1, where the keys are too. A service
   * that does not say what it goes by is not started.
   */
  goBy: (env: Environment) => void;
  /**
   * Refuses what `look` throws an EnvError for. Whatever else it throws says that what it looks at is away, and is reported: the
   * service starts all the same, and is ended by the refusal when a later look finds a reason.
   */
  insistOn: (look: () => Promise<void>, report: (error: unknown) => void) => Promise<void>;
};

type Environment = { NODE_ENV: string; DRAIN_SECONDS?: number | undefined };

export const DRAINING = 'This process is about to end.';

/**
 * Runs a service until SIGINT or SIGTERM: `start` resolves to what must be closed, in that order. Before that the process
 * drains: it is not ready any more, and serves whoever still comes. The same signal once more ends it at once. A missing variable or
 * a taken port ends the process with one sentence and exit code 1 instead of a stack.
 */
export async function runUntilStopped(
  start: (life: Life) => Promise<(() => Promise<unknown>)[]>,
): Promise<void> {
  let draining = false;
  let drainMs: number | null = null;
  let closers: (() => Promise<unknown>)[] | null = null;
  const stop = async (exitCode: number, closing: (() => Promise<unknown>)[]) => {
    // A terminal and a launcher may both say it, each in its way.
    if (draining) return;
    draining = true;
    if (drainMs) await delay(drainMs);
    setTimeout(() => process.exit(1), STOP_TIMEOUT_MS).unref();
    for (const close of closing) await close();
    await logIsWritten();
    process.exit(exitCode);
  };
  const refuse = (error: unknown) => {
    process.stderr.write(`${startFailure(error)}\n`);
    // Nobody has come before it serves.
    if (closers === null) process.exit(1);
    void stop(1, closers);
  };
  const lookAgain = async (look: () => Promise<void>, report: (error: unknown) => void, first: unknown) => {
    for (let why: unknown = first, said = ''; why !== null && !draining; ) {
      // Once for each reason: a store that is there and may not be asked is another than one that is away.
      if (String(why) !== said) report(why);
      said = String(why);
      await delay(LOOK_AGAIN_MS, undefined, { ref: false });
      why = await whyNotLooked(look);
    }
  };
  const life: Life = {
    isDraining: () => draining,
    goBy: ({ NODE_ENV, DRAIN_SECONDS }) => {
      const isProduction = NODE_ENV === 'production';
      drainMs = 1000 * (DRAIN_SECONDS ?? (isProduction ? DRAIN_SECONDS_IN_PRODUCTION : 0));
      if (isProduction) process.on('SIGUSR1', () => undefined);
    },
    insistOn: async (look, report) => {
      const why = await whyNotLooked(look);
      if (why !== null) lookAgain(look, report, why).catch(refuse);
    },
  };
  try {
    const started = await start(life);
    if (drainMs === null) throw new Error('This service has not said by which environment it goes.');
    closers = started;
    process.once('SIGINT', () => stop(0, started));
    process.once('SIGTERM', () => stop(0, started));
  } catch (error) {
    refuse(error);
  }
}

/** Null for a look that found nothing wrong; throws what it refuses. */
const whyNotLooked = (look: () => Promise<void>): Promise<unknown> =>
  look().then(
    () => null,
    (error) => {
      if (error instanceof EnvError) throw error;
      return error;
    },
  );

function startFailure(error: unknown): string {
  if (error instanceof EnvError) return error.message;
  const { code, port } = error as { code?: string; port?: number };
  if (code === 'EADDRINUSE') return `Port ${port} is taken. Set another one (see README, environment).`;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

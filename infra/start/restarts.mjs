import { describeFailure, LaunchError } from '../local/launch-error.mjs';
import { endProcess } from '../local/processes.mjs';
import { say } from '../local/progress.mjs';

const RESTARTS_MAX = 5;
const RESTARTS_PERIOD_MS = 60_000;

/**
 * How often each may be started again: at most RESTARTS_MAX times in RESTARTS_PERIOD_MS. Of many processes many may end on a bad
 * evening, each once; what does not help is to start the same one again and again.
 */
export function createRestartBudget(now = () => performance.now()) {
  const restarts = new Map();
  return {
    take(what) {
      const recent = (restarts.get(what) ?? []).filter((at) => at > now() - RESTARTS_PERIOD_MS);
      restarts.set(what, recent);
      if (recent.length >= RESTARTS_MAX) return false;
      recent.push(now());
      return true;
    },
  };
}

/**
 * Starts something and starts it again whenever it ends by itself. Rejects when the first start fails; when its budget
 * is used up later, `giveUp` hears why. `start` resolves to a process that is ready.
 *
 * `replace` of what it resolves to ends the process, in its way, and resolves when another has taken its place and is ready. It
 * rejects when that one does not become so: it is then started again as after any other end.
 */
export async function keepRunning({ roster, budget, what, start, giveUp }) {
  let running = await start();
  /** Settles what `replace` waits for. */
  let replacing = null;

  /** Null when it fails, after it has said why. */
  const tryToStart = async () => {
    try {
      return await start();
    } catch (error) {
      if (!roster.isEnding()) say(describeFailure(error));
      return null;
    }
  };
  const restart = async () => {
    while (!roster.isEnding()) {
      if (!budget.take(what)) {
        throw new LaunchError(
          `${what} does not stay up: ${RESTARTS_MAX} restarts within ${RESTARTS_PERIOD_MS / 1000} s did not help.`,
        );
      }
      const started = await tryToStart();
      if (!started) continue;
      say(`${what} is back.`);
      return started;
    }
    return null;
  };
  /** A successor that was asked for; null where none was, or it does not become ready. */
  const replaced = async () => {
    const asked = replacing;
    replacing = null;
    const successor = asked && (await tryToStart());
    if (successor) asked.resolve();
    else asked?.reject(new LaunchError(`${what} was not replaced; it is started again.`));
    return successor;
  };
  const watch = async () => {
    while (running) {
      // Asked for while this one was being started.
      if (replacing) void endProcess(running, running.stopSteps);
      const { code, signal } = await running.exited;
      if (roster.isEnding()) return;
      if (!replacing)
        say(`${what} ended unexpectedly (${signal ?? `exit code ${code}`}); it is started again.`);
      running = (await replaced()) ?? (await restart());
    }
  };
  watch().catch(giveUp);

  return {
    what,
    replace: () =>
      new Promise((resolve, reject) => {
        replacing = { resolve, reject };
        if (!running.ended()) void endProcess(running, running.stopSteps);
      }),
  };
}

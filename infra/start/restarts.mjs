import { describeFailure, LaunchError } from '../local/launch-error.mjs';
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
 */
export async function keepRunning({ roster, budget, what, start, giveUp }) {
  let running = await start();
  const restart = async () => {
    while (!roster.isEnding()) {
      if (!budget.take(what)) {
        throw new LaunchError(
          `${what} does not stay up: ${RESTARTS_MAX} restarts within ${RESTARTS_PERIOD_MS / 1000} s did not help.`,
        );
      }
      try {
        return await start();
      } catch (error) {
        if (!roster.isEnding()) say(describeFailure(error));
      }
    }
    return null;
  };
  const watch = async () => {
    while (running) {
      const { code, signal } = await running.exited;
      if (roster.isEnding()) return;
      say(`${what} ended unexpectedly (${signal ?? `exit code ${code}`}); it is started again.`);
      running = await restart();
      if (running) say(`${what} is back.`);
    }
  };
  watch().catch(giveUp);
}

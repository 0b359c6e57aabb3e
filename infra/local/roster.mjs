import { LaunchError } from './launch-error.mjs';
import { endProcess, startProcess } from './processes.mjs';

/**
 * Every process the launcher has started and that still runs. Nothing is started past it, so that whenever the end
 * comes, even in the middle of starting, all of them and nothing else are ended.
 *
 * `onChange` hears of every start and end, with the list of what runs. `detached` as in startProcess.
 */
export function createRoster({ onChange = () => {}, detached = true } = {}) {
  const running = new Set();
  const starting = new Set();
  let ending = null;

  async function startAndEnter({ rank, stopSteps, ...options }) {
    const entry = { ...(await startProcess({ ...options, detached })), rank, stopSteps };
    running.add(entry);
    onChange([...running]);
    entry.exited.then(() => {
      running.delete(entry);
      onChange([...running]);
    });
    return entry;
  }

  async function endAll() {
    // What is being started at this moment is waited for: it cannot be ended before it has a pid.
    await Promise.allSettled(starting);
    const ranks = [...new Set([...running].map((entry) => entry.rank))].sort((a, b) => b - a);
    for (const rank of ranks) {
      const entries = [...running].filter((entry) => entry.rank === rank);
      await Promise.all(entries.map((entry) => endProcess(entry, entry.stopSteps)));
    }
  }

  return {
    /** Starts a program; see startProcess. `rank` says when it ends: the highest first, equal ones together. */
    async start(options) {
      if (ending) throw new LaunchError(`${options.name} is not started: everything is being stopped.`);
      const started = startAndEnter(options);
      starting.add(started);
      try {
        return await started;
      } finally {
        starting.delete(started);
      }
    },
    /** Ends everything; asked again, it waits for the same end. */
    endAll() {
      ending ??= endAll();
      return ending;
    },
    isEnding: () => ending !== null,
  };
}

/**
 * Stores outlive the services that write to them, by way of the pooler, the proxy outlives the gateways, which reach the booking services
 * through it, and whatever only helps to start ends with the stores.
 */
export const ranks = { store: 1, tool: 1, pooler: 2, worker: 3, booking: 4, proxy: 5, gateway: 6, tests: 7 };

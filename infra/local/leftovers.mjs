import { LaunchError } from './launch-error.mjs';
import { endGroup, processIdentity, until } from './processes.mjs';
import { say } from './progress.mjs';

const KILL_TIMEOUT_MS = 5_000;

/** What must be written down about running processes so that they can be ended when their launcher no longer can. */
export const recorded = (running) =>
  running.map(({ name, pid, rank, stopSteps }) => ({
    name,
    pid,
    identity: processIdentity(pid),
    rank,
    stopSteps,
  }));

/**
 * Ends the processes that a launcher recorded and could not end itself, in its order. Only what is still the very same
 * process, by pid and start time, is touched.
 */
export async function endLeftovers(processes) {
  const left = processes
    .filter(({ pid, identity }) => identity && processIdentity(pid) === identity)
    .sort((a, b) => b.rank - a.rank);
  if (left.length === 0) return;
  say(`Ending what an earlier run left behind: ${left.map(({ name }) => name).join(', ')} …`);
  for (const leftover of left) {
    await endLeftover(leftover);
    await endGroup(leftover.pid);
  }
}

async function endLeftover({ name, pid, identity, stopSteps }) {
  const isGone = () => processIdentity(pid) !== identity;
  for (const { signal, timeoutMs } of [...stopSteps, { signal: 'SIGKILL', timeoutMs: KILL_TIMEOUT_MS }]) {
    if (isGone()) return;
    send(signal, { name, pid });
    if (await until(isGone, timeoutMs)) return;
  }
  throw new LaunchError(`${name} (pid ${pid}), left by an earlier run, does not end; end it by hand.`);
}

function send(signal, { name, pid }) {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (error.code === 'ESRCH') return;
    throw new LaunchError(
      `${name} (pid ${pid}), left by an earlier run, belongs to another account; end it by hand.`,
    );
  }
}

import { execFileSync, spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

const POLL_INTERVAL_MS = 25;
/** As long as a launcher takes that has services to stop. */
const GROUP_STOP_TIMEOUT_MS = 30_000;
/** Where the start time stands among the fields of /proc/<pid>/stat that follow the command's name (proc(5)). */
const STAT_STATE = 0;
const STAT_GROUP = 2;
const STAT_START_TIME = 19;

/**
 * Starts a program, if not told otherwise in a session of its own, so that Ctrl-C in the terminal reaches the launcher
 * alone and everything ends in the launcher's order. Resolves once it runs; rejects with the system's error when it cannot be run.
 */
export async function startProcess(options) {
  const { name, command, args, cwd, env, account, stdio = 'ignore', detached = true } = options;
  const identityOf = account ? { uid: account.uid, gid: account.gid } : {};
  const child = spawn(command, args, { cwd, env, stdio, detached, ...identityOf });
  let ended = null;
  const exited = new Promise((resolve) => {
    child.once('exit', (code, signal) => {
      ended = { code, signal };
      resolve(ended);
    });
  });
  await new Promise((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', reject);
  });
  return {
    name,
    pid: child.pid,
    child,
    /** Resolves to `{ code, signal }`. */
    exited,
    /** `{ code, signal }`, or null while it runs. */
    ended: () => ended,
  };
}

/**
 * Ends one process: each step is a signal and how long it may take effect; SIGKILL is the last. Resolves when the
 * process is gone, to the signal that was needed.
 */
export async function endProcess(running, steps) {
  for (const { signal, timeoutMs } of steps) {
    if (running.ended()) return null;
    running.child.kill(signal);
    if (await settledWithin(running.exited, timeoutMs)) return signal;
  }
  running.child.kill('SIGKILL');
  await running.exited;
  return 'SIGKILL';
}

/**
 * Ends what a process that led a group of its own has left in it, and that has outlived it: first asked, then forced.
 * To be called right after the leader's end, while nobody else can have got its pid.
 */
export async function endGroup(leaderPid) {
  if (!groupRuns(leaderPid)) return;
  signalGroup(leaderPid, 'SIGTERM');
  if (await until(() => !groupRuns(leaderPid), GROUP_STOP_TIMEOUT_MS)) return;
  signalGroup(leaderPid, 'SIGKILL');
}

function signalGroup(leaderPid, signal) {
  try {
    process.kill(-leaderPid, signal);
    return true;
  } catch (error) {
    if (error.code === 'ESRCH') return false;
    throw error;
  }
}

/** On Linux those that only wait to be collected do not count; some containers never collect them. */
function groupRuns(leaderPid) {
  if (process.platform !== 'linux') return signalGroup(leaderPid, 0);
  const fields = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(statFields);
  return fields.some((each) => each && isRunning(each) && Number(each[STAT_GROUP]) === leaderPid);
}

/** Whether the promise settles in time. */
export async function settledWithin(promise, timeoutMs) {
  let timer;
  const timeout = new Promise((resolve) => {
    timer = setTimeout(resolve, timeoutMs, false);
  });
  try {
    return await Promise.race([promise.then(() => true), timeout]);
  } finally {
    clearTimeout(timer);
  }
}

/** Asks again and again until the answer is truthy; resolves to it, or to null when the time is over. */
export async function until(ask, timeoutMs) {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const answer = await ask();
    if (answer) return answer;
    if (performance.now() >= deadline) return null;
    await new Promise((resolve) => setTimeout(resolve, POLL_INTERVAL_MS));
  }
}

/**
 * What tells this process from a later one that got the same pid: the boot and the start time. Null when no such
 * process runs; one that has ended and only waits to be collected by its parent does not run.
 */
export function processIdentity(pid) {
  return process.platform === 'linux' ? identityFromProc(pid) : identityFromPs(pid);
}

function identityFromProc(pid) {
  const fields = statFields(pid);
  if (!fields || !isRunning(fields)) return null;
  return `${readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()}/${fields[STAT_START_TIME]}`;
}

function statFields(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The command's name may hold blanks and brackets; the fields begin behind its last closing bracket.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  } catch (error) {
    if (error.code === 'ENOENT' || error.code === 'ESRCH') return null;
    throw error;
  }
}

const isRunning = (fields) => !['Z', 'X'].includes(fields[STAT_STATE]);

function identityFromPs(pid) {
  try {
    return execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim() || null;
  } catch (error) {
    if (error.status === 1) return null; // ps: no such process
    throw error;
  }
}

/** The command line of a running process, arguments separated by blanks; empty when it is gone. */
export function commandLine(pid) {
  try {
    if (process.platform === 'linux')
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
    return execFileSync('ps', ['-o', 'command=', '-p', String(pid)], { encoding: 'utf8' });
  } catch (error) {
    if (error.code === 'ENOENT' || error.code === 'ESRCH' || error.status === 1) return '';
    throw error;
  }
}

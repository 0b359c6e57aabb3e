import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { LaunchError } from './launch-error.mjs';
import { commandLine, processIdentity } from './processes.mjs';

/** Which line of postmaster.pid says whether connections are taken, counted from 0 (PostgreSQL, pidfile.h). */
const STATUS_LINE = 7;

/** PostgreSQL reports its state in postmaster.pid; pg_ctl waits in the same way. */
export function isReady(cluster, pid) {
  const lines = readPidFile(cluster);
  return Number(lines[0]) === pid && lines[STATUS_LINE]?.trim() === 'ready';
}

/**
 * After a crash or in a new container the pid in postmaster.pid may by now belong to somebody else, and PostgreSQL then
 * refuses to start. Its own parent's pid it takes for stale, and goes on to look at the shared memory that the file
 * names: so the file is corrected, not removed. It stays as it is where a PostgreSQL runs under that pid.
 */
export function correctPidFile(cluster) {
  const path = join(cluster, 'postmaster.pid');
  const lines = readPidFile(cluster);
  const pid = Number(lines[0]);
  if (!pid) return rmSync(path, { force: true });
  if (!processIdentity(pid)) return;
  if (commandLine(pid).includes(cluster)) {
    throw new LaunchError(
      `A PostgreSQL (pid ${pid}) still runs on ${dirname(cluster)}; end it first, for example with: kill -INT ${pid}`,
    );
  }
  writeFileSync(path, [process.pid, ...lines.slice(1)].join('\n'));
}

function readPidFile(cluster) {
  try {
    return readFileSync(join(cluster, 'postmaster.pid'), 'utf8').split('\n');
  } catch (error) {
    if (error.code === 'ENOENT') return [];
    throw error;
  }
}

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { preparePostgres } from '../local/postgres.mjs';
import { makePassable } from '../local/postgres-place.mjs';
import { endProcess, type RunningProcess } from '../local/processes.mjs';
import { createRoster } from '../local/roster.mjs';
import { migrate } from './global-setup.ts';

/** Fast shutdown: connections are cut, the data is whole. */
const STOP_STEPS = [{ signal: 'SIGINT', timeoutMs: 20_000 } as const];
/** Immediate shutdown: nothing is written any more, as in a crash, and the next start recovers from the log. */
const CRASH_STEPS = [{ signal: 'SIGQUIT', timeoutMs: 20_000 } as const];

export type OwnPostgres = {
  /** A migrated database. */
  url: string;
  /** Where its data is. */
  folder: string;
  /** Whether it runs; a full disk ends it. */
  isRunning: () => boolean;
  /** As an administrator would; resolves when nothing listens any more. */
  shutDown: () => Promise<void>;
  /** As a loss of power would, all but the disk; resolves when nothing listens any more. */
  crash: () => Promise<void>;
  /** Stops it and each of its backends where they are, as a machine does that pauses, until they are thawed (Linux). */
  freeze: () => void;
  thaw: () => void;
  /** With the data it had, on the same port; resolves when it answers. */
  start: () => Promise<void>;
  stop: () => Promise<void>;
};

export type OwnPostgresOptions = {
  settings?: Record<string, string | number>;
  /** A disk of its own of this size, in memory: for tests that fill it. Only `canMountDisks`. */
  diskMb?: number;
};

/** A disk of its own takes a mount, which is root's, on Linux. */
export const canMountDisks = process.platform === 'linux' && process.getuid?.() === 0;

const childrenOf = (pid: number): number[] =>
  readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number);

/** A PostgreSQL server of the caller's own, running: for tests that take it away. */
export async function ownPostgres({ settings = {}, diskMb }: OwnPostgresOptions = {}): Promise<OwnPostgres> {
  const dataDir = await mkdtemp(join(tmpdir(), 'admit-one-postgres-'));
  if (diskMb !== undefined) execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${diskMb}m`, 'tmpfs', dataDir]);
  makePassable(dataDir);
  const roster = createRoster({ detached: false });
  const root = fileURLToPath(new URL('../../', import.meta.url));
  const postgres = await preparePostgres({ roster, root, dataDir, throwAway: dataDir, settings });
  let running: RunningProcess = await postgres.start();
  await migrate(postgres.url);
  return {
    url: postgres.url,
    folder: dataDir,
    isRunning: () => running.ended() === null,
    shutDown: async () => {
      await endProcess(running, STOP_STEPS);
    },
    crash: async () => {
      await endProcess(running, CRASH_STEPS);
    },
    freeze: () => {
      // The first one first: then it begins no more.
      process.kill(running.pid, 'SIGSTOP');
      for (const pid of childrenOf(running.pid)) process.kill(pid, 'SIGSTOP');
    },
    thaw: () => {
      for (const pid of [...childrenOf(running.pid), running.pid]) process.kill(pid, 'SIGCONT');
    },
    start: async () => {
      running = await postgres.start();
    },
    stop: async () => {
      await roster.endAll();
      if (diskMb !== undefined) execFileSync('umount', [dataDir]);
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

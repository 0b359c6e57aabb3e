import { chmodSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { preparePgbouncer } from '../local/pgbouncer.mjs';
import { endProcess, type RunningProcess } from '../local/processes.mjs';
import { createRoster } from '../local/roster.mjs';

const PASSABLE_MODE = 0o711;
const CLIENTS_MAX = 500;

export type OwnPgbouncer = {
  url: string;
  /** Whether it knows prepared statements. */
  prepares: boolean;
  /** What the services are told of it. */
  env: Record<'DATABASE_URL' | 'DATABASE_DIRECT_URL' | 'DATABASE_PREPARE', string>;
  title: string;
  isRunning: () => boolean;
  pid: () => number;
  /** As a roll does behind a migration. */
  renew: () => Promise<void>;
  /** SIGKILL, as a crash would; resolves when the process is gone. */
  kill: () => Promise<void>;
  /** On the same port; resolves when it answers. */
  start: () => Promise<void>;
  stop: () => Promise<void>;
};

/** A PgBouncer of the caller's own in front of a database, running as start:scaled runs it. */
export async function ownPgbouncer(
  databaseUrl: string,
  { poolSize = 40, binaries = process.env.TEST_PGBOUNCER_BINARIES ?? '' } = {},
): Promise<OwnPgbouncer> {
  const dataDir = await mkdtemp(join(tmpdir(), 'admit-one-pgbouncer-'));
  chmodSync(dataDir, PASSABLE_MODE);
  const roster = createRoster({ detached: false });
  const root = fileURLToPath(new URL('../../', import.meta.url));
  const sizes = { poolSize, clientsMax: CLIENTS_MAX };
  const pgbouncer = await preparePgbouncer({ roster, root, dataDir, binaries, databaseUrl, ...sizes });
  let running: RunningProcess = await pgbouncer.start();
  const { url, prepares, title, renew } = pgbouncer;
  return {
    ...{ url, prepares, title, renew },
    env: {
      DATABASE_URL: url,
      DATABASE_DIRECT_URL: databaseUrl,
      DATABASE_PREPARE: prepares ? 'on' : 'off',
    },
    isRunning: () => running.ended() === null,
    pid: () => running.pid,
    kill: async () => {
      await endProcess(running, []);
    },
    start: async () => {
      running = await pgbouncer.start();
    },
    stop: async () => {
      await roster.endAll();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

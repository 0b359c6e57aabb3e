import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { endProcess, type RunningProcess } from '../local/processes.mjs';
import { prepareRedis } from '../local/redis.mjs';
import { createRoster } from '../local/roster.mjs';

export type OwnRedis = {
  url: string;
  /** Where its append-only file lies (`appendonlydir/`): whoever shortens it while the server is down has lost data. */
  folder: string;
  /** SIGKILL, as a crash would; resolves when the process is gone. */
  kill: () => Promise<void>;
  /** Stops it where it is, as a machine does that pauses, until it is thawed. */
  freeze: () => void;
  thaw: () => void;
  /** With the data it had, on the same port; resolves when it answers. */
  start: () => Promise<void>;
  stop: () => Promise<void>;
};

/** A Redis server of the caller's own, running: for tests that kill it, fill it or take its data away. */
export async function ownRedis(
  settings: Record<string, string | number> = {},
  binaries = process.env.TEST_REDIS_BINARIES ?? '',
): Promise<OwnRedis> {
  const dataDir = await mkdtemp(join(tmpdir(), 'admit-one-redis-'));
  const roster = createRoster({ detached: false });
  const redis = await prepareRedis({ roster, dataDir, binaries, settings });
  let running: RunningProcess = await redis.start();
  return {
    url: redis.url,
    folder: join(dataDir, 'redis'),
    kill: async () => {
      await endProcess(running, []);
    },
    freeze: () => {
      running.child.kill('SIGSTOP');
    },
    thaw: () => {
      running.child.kill('SIGCONT');
    },
    start: async () => {
      running = await redis.start();
    },
    stop: async () => {
      await roster.endAll();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

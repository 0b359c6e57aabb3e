import { rmSync, statfsSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import type postgres from 'postgres';
import { every } from '#shared/every.ts';
import { ownSession } from '../../testing/own-session.ts';
import { canMountDisks } from '../../testing/postgres-server.ts';
import { type Fault, orUndone, TURN_PAUSE_MS_MAX } from '../fault.ts';
import { holdsAreAnsweredInTime } from '../meanwhile.ts';

const TERMINATED_EVERY_MS = 150;
const FILLED_MB = 1;

const terminateAll = (sql: postgres.Sql) => sql`
  select pg_terminate_backend(pid) from pg_stat_activity
  where datname = current_database() and application_name like 'admit-one/%'`;

export const postgresFaults: Fault[] = [
  {
    name: 'connections of PostgreSQL ended every 150 ms',
    of: 'stores',
    lastsMs: { short: 2_000, long: 8_000 },
    inject: async ({ database }) => {
      const sql = ownSession(database);
      const stop = every(
        TERMINATED_EVERY_MS,
        async () => {
          await terminateAll(sql);
        },
        () => undefined,
      );
      return async () => {
        await stop();
        await sql.end({ timeout: 1 });
      };
    },
  },
  {
    name: 'PostgreSQL shut down',
    of: 'stores',
    lastsMs: { short: 1_000, long: 5_000 },
    inject: async ({ database }) => {
      await database.shutDown();
      return database.start;
    },
  },
  {
    name: 'PostgreSQL crashed',
    of: 'stores',
    lastsMs: { short: 1_000, long: 5_000 },
    inject: async ({ database }) => {
      await database.crash();
      return database.start;
    },
  },
  {
    name: 'PostgreSQL stopped',
    of: 'stores',
    lastsMs: { short: 3_000, long: 10_000 },
    leftOut: process.platform === 'linux' ? null : 'its backends are found by /proc, which is Linux only',
    inject: async ({ database }) => {
      database.freeze();
      return async () => database.thaw();
    },
    meanwhile: holdsAreAnsweredInTime,
  },
  {
    name: 'seats locked by somebody else',
    of: 'stores',
    lastsMs: { short: 4_000, long: 10_000 },
    inject: async ({ database, world, random }) => {
      const sql = ownSession(database);
      const { event } = random.pick(world.houses);
      // A session that ends gives its locks back.
      const unlock = () => sql.end({ timeout: 1 });
      return orUndone(unlock, async () => {
        await sql`begin`;
        await sql`select from seat where event = ${event} and seat % 5 = 0 order by seat for update`;
      });
    },
    meanwhile: holdsAreAnsweredInTime,
    turnPauseMsMax: TURN_PAUSE_MS_MAX,
  },
  {
    name: 'all connections of PostgreSQL used up',
    of: 'stores',
    lastsMs: { short: 3_000, long: 8_000 },
    inject: async ({ database }) => {
      const [last] = [ownSession(database)];
      const [row] = await last`show max_connections`;
      const greedy = Array.from({ length: Number(row?.max_connections) }, () => ownSession(database));
      const letGo = () => Promise.all([last, ...greedy].map((sql) => sql.end({ timeout: 1 })));
      return orUndone(letGo, async () => {
        await Promise.all(greedy.map((sql) => sql`select`.catch(() => undefined)));
        // Those that were there first have to come back, and there is no room.
        await terminateAll(last);
        await Promise.all(greedy.map((sql) => sql`select`.catch(() => undefined)));
      });
    },
  },
  {
    name: 'the disk of PostgreSQL full',
    of: 'stores',
    lastsMs: { short: 3_000, long: 8_000 },
    isLong: true,
    leftOut: canMountDisks ? null : 'a small disk takes a mount, which is root’s, on Linux',
    inject: async ({ database }) => {
      const filler = join(database.folder, 'filler');
      const makeRoom = async () => {
        rmSync(filler, { force: true });
        // A log that cannot be written ends it.
        if (!database.isRunning()) await database.start();
      };
      return orUndone(makeRoom, () => fill(filler, database.folder));
    },
  },
];

async function fill(path: string, folder: string): Promise<void> {
  const file = await open(path, 'w');
  try {
    const block = Buffer.alloc(FILLED_MB * 1024 * 1024);
    for (;;) {
      const { bavail, bsize } = statfsSync(folder);
      const left = Math.min(block.length, bavail * bsize);
      if (left === 0) return;
      // PostgreSQL may have taken the last of it meanwhile.
      const isFull = await file.write(block.subarray(0, left)).then(
        () => false,
        (error: NodeJS.ErrnoException) => {
          if (error.code === 'ENOSPC') return true;
          throw error;
        },
      );
      if (isFull) return;
    }
  } finally {
    await file.close();
  }
}

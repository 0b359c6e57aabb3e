import { execFile } from 'node:child_process';
import { access, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type postgres from 'postgres';
import { newId } from '#shared/ids.ts';
import { SEATS } from './settings.ts';

const DEBIAN_VERSIONS = '/usr/lib/postgresql';
const CLIENTS = [8, 16, 32];
const SECONDS = 2;

/**
 * Rows that one statement after the other can write per second, by PostgreSQL's own load generator at its best number of
 * clients: the seat, the hold and the note, in one statement, with none of the rules. Null where there is no pgbench.
 */
export async function measurePgbench(sql: postgres.Sql, databaseUrl: string): Promise<number | null> {
  const pgbench = await findPgbench();
  if (pgbench === null) return null;
  const folder = await mkdtemp(join(tmpdir(), 'admit-one-pgbench-'));
  try {
    let best = 0;
    for (const clients of CLIENTS) {
      const event = newId();
      const sections = [{ ordinal: 0, name: 'A', rows: 1, seats_per_row: SEATS, amount: 6_500 }];
      await sql`select create_event(${event}, 'x', 'x', now(), 'UTC', 'EUR', 'bench', ${sql.json(sections)})`;
      await sql.unsafe(
        `drop sequence if exists bench_seat; create sequence bench_seat minvalue 0 start 0 cache 1`,
      );
      await sql`vacuum (analyze) seat`;
      await sql`checkpoint`;
      const file = join(folder, 'hold.sql');
      await writeFile(file, statement(event));
      const args = [
        '-n',
        '-f',
        file,
        '-c',
        String(clients),
        '-j',
        '2',
        '-T',
        String(SECONDS),
        '-M',
        'prepared',
      ];
      const { stdout } = await promisify(execFile)(pgbench, [...args, databaseUrl]);
      const [won] = await sql<{ held: number }[]>`
        select count(*)::int as held from seat where event = ${event} and state = 1`;
      if (won?.held === SEATS) throw new Error('pgbench sold everything: give it more SEATS.');
      best = Math.max(best, Number(/tps = ([\d.]+)/.exec(stdout)?.[1]));
    }
    return best;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const statement = (event: string): string => `
  with wanted as materialized (
    select ((nextval('bench_seat') * 7919) % ${SEATS})::int as seat, gen_random_uuid()::text as hold
  ), taken as (
    update seat set state = 1, hold = wanted.hold, held_until = clock_timestamp() + interval '10 minutes'
    from wanted where event = '${event}' and seat.seat = wanted.seat and state = 0
    returning seat.seat, seat.hold, seat.held_until
  ), held as (
    insert into hold (id, sale, event, fan, admission, request_digest, state, seats, amount, expires_at)
    select hold, '${event}', '${event}', hold, hold, '', 'active', array[seat], 6500, held_until from taken
  )
  insert into inventory_change (event, seats) select '${event}', array[seat] from taken;
`;

async function findPgbench(): Promise<string | null> {
  const debian = await readdir(DEBIAN_VERSIONS).catch(() => []);
  const folders = [
    ...(process.env.PATH ?? '').split(':'),
    ...debian.map((version) => join(DEBIAN_VERSIONS, version, 'bin')),
  ];
  for (const folder of folders) {
    const path = join(folder, 'pgbench');
    if (
      await access(path).then(
        () => true,
        () => false,
      )
    )
      return path;
  }
  return null;
}

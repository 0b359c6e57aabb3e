import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import postgres from 'postgres';
import type { Db } from './client.ts';

const migrationsFolder = new URL('./migrations/', import.meta.url);
const fileNamePattern = /^(\d{4})-[a-z0-9-]+\.sql$/;
/** Any number that nothing else in this database locks. */
const MIGRATION_LOCK = 727_105_001;

type Migration = { number: number; name: string; text: string; digest: string };

/**
 * Brings a database to the newest schema. Any number of processes may call it at once: one works, the others wait for
 * its lock and then find nothing left to do. Each file and its record are one transaction.
 *
 * Throws when a migration that was applied has been edited since: migrations are append-only.
 */
export async function migrate(databaseUrl: string): Promise<void> {
  const migrations = await readMigrations();
  const sql = postgres(databaseUrl, { max: 1, fetch_types: false, onnotice: () => undefined });
  try {
    await sql`select pg_advisory_lock(${MIGRATION_LOCK})`;
    await sql`
      create table if not exists migration (
        number int primary key,
        name text not null,
        digest text not null,
        applied_at timestamptz not null default clock_timestamp()
      )`;
    const applied = await sql<{ number: number; digest: string }[]>`select number, digest from migration`;
    const digests = new Map(applied.map((row) => [row.number, row.digest]));
    for (const migration of migrations) {
      const digest = digests.get(migration.number);
      if (digest === undefined) await apply(sql, migration);
      else if (digest !== migration.digest)
        throw new Error(`${migration.name} was edited after it had been applied; write a new migration.`);
    }
  } finally {
    await sql.end({ timeout: 5 });
  }
}

/** Whether the database has everything this program expects; a newer schema is welcome during a rolling update. */
export async function isMigrated(db: Db): Promise<boolean> {
  const newest = (await readMigrations()).at(-1)?.number ?? 0;
  const rows = await db.call<{ number: number }>((sql) => sql`select max(number) as number from migration`);
  return (rows[0]?.number ?? 0) >= newest;
}

async function readMigrations(): Promise<Migration[]> {
  const names = (await readdir(migrationsFolder)).filter((name) => name.endsWith('.sql')).sort();
  return Promise.all(
    names.map(async (name) => {
      const number = Number(fileNamePattern.exec(name)?.[1]);
      if (Number.isNaN(number)) throw new Error(`${name} is not named like 0001-what-it-does.sql.`);
      const text = await readFile(new URL(name, migrationsFolder), 'utf8');
      return { number, name, text, digest: createHash('sha256').update(text).digest('hex') };
    }),
  );
}

/** Statements sent together in the simple protocol are one transaction (PostgreSQL, 55.2.2.1), the record included. */
async function apply(sql: postgres.Sql, { number, name, text, digest }: Migration): Promise<void> {
  await sql.unsafe(
    `${text};\ninsert into migration (number, name, digest) values (${number}, '${name}', '${digest}');`,
  );
}

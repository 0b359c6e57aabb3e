import { EnvError } from '#shared/env.ts';
import type { Db } from './client.ts';

/** The server gives up first, so that the connection stays usable; a lock is given up before the statement is. */
const STATEMENT_TIMEOUT_MS = 2_500;
const LOCK_TIMEOUT_MS = 2_000;

/** What holds in every session of PostgreSQL that carries the service's calls. */
export const sessionSettings = {
  statement_timeout: STATEMENT_TIMEOUT_MS,
  lock_timeout: LOCK_TIMEOUT_MS,
  // Everything has a key by which it is found. As long as PostgreSQL knows a table as all but empty, in the first minute of
  // a sale, it would read it from end to end instead; and take the price of having to do so for a reason to compile.
  enable_seqscan: 'off',
  jit: 'off',
  // Whatever the server or the role has been set to: a call that has waited for a lock counts what is there now, and by a snapshot
  // from before it waited two services would each find room for the same buyer's last ticket.
  default_transaction_isolation: 'read committed',
  // Times are read from their text, in which another style has day and month the other way round.
  DateStyle: 'ISO, MDY',
} as const;

export type Pooling = {
  /**
   * DATABASE_URL is a pooler that gives each transaction whichever session is free. What a connection asks for when it begins is
   * not the session's then: the pooler gives its sessions their settings (infra/pgbouncer/pgbouncer.ini).
   */
  isPooled?: boolean;
  /** Whether statements are prepared once and then only named; a pooler must know them in each of its sessions. */
  isPrepared?: boolean;
};

type Reach = {
  DATABASE_URL: string;
  DATABASE_DIRECT_URL?: string | undefined;
  DATABASE_PREPARE: 'on' | 'off';
};

export const poolingOf = (env: Reach): Required<Pooling> => ({
  isPooled: directUrlOf(env) !== env.DATABASE_URL,
  isPrepared: env.DATABASE_PREPARE === 'on',
});

/** PostgreSQL itself: for what lasts longer than a transaction, such as listening, or the lock of a migration. */
export const directUrlOf = (env: Pick<Reach, 'DATABASE_URL' | 'DATABASE_DIRECT_URL'>): string =>
  env.DATABASE_DIRECT_URL ?? env.DATABASE_URL;

/** A limit may be a shorter one. */
function isKept(name: string, setting: string, wanted: string): boolean {
  if (name.endsWith('_timeout')) return Number(setting) > 0 && Number(setting) <= Number(wanted);
  // Whatever comes first where it is read: written is the year.
  if (name === 'DateStyle') return setting.startsWith('ISO');
  return setting === wanted;
}

/**
 * Throws one EnvError for sessions without these settings, in which a statement would go on for ever behind a caller that has
 * long been answered, and another error where the database is away.
 */
export async function refuseLaxSessions(db: Db): Promise<void> {
  const wanted = new Map(Object.entries(sessionSettings).map(([name, value]) => [name, String(value)]));
  const found = await db.call<{ name: string; setting: string }>(
    (sql) => sql`
      select name, setting from pg_settings where name = any (${[...wanted.keys()]}::text[]) order by name`,
  );
  const lax = found.filter(({ name, setting }) => !isKept(name, setting, wanted.get(name) as string));
  if (lax.length === 0) return;
  throw new EnvError(
    lax.map(
      ({ name, setting }) =>
        `DATABASE_URL: its sessions have ${name} = ${setting}; let its pooler give them ${name} = ${wanted.get(name)} (PgBouncer: connect_query)`,
    ),
  );
}

import { EnvError } from '#shared/env.ts';
import type { Db } from './client.ts';

/** Throws one EnvError for a PostgreSQL that may lose an order it has confirmed, and another error where it is away. */
export async function refuseForgetfulDatabase(db: Db): Promise<void> {
  const lax = await db.call<{ name: string }>(
    (sql) => sql`
      select name from pg_settings
      where name in ('fsync', 'full_page_writes', 'synchronous_commit') and setting = 'off'
      order by name`,
  );
  if (lax.length > 0) {
    throw new EnvError(
      lax.map(({ name }) => `DATABASE_URL: this PostgreSQL may lose confirmed orders; set its ${name} to on`),
    );
  }
}

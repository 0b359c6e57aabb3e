import type { Db } from './client.ts';
import { refuseForgetfulDatabase } from './durable.ts';
import { type Pooling, refuseLaxSessions } from './session.ts';

/** Throws an EnvError for a PostgreSQL that a service must not go on with, and another error where it is away. */
export async function refuseUnfitDatabase(
  db: Db,
  { NODE_ENV }: { NODE_ENV: string },
  { isPooled = false }: Pooling,
): Promise<void> {
  const isProduction = NODE_ENV === 'production';
  if (isProduction) await refuseForgetfulDatabase(db);
  if (isProduction || isPooled) await refuseLaxSessions(db);
}

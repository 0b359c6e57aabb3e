import { resolve } from 'node:path';
import { LaunchError } from '../local/launch-error.mjs';
import { PGBOUNCER_IS_MISSING, pgbouncerBinary } from '../local/pgbouncer-binary.mjs';
import { say } from '../local/progress.mjs';

/**
 * Where a fetched PgBouncer is kept for the tests behind it, fetched by now where none is installed. Empty when there is none,
 * which skips those tests and says so; in CI that is a failure.
 */
export async function findPgbouncer({ roster, root }) {
  const folder = resolve(root, process.env.DATA_DIR || '.data', 'pgbouncer-server');
  if (await pgbouncerBinary({ roster, folder })) return folder;
  if (process.env.CI === 'true') throw new LaunchError(PGBOUNCER_IS_MISSING);
  say(`\n*** THE TESTS BEHIND PGBOUNCER ARE SKIPPED. ${PGBOUNCER_IS_MISSING} ***\n`);
  return '';
}

import { spawnSync } from 'node:child_process';
import { findOnPath, isExecutable } from './on-path.mjs';
import { unpackedProgram } from './unpacked-packages.mjs';

/** Where systems put it that keep it off an ordinary account's PATH. */
const USUAL_PLACES = ['/usr/sbin/pgbouncer', '/usr/local/sbin/pgbouncer', '/opt/homebrew/bin/pgbouncer'];
const CHOICES = [{ program: 'usr/sbin/pgbouncer', packages: ['pgbouncer'] }];
/** From this version on it knows prepared statements in transaction pooling. */
const PREPARES_FROM = [1, 21];

/** What to do where there is none. */
export const PGBOUNCER_IS_MISSING =
  'There is no PgBouncer here and none could be fetched; install it (Debian and Ubuntu: apt-get install pgbouncer, macOS: brew install pgbouncer), or leave it out with POOLER=off.';

/**
 * PgBouncer as `{ command, env, version, prepares }`: installed, else the distribution's package unpacked into `folder`, else
 * null. `prepares`: whether it knows prepared statements in transaction pooling.
 */
export async function pgbouncerBinary({ roster, folder }) {
  const installed = [findOnPath('pgbouncer'), ...USUAL_PLACES].find((path) => path && isExecutable(path));
  return (
    (installed && examined({ command: installed, env: {} })) ||
    examined(await unpackedProgram({ roster, folder, name: 'PgBouncer', choices: CHOICES }))
  );
}

/** `PgBouncer 1.18.0`, in the first line. */
function examined(found) {
  if (!found) return null;
  const { stdout } = spawnSync(found.command, ['--version'], {
    encoding: 'utf8',
    env: { ...process.env, ...found.env },
  });
  const [, version] = /^PgBouncer (\d+\.\d+\S*)/m.exec(stdout ?? '') ?? [];
  if (!version) return null;
  const [major, minor] = version.split('.').map((part) => Number.parseInt(part, 10));
  const prepares = major > PREPARES_FROM[0] || (major === PREPARES_FROM[0] && minor >= PREPARES_FROM[1]);
  return { ...found, version, prepares };
}

import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { LaunchError } from './launch-error.mjs';
import { lastLines } from './logged.mjs';
import { runTool } from './tool.mjs';

export const POSTGRES_USER = 'admit_one';
export const POSTGRES_DATABASE = 'admit_one';
const PASSWORD_BYTES = 24;
const PRIVATE_FOLDER_MODE = 0o700;
const PRIVATE_FILE_MODE = 0o600;
const PASSABLE_MODE = 0o711;

/**
 * The cluster in `folder`, made when there is none: `{ cluster, password, version }`. The password lies beside the
 * cluster it belongs to.
 */
export async function openCluster({ roster, folder, binaries, account, sync }) {
  if (!existsSync(folder)) await makeCluster({ roster, folder, binaries, account, sync });
  const cluster = join(folder, 'cluster');
  try {
    // PostgreSQL refuses a folder that others can read, as a `chmod -R` over the project leaves it.
    chmodSync(cluster, PRIVATE_FOLDER_MODE);
    return {
      cluster,
      password: readFileSync(join(folder, 'password'), 'utf8'),
      version: readFileSync(join(cluster, 'PG_VERSION'), 'utf8').trim(),
    };
  } catch (error) {
    const advice = 'remove that folder to begin with an empty one';
    throw new LaunchError(`The database in ${folder} cannot be read (${error.code}); ${advice}.`);
  }
}

/**
 * A cluster appears under its name only when it is whole, so an interrupted start leaves nothing that the next one could
 * mistake for a database.
 */
async function makeCluster({ roster, folder, binaries, account, sync }) {
  const unfinished = `${folder}.new`;
  rmSync(unfinished, { recursive: true, force: true });
  const cluster = join(unfinished, 'cluster');
  const passwordFile = join(unfinished, 'password');
  mkdirSync(cluster, { recursive: true });
  chmodSync(unfinished, PASSABLE_MODE);
  chmodSync(cluster, PRIVATE_FOLDER_MODE);
  writeFileSync(passwordFile, randomBytes(PASSWORD_BYTES).toString('base64url'), { mode: PRIVATE_FILE_MODE });
  if (account) for (const path of [cluster, passwordFile]) chownSync(path, account.uid, account.gid);
  await runToEnd({
    roster,
    name: 'initdb',
    command: join(binaries, 'bin', 'initdb'),
    args: [
      ...['-D', cluster, '-U', POSTGRES_USER, `--pwfile=${passwordFile}`, '--auth=scram-sha-256'],
      // The same order of characters on every system, whatever locales it has.
      ...['--encoding=UTF8', '--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8'],
      ...(sync ? [] : ['--no-sync']),
    ],
    account,
  });
  await runToEnd({
    roster,
    name: 'postgres --single',
    command: join(binaries, 'bin', 'postgres'),
    args: ['--single', '-D', cluster, '-c', 'exit_on_error=true', 'postgres'],
    input: `create database ${POSTGRES_DATABASE};\n`,
    account,
  });
  renameSync(unfinished, folder);
}

async function runToEnd(options) {
  const { ok, outcome, output } = await runTool({ ...options, cwd: '/', env: postgresEnvironment() });
  if (!ok) throw new LaunchError(`${options.name} failed (${outcome}):\n${lastLines(output)}`);
}

/** Nothing of the caller's: variables such as PGPORT or LC_MESSAGES would change what PostgreSQL does and says. */
export const postgresEnvironment = () => ({
  PATH: process.env.PATH ?? '/usr/bin:/bin',
  LC_ALL: 'C',
  TZ: 'UTC',
});

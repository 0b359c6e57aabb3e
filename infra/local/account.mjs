import { spawnSync } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { LaunchError } from './launch-error.mjs';

/** PostgreSQL's own account where the system has one, else the one that owns nothing. */
const ACCOUNT_NAMES = ['postgres', '_postgres', 'nobody'];
const ROOT_UID = 0;

/**
 * PostgreSQL refuses to run as root. Started by root, it runs under the account that already owns the data, or else
 * under an unprivileged one of the system; initdb wants it to have an entry in /etc/passwd. Null: as whoever started it.
 */
export function postgresAccount(existingData) {
  if (process.getuid?.() !== ROOT_UID) return null;
  const accounts = passwdEntries();
  const owner = ownerOf(existingData);
  if (owner !== null && owner !== ROOT_UID) {
    const account = accounts.find((entry) => entry.uid === owner);
    if (account) return account;
    throw new LaunchError(
      `${existingData} belongs to uid ${owner}, which has no entry in /etc/passwd; add one.`,
    );
  }
  for (const name of ACCOUNT_NAMES) {
    const account = accounts.find((entry) => entry.name === name && entry.uid !== ROOT_UID);
    if (account) return account;
  }
  throw new LaunchError(
    'PostgreSQL does not run as root and there is no other account here (postgres or nobody); start as another user or set DATABASE_URL.',
  );
}

/**
 * An account without rights for a server that root starts: the first of the names that the system has, else the one that
 * owns nothing. Null where nobody starts as root: then it runs as whoever started it.
 */
export function unprivilegedAccount(names) {
  if (process.getuid?.() !== ROOT_UID) return null;
  const accounts = passwdEntries();
  for (const name of [...names, 'nobody']) {
    const account = accounts.find((entry) => entry.name === name && entry.uid !== ROOT_UID);
    if (account) return account;
  }
  return null;
}

/** Whether the account may do what a shell test says about the paths, e.g. `[ -x "$1" ] && [ -r "$2" ]`. */
export function accountMay(account, test, ...paths) {
  const options = account ? { uid: account.uid, gid: account.gid } : {};
  const result = spawnSync('/bin/sh', ['-c', test, 'sh', ...paths], {
    cwd: '/',
    stdio: 'ignore',
    ...options,
  });
  if (result.error) {
    throw new LaunchError(
      `Servers must not run as root, and this root may not become ${account?.name} (${result.error.code}); start as another user.`,
    );
  }
  return result.status === 0;
}

function passwdEntries() {
  return readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'))
    .filter((fields) => fields.length >= 4)
    .map(([name, , uid, gid]) => ({ name, uid: Number(uid), gid: Number(gid) }))
    .filter(({ uid, gid }) => uid >= 0 && gid >= 0);
}

function ownerOf(path) {
  return statSync(path, { throwIfNoEntry: false })?.uid ?? null;
}

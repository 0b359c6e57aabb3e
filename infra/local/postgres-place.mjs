import { chmodSync, mkdtempSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { accountMay } from './account.mjs';
import { say } from './progress.mjs';

/** Others may pass through, not look around. */
const PASSABLE_MODE = 0o711;
/** Survives a restart of the machine, unlike /tmp. */
const OUTSIDE_FOLDERS = ['/var/tmp', tmpdir()];
const ROOT_UID = 0;
const RECORD = 'postgres-place';

/**
 * The folder that holds the database: the data folder, or, when root starts from where PostgreSQL's account may not
 * enter (a home with mode 0700), a folder of its own outside, remembered in the data folder so that the next start
 * finds it again. Its name cannot be guessed, for everybody may write where it lies.
 */
export function postgresPlace({ dataDir, account }) {
  if (!account) return dataDir;
  const remembered = rememberedPlace(dataDir);
  if (remembered) return remembered;
  if (accountMay(account, 'cd "$1"', dataDir)) return dataDir;
  const parent = OUTSIDE_FOLDERS.find((folder) => accountMay(account, 'cd "$1"', folder));
  const place = mkdtempSync(join(parent, 'admit-one-'));
  chmodSync(place, PASSABLE_MODE);
  writeFileSync(join(dataDir, RECORD), place);
  say(`The database lies in ${place}, for ${account.name} may not enter ${dataDir}.`);
  return place;
}

/** Where an earlier start put the database, if that folder is still there and still ours. */
export function rememberedPlace(dataDir) {
  let place;
  try {
    place = readFileSync(join(dataDir, RECORD), 'utf8').trim();
  } catch (error) {
    if (error.code === 'ENOENT') return null;
    throw error;
  }
  const found = statSync(place, { throwIfNoEntry: false });
  if (found?.isDirectory() && found.uid === process.getuid()) return place;
  say(`The database that lay in ${place} is gone; a new one is made.`);
  return null;
}

/** Lets PostgreSQL's account pass through a folder that root has made. */
export function makePassable(folder) {
  if (process.getuid?.() === ROOT_UID) chmodSync(folder, PASSABLE_MODE);
}

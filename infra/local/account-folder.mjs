import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { accountMay } from './account.mjs';

const FOLDER_MODE = 0o755;
const PRIVATE_FOLDER_MODE = 0o700;

/**
 * The folder of a server that runs as `account` (null: as whoever starts it). Everything in it can be thrown away; it is made
 * anew at every start.
 */
export function makeAccountFolder({ dataDir, name, account }) {
  let folder = join(dataDir, name);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { mode: FOLDER_MODE, recursive: true });
  if (account && !accountMay(account, 'cd "$1"', folder)) {
    // The data folder lies where only root may enter, as in a home with mode 0700.
    folder = mkdtempSync(join(tmpdir(), `admit-one-${name}-`));
    chmodSync(folder, PRIVATE_FOLDER_MODE);
    const outside = folder;
    process.once('exit', () => rmSync(outside, { recursive: true, force: true }));
  }
  if (account) chownSync(folder, account.uid, account.gid);
  return folder;
}

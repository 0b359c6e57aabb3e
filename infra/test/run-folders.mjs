import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statfsSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { freemem, tmpdir } from 'node:os';
import { join } from 'node:path';
import { endLeftovers, recorded } from '../local/leftovers.mjs';
import { makePassable } from '../local/postgres-place.mjs';
import { processIdentity } from '../local/processes.mjs';

const PREFIX = 'admit-one-test-';
const RECORD = 'run.json';
/** Linux keeps it in memory; containers often give it 64 MB only. */
const MEMORY_FOLDER = '/dev/shm';
const MEMORY_BYTES_MIN = 4 * 1024 ** 3;

/**
 * The folders of one run, thrown away at its end: `folder` for everything, `databaseFolder` for the database. They say
 * who runs and what was started, so that the next run can end and remove what a killed one left.
 */
export async function makeRunFolders() {
  await removeDeadRuns();
  const folder = make(tmpdir());
  const databaseFolder = hasRoomInMemory() ? make(MEMORY_FOLDER) : folder;
  const owner = { pid: process.pid, identity: processIdentity(process.pid), databaseFolder };
  const record = (running) =>
    writeFileSync(join(folder, RECORD), JSON.stringify({ ...owner, processes: recorded(running) }));
  record([]);
  let removed = false;
  return {
    folder,
    databaseFolder,
    record: (running) => {
      if (!removed) record(running);
    },
    remove: () => {
      removed = true;
      for (const path of [databaseFolder, folder]) rmSync(path, { recursive: true, force: true });
    },
  };
}

function make(parent) {
  const folder = mkdtempSync(join(parent, PREFIX));
  makePassable(folder);
  return folder;
}

/** Cloning a database takes 25 ms in memory and up to 500 ms on a disk; the rest of the tests is the same. */
function hasRoomInMemory() {
  if (!existsSync(MEMORY_FOLDER)) return false;
  const { bavail, bsize } = statfsSync(MEMORY_FOLDER);
  return Math.min(bavail * bsize, freemem()) > MEMORY_BYTES_MIN;
}

async function removeDeadRuns() {
  const names = readdirSync(tmpdir()).filter((name) => name.startsWith(PREFIX));
  for (const folder of names.map((name) => join(tmpdir(), name))) {
    const record = join(folder, RECORD);
    // Everybody may write where temporary folders lie: only our own are believed.
    if (!existsSync(record) || statSync(folder).uid !== process.getuid?.()) continue;
    const { pid, identity, databaseFolder, processes } = JSON.parse(readFileSync(record, 'utf8'));
    if (processIdentity(pid) === identity) continue;
    await endLeftovers(processes);
    for (const path of [databaseFolder, folder]) rmSync(path, { recursive: true, force: true });
  }
}

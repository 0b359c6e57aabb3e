import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join, sep } from 'node:path';
import { LaunchError } from '../local/launch-error.mjs';
import { endLeftovers, recorded } from '../local/leftovers.mjs';
import { makePassable } from '../local/postgres-place.mjs';
import { processIdentity, until } from '../local/processes.mjs';

const PRIVATE_FILE_MODE = 0o600;
/** The moment between making the file and writing into it. */
const WRITING_TIMEOUT_MS = 1_000;
const TRIES_MAX = 5;

/**
 * Takes the data folder for this launcher alone. `launcher.json` in it says who has it and which processes were started
 * from there; where its owner is dead, those that still run are ended first, so that a killed launcher needs no
 * cleaning up by hand.
 */
export async function takeDataFolder(dataDir) {
  if (sep !== '\\' && dataDir.includes('\\'))
    throw new LaunchError(
      `${dataDir} has a backslash in it, and Node runs nothing from there; set DATA_DIR to another folder.`,
    );
  try {
    if (mkdirSync(dataDir, { recursive: true })) makePassable(dataDir);
  } catch (error) {
    throw new LaunchError(`${dataDir} cannot be made (${error.code}); set DATA_DIR to a folder of yours.`);
  }
  const path = join(dataDir, 'launcher.json');
  const owner = { pid: process.pid, identity: processIdentity(process.pid) };
  for (let tries = 0; tries < TRIES_MAX; tries += 1) {
    if (create(path, JSON.stringify({ ...owner, processes: [] }))) return heldFolder(path, owner);
    const found = await readOwner(path);
    if (!found) continue;
    if (found.pid && processIdentity(found.pid) === found.identity) {
      throw new LaunchError(
        `Admit One already runs here (pid ${found.pid}); stop it with Ctrl-C, or set DATA_DIR and other ports for a second one.`,
      );
    }
    await endLeftovers(found.processes ?? []);
    removeIfSame(path, found.text);
  }
  throw new LaunchError(`Others are starting Admit One here at this moment; try again.`);
}

function heldFolder(path, owner) {
  let held = true;
  let processes = [];
  let shop = null;
  let roll = null;
  /** Replaced as a whole, so that it can be read at any moment. */
  const write = () => {
    if (!held) return;
    writeFileSync(`${path}.new`, JSON.stringify({ ...owner, processes, shop, roll }), {
      mode: PRIVATE_FILE_MODE,
    });
    renameSync(`${path}.new`, path);
  };
  return {
    /** Keeps the list of what runs. */
    record(running) {
      processes = recorded(running);
      write();
    },
    /** Says where the shop is that runs, for tools beside it (running-shop.mjs). */
    describe(running) {
      shop = running;
      write();
    },
    /** Says how far a roll is (roll.mjs), for whoever asked for it. */
    tellRoll(told) {
      roll = told;
      write();
    },
    release() {
      held = false;
      rmSync(path, { force: true });
    },
  };
}

/** Of several launchers that try at once, one makes the file. */
function create(path, text) {
  try {
    writeFileSync(path, text, { flag: 'wx', mode: PRIVATE_FILE_MODE });
    return true;
  } catch (error) {
    if (error.code === 'EEXIST') return false;
    throw new LaunchError(`${path} cannot be written (${error.code}); set DATA_DIR to a folder of yours.`);
  }
}

/** What the file says, with its text; an empty object when it was never finished; null when it is gone. */
async function readOwner(path) {
  let text = '';
  const read = () => {
    try {
      text = readFileSync(path, 'utf8');
      return { ...JSON.parse(text), text };
    } catch (error) {
      if (error instanceof SyntaxError) return null;
      if (error.code === 'ENOENT') return 'gone';
      throw new LaunchError(`${path} cannot be read (${error.code}); set DATA_DIR to a folder of yours.`);
    }
  };
  const found = await until(read, WRITING_TIMEOUT_MS);
  return found === 'gone' ? null : (found ?? { text });
}

/** Moved aside before it is judged: somebody may just have put a file of their own in its place. */
function removeIfSame(path, text) {
  const aside = `${path}.${process.pid}`;
  try {
    renameSync(path, aside);
  } catch (error) {
    if (error.code === 'ENOENT') return;
    throw error;
  }
  if (readFileSync(aside, 'utf8') === text) rmSync(aside);
  else renameSync(aside, path);
}

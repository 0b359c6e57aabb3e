import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { LaunchError } from './launch-error.mjs';
import { lastLines } from './logged.mjs';
import { findOnPath } from './on-path.mjs';
import { say, timed } from './progress.mjs';
import { runTool } from './tool.mjs';

const APT_TIMEOUT_MS = 180_000;
/** Of LD_LIBRARY_PATH (ld.so(8)); there is no way to quote them. */
const LIST_SEPARATORS = /[:;]/;

/** Never unpacked beside the system's own: a second C library would not fit the loader. */
const KEPT_FROM_SYSTEM =
  /^(libc6|libc-bin|libc-dev-bin|base-files|base-passwd|dpkg|perl.*|systemd.*|init.*)$/;

/**
 * A program of the distribution with its libraries, as `{ command, env }`: downloaded by apt, which checks the signatures,
 * and unpacked into `folder`: no root, no system service, nothing installed. `choices` are tried in order, each with the
 * `program`'s path within the `packages` that carry it. Null where there is no apt or none of the packages.
 */
export async function unpackedProgram({ roster, folder, name, choices }) {
  if (LIST_SEPARATORS.test(folder)) {
    say(
      `${name} cannot be unpacked into ${folder}: the system's loader takes \`:\` and \`;\` for ends of a path.`,
    );
    return null;
  }
  if (existsSync(folder)) return programIn(folder, choices);
  if (!['apt-get', 'dpkg-deb'].every(findOnPath)) return null;
  mkdirSync(dirname(folder), { recursive: true });
  const work = mkdtempSync(`${folder}.new-`);
  try {
    say(`Fetching ${name} from the distribution …`);
    return await timed(`${name} fetched and unpacked`, async () => {
      const unpacked = join(work, 'root');
      await fetchAndUnpack({ roster, name, choices, work, unpacked });
      moveInto(unpacked, folder);
      return programIn(folder, choices);
    });
  } catch (error) {
    if (!(error instanceof LaunchError) || roster.isEnding()) throw error;
    // There may be other ways to it, and without any of them the start says what to do.
    say(error.message);
    return null;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

async function fetchAndUnpack({ roster, name, choices, work, unpacked }) {
  const downloads = join(work, 'downloads');
  for (const path of [unpacked, downloads]) mkdirSync(path);
  const apt = (...args) => runApt({ roster, name, cwd: downloads }, args);
  try {
    await download(apt, choices);
  } catch (error) {
    if (!(error instanceof LaunchError) || roster.isEnding()) throw error;
    // The system's package lists are missing (as in images) or out of date: private ones, in a folder of our own.
    const privately = (...args) => apt(...privateLists(work), ...args);
    await privately('update');
    await download(privately, choices);
  }
  for (const file of readdirSync(downloads).filter((each) => each.endsWith('.deb'))) {
    const args = ['--extract', join(downloads, file), unpacked];
    await run({ roster, command: 'dpkg-deb', args, cwd: work, name });
  }
}

async function download(apt, choices) {
  let failure;
  for (const { packages } of choices) {
    try {
      return await apt('download', ...packages, ...(await missingPackages(apt, packages)));
    } catch (error) {
      failure ??= error;
    }
  }
  throw failure;
}

/** What these packages need and the system has not installed, as apt itself resolves it. */
async function missingPackages(apt, packages) {
  const simulation = ['--simulate', '--no-install-recommends', '-o', 'Debug::NoLocking=true'];
  const stdout = await apt(...simulation, 'install', ...packages);
  const names = [...stdout.matchAll(/^Inst (\S+)/gm)].map(([, name]) => name.replace(/:.*/, ''));
  return names.filter((name) => !packages.includes(name) && !KEPT_FROM_SYSTEM.test(name));
}

function runApt(options, args) {
  // As root apt would hand the download to an account that cannot write into our folder.
  const flags = ['--quiet', '-o', 'APT::Sandbox::User=root'];
  return run({ ...options, command: 'apt-get', args: [...flags, ...args], timeoutMs: APT_TIMEOUT_MS });
}

async function run({ name, ...options }) {
  const env = { ...process.env, LC_ALL: 'C' };
  const { ok, outcome, stdout, output } = await runTool({ ...options, env, name: options.command });
  if (ok) return stdout;
  throw new LaunchError(`${options.command} could not provide ${name} (${outcome}): ${lastLines(output)}`);
}

function privateLists(work) {
  const lists = join(work, 'lists');
  const cache = join(work, 'cache');
  mkdirSync(join(lists, 'partial'), { recursive: true });
  mkdirSync(join(cache, 'archives', 'partial'), { recursive: true });
  return ['-o', `Dir::State::Lists=${lists}`, '-o', `Dir::Cache=${cache}`, '-o', 'Debug::NoLocking=true'];
}

/** Another start may have been faster; then its folder is as good as ours. */
function moveInto(unpacked, folder) {
  try {
    renameSync(unpacked, folder);
  } catch (error) {
    if (!['ENOTEMPTY', 'EEXIST'].includes(error.code)) throw error;
  }
}

function programIn(folder, choices) {
  const program = choices.map((choice) => join(folder, choice.program)).find(existsSync);
  if (!program) return null;
  const libraries = [join(folder, 'usr', 'lib'), join(folder, 'lib')]
    .filter(existsSync)
    .flatMap(libraryFolders);
  const path = [...libraries, process.env.LD_LIBRARY_PATH].filter(Boolean).join(':');
  return { command: program, env: { LD_LIBRARY_PATH: path } };
}

/** Debian puts libraries into a folder named after the architecture, such as x86_64-linux-gnu. */
const libraryFolders = (lib) =>
  readdirSync(lib)
    .filter((name) => name.includes('-linux-'))
    .map((name) => join(lib, name));

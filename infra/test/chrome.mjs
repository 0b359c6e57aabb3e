import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { LaunchError } from '../local/launch-error.mjs';
import { lastLines } from '../local/logged.mjs';
import { findOnPath } from '../local/on-path.mjs';
import { say } from '../local/progress.mjs';
import { runTool } from '../local/tool.mjs';

/** The browser without its windows: the same engine for less than half the processor time. */
const SHELLS = ['chromium-headless-shell', 'chrome-headless-shell'];
const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable', 'chrome'];
/** In a distribution that has not the first, the second is the whole browser. */
const DEBIAN_PACKAGES = ['chromium-headless-shell', 'chromium'];
const MAC_PATHS = [
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
];
const ROOT_UID = 0;
const BETTER_BROWSER_MS_MAX = 60_000;
const ANY_BROWSER_MS_MAX = 600_000;

/**
 * The path of a Chromium for the browser tests: CHROME_PATH, an installed one, preferably without windows, or, for root in CI,
 * Debian's. Empty when there is none, which skips those tests and says so; in CI that is a failure.
 */
export async function findChrome(roster) {
  const given = process.env.CHROME_PATH;
  if (given) {
    if (runs(given)) return given;
    throw new LaunchError(`CHROME_PATH is ${given}, which does not run.`);
  }
  const inCi = process.env.CI === 'true';
  const failure = inCi && !installedShell() ? await installFromDebian(roster) : '';
  const found = installedShell() ?? installedBrowser();
  if (found && failure) say(failure);
  if (found) return found;
  const sentence =
    'no Chromium here; install one (Debian: apt-get install chromium-headless-shell) or set CHROME_PATH';
  if (inCi) throw new LaunchError(`The browser tests cannot run: ${sentence}.\n${failure}`);
  say(`\n*** THE BROWSER TESTS ARE SKIPPED: ${sentence}. ***\n`);
  return '';
}

const installedShell = () => firstThatRuns(SHELLS.map(findOnPath));
const installedBrowser = () => firstThatRuns([...NAMES.map(findOnPath), ...MAC_PATHS]);
const firstThatRuns = (paths) => paths.find((path) => path && existsSync(path) && runs(path)) ?? null;

/** On Ubuntu the package is only a pointer to a snap: what counts is that it says its version. */
function runs(path) {
  try {
    return /\d+\.\d+/.test(
      execFileSync(path, ['--version'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }),
    );
  } catch {
    return false; // the next candidate is tried; without any, the sentence above is said
  }
}

/**
 * The first of the packages that can be had; resolves to why none could, or an empty text. Where a whole browser is there it
 * is not waited for long.
 */
async function installFromDebian(roster) {
  if (process.getuid?.() !== ROOT_UID || !findOnPath('apt-get')) return '';
  say('Fetching Chromium from the distribution …');
  const hasBrowser = installedBrowser() !== null;
  const timeoutMs = hasBrowser ? BETTER_BROWSER_MS_MAX : ANY_BROWSER_MS_MAX;
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const apt = async (...args) => {
    const tool = { roster, name: 'apt-get', command: 'apt-get', args, env, timeoutMs };
    const { ok, outcome, output } = await runTool(tool);
    return ok ? '' : `apt-get ${args.join(' ')} failed (${outcome}):\n${lastLines(output)}`;
  };
  const failures = [await apt('update')];
  for (const name of hasBrowser ? DEBIAN_PACKAGES.slice(0, 1) : DEBIAN_PACKAGES) {
    const failure = await apt('install', '--yes', '--no-install-recommends', name);
    if (failure === '') return '';
    failures.push(failure);
  }
  return failures.filter((failure) => failure !== '').join('\n');
}

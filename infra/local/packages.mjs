import { existsSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { LaunchError } from './launch-error.mjs';
import { say, timed } from './progress.mjs';
import { ranks } from './roster.mjs';

/** npm takes its time to undo; whatever it leaves half done, the next installation begins anew. */
const STOP_STEPS = [{ signal: 'SIGTERM', timeoutMs: 2_000 }];

/**
 * Installs what package-lock.json asks for unless it is already there. Install scripts are not run, the same with every
 * npm: npm 12 skips them anyway, esbuild works without its own, and PostgreSQL's links are made by
 * postgres-binaries.mjs.
 */
export async function installPackages({ roster, root, development }) {
  const reason = staleReason(root, development);
  if (!reason) return;
  say(`Installing npm packages (${reason}) …`);
  await timed('npm packages ready', async () => {
    const { command, args } = npmCommand();
    const flags = ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
    if (development) flags.push('--include=dev');
    const options = { cwd: root, env: process.env, stdio: ['ignore', 'inherit', 'inherit'] };
    const npm = await roster
      .start({
        name: 'npm',
        rank: ranks.tool,
        stopSteps: STOP_STEPS,
        command,
        args: [...args, ...flags],
        ...options,
      })
      .catch((error) => {
        if (error.code !== 'ENOENT') throw error;
        throw new LaunchError('npm is not on the PATH; install it, it comes with Node.');
      });
    const { code } = await npm.exited;
    if (code !== 0) throw new LaunchError('npm could not install the packages; what it says stands above.');
  });
}

/** Started by `npm …`, the same npm is asked again; it need not be on the PATH. */
function npmCommand() {
  const cli = process.env.npm_execpath;
  if (cli && basename(cli) === 'npm-cli.js') return { command: process.execPath, args: [cli] };
  return { command: 'npm', args: [] };
}

/**
 * Why an installation is needed, or null. Every locked package must stand in node_modules in its locked version; what
 * is optional (other platforms' binaries) may be missing, what only development needs too when not developing.
 */
export function staleReason(root, development) {
  const modules = join(root, 'node_modules');
  const locked = lockedPackages(join(root, 'package-lock.json'));
  if (!existsSync(join(modules, '.package-lock.json'))) return 'not installed yet';
  const installed = lockedPackages(join(modules, '.package-lock.json'));
  for (const [path, wanted] of Object.entries(locked)) {
    if (path === '' || wanted.link) continue;
    const found = existsSync(join(root, path, 'package.json')) ? installed[path] : undefined;
    const name = path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);
    const dispensable = wanted.optional || wanted.devOptional || (wanted.dev && !development);
    if (!found && !dispensable) return `${name} is missing`;
    if (found && found.version !== wanted.version) return `${name} is not ${wanted.version}`;
  }
  return null;
}

const lockedPackages = (path) => JSON.parse(readFileSync(path, 'utf8')).packages;

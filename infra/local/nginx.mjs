import { readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { accountMay, unprivilegedAccount } from './account.mjs';
import { makeAccountFolder } from './account-folder.mjs';
import { filledIn } from './filled-in.mjs';
import { LaunchError } from './launch-error.mjs';
import { lastLines, readLog, startLogged } from './logged.mjs';
import { NGINX_IS_MISSING, nginxBinary } from './nginx-binary.mjs';
import { isListenedOn } from './ports.mjs';
import { endGroup, endProcess, until } from './processes.mjs';
import { ranks } from './roster.mjs';
import { runTool } from './tool.mjs';

const READY_TIMEOUT_MS = 20_000;
const TEST_TIMEOUT_MS = 20_000;
/** SIGQUIT lets answers under way finish. */
const STOP_STEPS = [
  { signal: 'SIGQUIT', timeoutMs: 3_000 },
  { signal: 'SIGTERM', timeoutMs: 3_000 },
];
const TEMPLATES = ['nginx.conf', 'admit-one.conf'];
const ACCOUNTS = ['www-data', 'nginx', '_www'];

/**
 * Prepares nginx with the configuration of infra/nginx, its names filled in with `values`, in a folder of its own. It
 * runs as an account without rights when root starts it. The result starts it as often as it is asked; it answers once
 * `port` does.
 */
export async function prepareNginx({ roster, root, dataDir, binaries, values, port }) {
  const binary = await nginxBinary({ roster, folder: binaries });
  if (!binary) throw new LaunchError(NGINX_IS_MISSING);
  const account = unprivilegedAccount(ACCOUNTS);
  if (account && !accountMay(account, '[ -x "$1" ]', binary.command)) {
    throw new LaunchError(
      `${account.name} may not run ${binary.command}; install nginx, or set DATA_DIR to a folder that other accounts may enter.`,
    );
  }
  const folder = makeAccountFolder({ dataDir, name: 'nginx', account });
  const config = writeConfig({ root, folder, values });
  const options = {
    command: binary.command,
    args: ['-p', folder, '-c', config],
    cwd: '/',
    env: { PATH: process.env.PATH ?? '/usr/bin:/bin', ...binary.env },
    account,
  };
  await assertConfig({ roster, options });
  return {
    title: `nginx ${binary.version}`,
    start: () => startNginx({ roster, options, port, log: join(dataDir, 'nginx.log') }),
  };
}

/** Fills in the ${NAMES}; nginx's own variables are in small letters. Returns the path of the main file. */
export function writeConfig({ root, folder, values }) {
  const all = { FOLDER: folder, WORKERS: availableParallelism(), ...values };
  for (const name of TEMPLATES) {
    const text = readFileSync(join(root, 'infra', 'nginx', name), 'utf8');
    writeFileSync(join(folder, name), filledIn(text, all, { what: 'infra/nginx', comment: '#' }));
  }
  return join(folder, 'nginx.conf');
}

/** The `server` lines of an upstream. */
export const serverLines = (addresses) =>
  addresses.map((address) => `server ${address} max_fails=0;`).join(' ');

async function assertConfig({ roster, options }) {
  const test = {
    ...options,
    args: [...options.args, '-t', '-q'],
    name: 'nginx -t',
    timeoutMs: TEST_TIMEOUT_MS,
  };
  const { ok, output } = await runTool({ roster, ...test });
  if (!ok) throw new LaunchError(`nginx does not take its configuration:\n${lastLines(output)}`);
}

async function startNginx({ roster, options, port, log }) {
  const running = await startLogged({
    ...{ roster, log, ...options },
    name: 'nginx',
    rank: ranks.proxy,
    stopSteps: STOP_STEPS,
  });
  // Workers outlive a master that was killed, and keep its ports.
  const exited = running.exited.then(async (ended) => {
    await endGroup(running.pid);
    return ended;
  });
  const settled = await until(() => running.ended() || isListenedOn(port), READY_TIMEOUT_MS);
  if (settled === true) return { ...running, exited };
  await endProcess(running, STOP_STEPS);
  throw new LaunchError(`nginx did not start; its log says:\n${lastLines(readLog(log))}`);
}

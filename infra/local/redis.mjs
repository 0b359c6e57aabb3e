import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { LaunchError } from './launch-error.mjs';
import { lastLines, readLog, startLogged } from './logged.mjs';
import { freePort, LOOPBACK } from './ports.mjs';
import { endProcess, until } from './processes.mjs';
import { redisBinary } from './redis-binary.mjs';
import { ranks } from './roster.mjs';

const PASSWORD_BYTES = 24;
const PRIVATE_FOLDER_MODE = 0o700;
const PRIVATE_FILE_MODE = 0o600;
const READY_TIMEOUT_MS = 60_000;
const STOP_STEPS = [{ signal: 'SIGTERM', timeoutMs: 15_000 }];

/**
 * Prepares a Redis (or Valkey) with its append-only file in the data folder. `binaries` is where one fetched from the
 * distribution is kept, for this and every later start. The result starts it on the same port as often as it is asked.
 * `password`: one that several servers share; else it makes its own. `name`: what it is called among processes.
 */
export async function prepareRedis(options) {
  const { roster, dataDir, binaries, settings = {}, password = newPassword(), name = 'Redis' } = options;
  const binary = await redisBinary({ roster, folder: binaries });
  const folder = join(dataDir, 'redis');
  mkdirSync(folder, { recursive: true, mode: PRIVATE_FOLDER_MODE });
  const config = join(folder, 'redis.conf');
  await assertNotServed(folder, config);
  const port = await freePort();
  // Other accounts of this machine reach the port too, and a Redis without a password is theirs to command.
  const log = join(dataDir, 'redis.log');
  const lines = Object.entries({
    bind: LOOPBACK,
    port,
    requirepass: password,
    dir: JSON.stringify(folder),
    daemonize: 'no',
    appendonly: 'yes',
    save: '""',
    'maxmemory-policy': 'noeviction',
    ...settings,
  }).map(([name, value]) => `${name} ${value}\n`);
  writeFileSync(config, lines.join(''), { mode: PRIVATE_FILE_MODE });
  return {
    url: `redis://:${password}@${LOOPBACK}:${port}/0`,
    title: `${binary.name} ${binary.version}`,
    binary,
    folder,
    start: () => startRedis({ roster, name, binary, config, folder, port, password, log }),
  };
}

export const newPassword = () => randomBytes(PASSWORD_BYTES).toString('base64url');

async function startRedis({ roster, name, binary, config, folder, port, password, log }) {
  const running = await startLogged({
    roster,
    log,
    name,
    rank: ranks.store,
    stopSteps: STOP_STEPS,
    command: binary.command,
    args: [asPattern(config)],
    cwd: folder,
    env: { ...process.env, ...binary.env },
  });
  const settled = await until(() => running.ended() || answers(port, password), READY_TIMEOUT_MS);
  if (settled === true) return running;
  await endProcess(running, STOP_STEPS);
  throw new LaunchError(`${name} did not start; its log says:\n${lastLines(readLog(log))}`);
}

/**
 * Redis takes a path with `*`, `?` or `[` in it for a pattern. Where that fits no file it starts all the same, without a
 * password, for everybody who reaches the machine.
 */
const asPattern = (path) => (/[*?[]/.test(path) ? path.replaceAll(/[*?[\]\\]/g, '\\$&') : path);

/** Unlike PostgreSQL, Redis does not notice a second server that writes into the same files. */
async function assertNotServed(folder, config) {
  if (!existsSync(config)) return;
  const text = readFileSync(config, 'utf8');
  const [, port] = /^port (\d+)$/m.exec(text) ?? [];
  const [, password] = /^requirepass (\S+)$/m.exec(text) ?? [];
  if (!port || !password || !(await answers(Number(port), password))) return;
  throw new LaunchError(`A Redis (port ${port}) still runs on ${folder}; end it first.`);
}

/** Whether it takes commands; while it still loads its file it answers with an error instead of PONG. */
function answers(port, password) {
  return new Promise((resolve) => {
    const socket = connect(port, LOOPBACK);
    let reply = '';
    socket.setEncoding('utf8');
    socket.on('connect', () => socket.write(`AUTH ${password}\r\nPING\r\nQUIT\r\n`));
    socket.on('data', (chunk) => {
      reply += chunk;
    });
    socket.on('error', () => resolve(false)); // not listening yet: asked again until the time is over
    socket.on('close', () => resolve(reply.includes('+PONG')));
  });
}

import { dirname, join } from 'node:path';
import { postgresAccount } from './account.mjs';
import { LaunchError } from './launch-error.mjs';
import { lastLines, readLog, startLogged } from './logged.mjs';
import { freePort, LOOPBACK } from './ports.mjs';
import { postgresBinaries } from './postgres-binaries.mjs';
import { openCluster, POSTGRES_DATABASE, POSTGRES_USER, postgresEnvironment } from './postgres-cluster.mjs';
import { correctPidFile, isReady } from './postgres-pid-file.mjs';
import { postgresPlace, rememberedPlace } from './postgres-place.mjs';
import { endProcess, until } from './processes.mjs';
import { ranks } from './roster.mjs';

const READY_TIMEOUT_MS = 60_000;
/** How long the backends of a killed PostgreSQL may take to notice. */
const LEFTOVERS_TIMEOUT_MS = 15_000;
/** Fast shutdown first, then immediate shutdown, which the next start recovers from. */
const STOP_STEPS = [
  { signal: 'SIGINT', timeoutMs: 20_000 },
  { signal: 'SIGQUIT', timeoutMs: 5_000 },
];

/**
 * Prepares a real PostgreSQL: account, binaries, and a cluster that is made once and reused by every later start. It
 * lies in the data folder, or in `throwAway` when nobody will want it again. The result starts it on the same port as
 * often as it is asked.
 */
export async function preparePostgres({ roster, root, dataDir, throwAway = null, settings = {} }) {
  const remembered = throwAway ?? rememberedPlace(dataDir) ?? dataDir;
  const account = postgresAccount(join(remembered, 'postgres', 'cluster'));
  const place = postgresPlace({ dataDir, account });
  const binaries = postgresBinaries({ root, place, account });
  const folder = join(throwAway ?? place, 'postgres');
  const sync = throwAway === null;
  const { cluster, password, version } = await openCluster({ roster, folder, binaries, account, sync });
  const port = await freePort();
  const log = join(dataDir, 'postgres.log');
  return {
    url: `postgres://${POSTGRES_USER}:${password}@${LOOPBACK}:${port}/${POSTGRES_DATABASE}`,
    title: `PostgreSQL ${version}`,
    start: () => startPostgres({ roster, cluster, binaries, account, port, log, settings }),
  };
}

async function startPostgres(options) {
  const deadline = performance.now() + LEFTOVERS_TIMEOUT_MS;
  for (;;) {
    correctPidFile(options.cluster);
    const running = await launch(options);
    const isSettled = () => running.ended() || isReady(options.cluster, running.pid);
    if ((await until(isSettled, READY_TIMEOUT_MS)) === true) return running;
    await endProcess(running, STOP_STEPS);
    const output = readLog(options.log);
    if (/shared memory block .* still in use/.test(output) && performance.now() < deadline) continue;
    throw new LaunchError(
      `PostgreSQL did not start; its log says:\n${lastLines(output)}\nTo begin with an empty database, remove ${dirname(options.cluster)}.`,
    );
  }
}

function launch({ roster, cluster, binaries, account, port, log, settings }) {
  const all = {
    listen_addresses: LOOPBACK,
    port,
    // TCP only: a socket's path may not be longer than 104 bytes on macOS, and the data folder's name is not ours.
    unix_socket_directories: '',
    timezone: 'UTC',
    log_timezone: 'UTC',
    ...settings,
  };
  return startLogged({
    roster,
    log,
    name: 'PostgreSQL',
    rank: ranks.store,
    stopSteps: STOP_STEPS,
    command: join(binaries, 'bin', 'postgres'),
    args: ['-D', cluster, ...Object.entries(all).flatMap(([name, value]) => ['-c', `${name}=${value}`])],
    cwd: '/',
    env: postgresEnvironment(),
    account,
  });
}

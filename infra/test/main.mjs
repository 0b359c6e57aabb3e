import { join, resolve } from 'node:path';
import { buildServices } from '../local/built-services.mjs';
import { describeFailure } from '../local/launch-error.mjs';
import { installPackages } from '../local/packages.mjs';
import { whenNpmIsGone } from '../local/parent.mjs';
import { preparePostgres } from '../local/postgres.mjs';
import { say, timed } from '../local/progress.mjs';
import { prepareRedis } from '../local/redis.mjs';
import { prepareRedisCluster } from '../local/redis-cluster.mjs';
import { createRoster } from '../local/roster.mjs';
import { checkStyleAndTypes } from './checks.mjs';
import { findChrome } from './chrome.mjs';
import { findNginx } from './nginx.mjs';
import { findPgbouncer } from './pgbouncer.mjs';
import { makeRunFolders } from './run-folders.mjs';
import { runVitest } from './vitest.mjs';

const POSTGRES_SETTINGS = {
  max_connections: 300,
  shared_buffers: '256MB',
  max_wal_size: '256MB',
  // Counts what the services ask, for the tests that say how little it is.
  shared_preload_libraries: 'pg_stat_statements',
};
const CLUSTER_TESTS = [
  ...['gateway/queue', 'gateway/admission', 'gateway/lobby', 'gateway/recovery'],
  'infra/journeys/redis-failover',
];
/** Every test file takes a database number of its own. */
const REDIS_SETTINGS = { databases: 4096 };

/**
 * Packages, style, types, real servers, tests: everything `npm test` does, style and types only if they are asked for.
 * Resolves to the exit code.
 */
export async function main({ root, args, cluster = false, checked = true }) {
  const folders = await makeRunFolders();
  const roster = createRoster({ onChange: folders.record });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => roster.endAll());
  whenNpmIsGone(() => roster.endAll());
  try {
    const run = cluster ? testOnCluster : checkEverything;
    return await run({ roster, root, args, checked, ...folders });
  } catch (error) {
    if (!roster.isEnding()) process.stderr.write(`${describeFailure(error)}\n`);
    return 1;
  } finally {
    await roster.endAll();
    folders.remove();
  }
}

async function checkEverything({ roster, root, args, checked, folder, databaseFolder }) {
  await installPackages({ roster, root, development: true });
  const servicesFolder = join(folder, 'services');
  const [checksPassed, { stores, chromePath, nginxBinaries, pgbouncerBinaries }] = await Promise.all([
    !checked || checkStyleAndTypes({ roster, root }),
    findEverything({ roster, root, folder, databaseFolder }),
    buildServices({ root, folder: servicesFolder }),
  ]);
  // Temporary files of the tests lie in the run's own folder and go with it, even those of a test that was killed.
  const env = {
    ...stores,
    TEST_SERVICES_FOLDER: servicesFolder,
    CHROME_PATH: chromePath,
    TEST_NGINX_BINARIES: nginxBinaries,
    TEST_PGBOUNCER_BINARIES: pgbouncerBinaries,
    TMPDIR: folder,
  };
  const { passed, numbers } = await runVitest({ roster, root, args, folder, env });
  if (!checksPassed) say('Style or types have faults; they stand above the tests.');
  if (!chromePath) say('*** THE BROWSER TESTS WERE SKIPPED; the reason stands above the tests. ***');
  if (!nginxBinaries) say('*** THE TESTS BEHIND NGINX WERE SKIPPED; the reason stands above the tests. ***');
  if (!pgbouncerBinaries)
    say('*** THE TESTS BEHIND PGBOUNCER WERE SKIPPED; the reason stands above the tests. ***');
  say(numbers);
  return checksPassed && passed ? 0 : 1;
}

/** What the tests need beside packages, one after another: the distribution's own tool, which fetches most of it, does not like company. */
async function findEverything({ roster, root, folder, databaseFolder }) {
  const stores = await startStores({ roster, root, folder, throwAway: databaseFolder });
  const chromePath = await findChrome(roster);
  const nginxBinaries = await findNginx({ roster, root });
  const pgbouncerBinaries = await findPgbouncer({ roster, root });
  return { stores, chromePath, nginxBinaries, pgbouncerBinaries };
}

/** The queue's tests, unchanged, on a Redis Cluster; one file after another, for its nodes have no database numbers. */
async function testOnCluster({ roster, root, args, folder, databaseFolder }) {
  await installPackages({ roster, root, development: true });
  const [stores, clusterUrl] = await Promise.all([
    startStores({ roster, root, folder, throwAway: databaseFolder }),
    timed('A Redis Cluster of three masters ready', () => startCluster({ roster, root, folder })),
  ]);
  const env = { ...stores, TEST_REDIS_CLUSTER_URL: clusterUrl, TMPDIR: folder };
  const files = args.length > 0 ? args : CLUSTER_TESTS;
  const { passed, numbers } = await runVitest({
    roster,
    root,
    args: ['--no-file-parallelism', ...files],
    folder,
    env,
  });
  say(numbers);
  return passed ? 0 : 1;
}

async function startCluster({ roster, root, folder }) {
  const cluster = await prepareRedisCluster({ roster, dataDir: folder, binaries: binariesOf(root) });
  for (const node of cluster.nodes) await node.start();
  await cluster.form();
  return cluster.url;
}

const binariesOf = (root) => resolve(root, process.env.DATA_DIR || '.data', 'redis-server');

/** Servers of our own in folders that are thrown away: nothing of a running `npm start` is touched. */
async function startStores({ roster, root, folder, throwAway }) {
  const binaries = binariesOf(root);
  const [postgres, redis] = await Promise.all([
    preparePostgres({ roster, root, dataDir: folder, throwAway, settings: POSTGRES_SETTINGS }),
    prepareRedis({ roster, dataDir: folder, binaries, settings: REDIS_SETTINGS }),
  ]);
  await timed(`${postgres.title} and ${redis.title} ready`, () =>
    Promise.all([postgres.start(), redis.start()]),
  );
  return { TEST_POSTGRES_URL: postgres.url, TEST_REDIS_URL: redis.url, TEST_REDIS_BINARIES: binaries };
}

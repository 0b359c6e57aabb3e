import { join, resolve } from 'node:path';
import { buildServices } from '../local/built-services.mjs';
import { describeFailure } from '../local/launch-error.mjs';
import { installPackages } from '../local/packages.mjs';
import { whenNpmIsGone } from '../local/parent.mjs';
import { assertPortFree } from '../local/ports.mjs';
import { say, timed } from '../local/progress.mjs';
import { createRoster } from '../local/roster.mjs';
import { keptSecrets } from '../local/secrets.mjs';
import { announce } from './announcement.mjs';
import { takeDataFolder } from './data-folder.mjs';
import { openPooler } from './pooler.mjs';
import { openProxy } from './proxy.mjs';
import { createRestartBudget, keepRunning } from './restarts.mjs';
import { createRoller, ROLL_SIGNAL } from './roll.mjs';
import { shopToRemember } from './running-shop.mjs';
import { runScript, services } from './services.mjs';
import { readSettings, serviceEnvironment } from './settings.mjs';
import { openStores } from './stores.mjs';

const STOP_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'];

/**
 * `npm start`: everything up, until Ctrl-C. Resolves to the exit code: 0 after SIGINT, SIGTERM or SIGHUP, 1 when
 * something could not be started or would not stay up. Either way everything that was started has ended by then.
 * `scaled`: several of each service, behind nginx. `scripts`: what is run instead of the services.
 */
export async function main({ root, env = process.env, scripts = null, scaled = false }) {
  // Whoever read along may be gone (a closed terminal, `| head`): no reason to leave processes behind.
  process.stdout.on('error', () => {});
  let folder = null;
  const roster = createRoster({ onChange: (running) => folder?.record(running) });
  const stopped = new Promise((resolve) => {
    const stop = () => {
      // Ctrl-C often arrives twice, from the terminal and from npm; once is meant.
      if (!roster.isEnding()) say('\nStopping …');
      resolve(roster.endAll());
    };
    for (const signal of STOP_SIGNALS) process.on(signal, stop);
    whenNpmIsGone(stop);
  });
  try {
    const settings = await readSettings(env, { scaled });
    const dataDir = resolve(root, env.DATA_DIR || '.data');
    folder = await takeDataFolder(dataDir);
    const { failed, roll } = await startEverything({
      ...{ roster, folder, root, env, scripts, settings, dataDir },
    });
    process.on(ROLL_SIGNAL, roll);
    await Promise.race([stopped, failed]);
    return 0;
  } catch (error) {
    if (roster.isEnding()) return 0;
    process.stderr.write(`${describeFailure(error)}\n`);
    return 1;
  } finally {
    const wasStopped = roster.isEnding();
    await roster.endAll();
    folder?.release();
    if (wasStopped) say('Stopped.');
  }
}

/** Resolves when all is ready: `failed` rejects if it does not stay so, `roll` replaces the services one after another. */
async function startEverything({ roster, folder, root, env, scripts: standIns, settings, dataDir }) {
  const startedAt = performance.now();
  for (const address of settings.taken) await assertPortFree(address);
  await installPackages({ roster, root, development: false });

  const budget = createRestartBudget();
  let giveUp;
  const failed = new Promise((_, reject) => {
    giveUp = reject;
  });
  // It may fail before anybody waits for it; whoever waits later still hears of it.
  failed.catch(() => {});
  const urls = await openStores({
    ...{ roster, budget, giveUp, root, dataDir, env },
    redisCluster: settings.redisCluster,
  });
  const pooler = settings.pooler
    ? await openPooler({ roster, budget, giveUp, root, dataDir, settings, databaseUrl: urls.databaseUrl })
    : null;
  const build = () => buildServices({ root, folder: join(dataDir, 'services') });
  const scripts = standIns ?? (await build());
  const secrets = keptSecrets({ dataDir, env });
  const serviceEnv = serviceEnvironment({ env, settings, secrets, dataDir, ...urls, pooler });
  const run = (script) => runScript({ roster, root, env: serviceEnv, script });
  await timed('Database migrated, demo concert in place', async () => {
    for (const script of [scripts.migrate, scripts.seed]) await run(script);
  });
  if (settings.proxy) {
    const proxy = await openProxy({ roster, root, dataDir, settings });
    await timed(`${proxy.title} ready`, () =>
      keepRunning({ what: 'nginx', start: proxy.start, roster, budget, giveUp }),
    );
  }
  const kept = await timed('Gateway, booking service and worker ready', () =>
    Promise.all(
      services({ roster, root, env: serviceEnv, settings, scripts }).map((service) =>
        keepRunning({ ...service, roster, budget, giveUp }),
      ),
    ),
  );
  folder.describe(shopToRemember({ env, settings, ...urls }));
  const roll = createRoller({
    kept,
    prepare: async () => {
      if (!standIns) await build();
      await run(scripts.migrate);
      await pooler?.renew();
    },
    tell: folder.tellRoll,
    isEnding: roster.isEnding,
  });
  announce({ settings, env: serviceEnv, tookMs: performance.now() - startedAt });
  return { failed, roll };
}

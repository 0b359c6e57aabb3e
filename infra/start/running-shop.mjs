import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { processIdentity } from '../local/processes.mjs';

/** What is written down of a shop that runs: nothing that the environment set, which may be a secret of somebody's. */
export function shopToRemember({ env, settings, databaseUrl, redisUrl }) {
  return {
    // Where fans come: with start:scaled that is nginx.
    gatewayUrl: settings.publicUrl,
    gatewayUrls: settings.proxy ? [settings.publicUrl] : settings.gatewayUrls,
    gatewaysBehind: settings.proxy ? settings.gatewayUrls.length : 1,
    ...(env.DATABASE_URL ? {} : { databaseUrl }),
    ...(env.REDIS_URL ? {} : { redisUrl }),
  };
}

/**
 * Where the shop is that a tool is to look at: what the environment says, completed by what `npm start` has left in its
 * data folder while it runs. What neither says is null. `gatewayUrl` comes from GATEWAY_URL; `gatewayUrls` are all that fans
 * may ask, of several gateways with no nginx in front of them each one's, `gatewaysBehind` how many there are at each; `running`
 * tells whether a launcher runs there, `launcher` which, and how far its last roll is (roll.mjs), and `processes` what it keeps
 * running, if that is the shop that is meant.
 */
export function findRunningShop({ root, env = process.env }) {
  const dataDir = resolve(root, env.DATA_DIR || '.data');
  const launcher = runningLauncher(dataDir);
  const left = launcher?.shop ?? null;
  const secrets = left ? (readJson(join(dataDir, 'secrets.json')) ?? {}) : {};
  const [firstNamed] = (env.ORGANISER_KEYS || '').split(',');
  return {
    dataDir,
    running: left !== null,
    gatewayUrl: env.GATEWAY_URL || left?.gatewayUrl || null,
    gatewayUrls: env.GATEWAY_URL ? [env.GATEWAY_URL] : (left?.gatewayUrls ?? []),
    gatewaysBehind:
      !env.GATEWAY_URL || left?.gatewayUrls?.includes(env.GATEWAY_URL)
        ? (left?.gatewaysBehind ?? null)
        : null,
    // Past a pooler: tools read in long transactions, and with settings of their own.
    databaseUrl: env.DATABASE_DIRECT_URL || env.DATABASE_URL || left?.databaseUrl || null,
    redisUrl: env.REDIS_URL || left?.redisUrl || null,
    organiserKey:
      env.ORGANISER_KEY || firstNamed.split(':').slice(1).join(':') || secrets.ORGANISER_KEY || null,
    launcher: launcher && { pid: launcher.pid, roll: launcher.roll ?? null },
    processes: left ? launcher.processes.map(({ name, pid }) => ({ name, pid })) : [],
  };
}

/** Null when nothing runs there; a launcher that was killed leaves its file behind. */
function runningLauncher(dataDir) {
  const found = readJson(join(dataDir, 'launcher.json'));
  if (!found?.pid || processIdentity(found.pid) !== found.identity) return null;
  return found;
}

/** Null when there is no such file; an unreadable one is said to be so. */
function readJson(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    // Half a file is one that is being made.
    if (error.code === 'ENOENT' || error instanceof SyntaxError) return null;
    throw error;
  }
}

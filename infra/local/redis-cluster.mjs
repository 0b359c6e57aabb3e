import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { LaunchError } from './launch-error.mjs';
import { freePort, LOOPBACK } from './ports.mjs';
import { until } from './processes.mjs';
import { newPassword, prepareRedis } from './redis.mjs';

const MASTERS = 3;
const SLOTS = 16_384;
const PRIVATE_FILE_MODE = 0o600;
/**
 * Of a master that is lost the others say so after this time, and a second or two later its replica has taken over: with what
 * gateways wait for after that, turns flow again within 10 s. Shorter, and a busy machine's pauses would be failovers.
 */
const NODE_TIMEOUT_MS = 2_000;
const FORMED_TIMEOUT_MS = 60_000;

/**
 * Prepares a Redis (or Valkey) Cluster of three masters, and as many replicas of each, as local processes whose data lie in the
 * data folder. Each node starts on the same port as often as it is asked; `form`, once all of them run, makes them one
 * cluster, or the one again that they were. The ports are others at each start of the whole: nodes know each other by their ids.
 */
export async function prepareRedisCluster({ roster, dataDir, binaries, replicas = 0, settings = {} }) {
  const folder = join(dataDir, 'redis-cluster');
  const mark = join(folder, 'formed');
  // One that was ended in the middle of being formed has never been used.
  if (!existsSync(mark)) rmSync(folder, { recursive: true, force: true });
  const password = newPassword();
  const nodes = [];
  for (let index = 0; index < MASTERS * (1 + replicas); index += 1) {
    const busPort = await freePort();
    const what = `Redis node ${index + 1}`;
    const redis = await prepareRedis({
      roster,
      name: what,
      dataDir: join(folder, `node-${index + 1}`),
      binaries,
      password,
      settings: {
        masterauth: password,
        'cluster-enabled': 'yes',
        'cluster-port': busPort,
        'cluster-node-timeout': NODE_TIMEOUT_MS,
        // A sale whose master is lost waits; the others have nothing to do with it.
        'cluster-require-full-coverage': 'no',
        // What a replica has missed for a moment is told from the master's memory, not copied as a whole.
        'repl-backlog-size': '16mb',
        'repl-diskless-sync-delay': 0,
        ...settings,
      },
    });
    const url = redis.url.replace(/\/0$/, '');
    nodes.push({ what, url, folder: redis.folder, title: redis.title, start: redis.start, busPort });
  }
  const [{ title }] = nodes;
  return {
    url: nodes.map(({ url }) => url).join(','),
    title: `${title}, a cluster of ${nodes.length} nodes,`,
    nodes,
    form: async () => {
      await form({ nodes, replicas, folder, isNew: !existsSync(mark) });
      writeFileSync(mark, '', { mode: PRIVATE_FILE_MODE });
    },
  };
}

async function form({ nodes, replicas, folder, isNew }) {
  // Packages are installed only now.
  const { Redis } = await import('ioredis');
  const clients = nodes.map(({ url }) => new Redis(url));
  try {
    if (isNew) await giveOutSlots(clients);
    await Promise.all(clients.map((client, index) => meetOthers(client, index, nodes)));
    const isWhole = async () =>
      (await Promise.all(clients.map((each) => knowsAll(each, nodes)))).every(Boolean);
    if (!(await until(isWhole, FORMED_TIMEOUT_MS))) throw notFormed(folder, 'do not find each other');
    if (isNew) await giveReplicas(clients);
    const isReady = async () =>
      (await Promise.all(clients.map((each) => serves(each, replicas)))).every(Boolean);
    if (!(await until(isReady, FORMED_TIMEOUT_MS))) throw notFormed(folder, 'do not serve all slots');
  } finally {
    for (const client of clients) client.disconnect();
  }
}

async function giveOutSlots(clients) {
  const share = Math.ceil(SLOTS / MASTERS);
  for (const [index, master] of clients.slice(0, MASTERS).entries()) {
    const last = Math.min(SLOTS, (index + 1) * share) - 1;
    await master.call('CLUSTER', 'ADDSLOTSRANGE', index * share, last);
    await master.call('CLUSTER', 'SET-CONFIG-EPOCH', index + 1);
  }
}

/** Who is known already is so told where each is now. */
async function meetOthers(client, index, nodes) {
  for (const [other, { url, busPort }] of nodes.entries())
    if (other !== index) await client.call('CLUSTER', 'MEET', LOOPBACK, new URL(url).port, busPort);
}

async function giveReplicas(clients) {
  const ids = await Promise.all(clients.map((client) => client.call('CLUSTER', 'MYID')));
  for (const [index, replica] of clients.entries())
    if (index >= MASTERS) await replica.call('CLUSTER', 'REPLICATE', ids[index % MASTERS]);
}

/** Whether it is connected to every other node, under the address that each has now. */
async function knowsAll(client, nodes) {
  const known = (await linesOf(client)).map((line) => line.split(' '));
  const reached = known.filter(
    ([, , flags, , , , , link]) => link === 'connected' && !/fail|handshake|noaddr/.test(flags),
  );
  const addresses = new Set(reached.map(([, address]) => address.split('@')[0]));
  return known.length === nodes.length && nodes.every(({ url }) => addresses.has(new URL(url).host));
}

/** Whether all slots are served as it sees it, and it is itself a master with its replicas at its side, or a replica that follows. */
async function serves(client, replicas) {
  const [state, replication] = await Promise.all([
    client.call('CLUSTER', 'INFO'),
    client.info('replication'),
  ]);
  if (!/cluster_state:ok/.test(state) || !state.includes(`cluster_slots_ok:${SLOTS}`)) return false;
  if (/role:slave/.test(replication)) return /master_link_status:up/.test(replication);
  const following = Number(/connected_slaves:(\d+)/.exec(replication)?.[1]);
  return following >= Math.min(replicas, 1) || (await holdsNoSlots(client));
}

async function holdsNoSlots(client) {
  const own = (await linesOf(client)).find((line) => line.includes('myself'));
  return own.trim().split(' ').length <= 8;
}

const linesOf = async (client) =>
  String(await client.call('CLUSTER', 'NODES'))
    .trim()
    .split('\n');

const notFormed = (folder, why) =>
  new LaunchError(
    `The nodes of the Redis Cluster in ${folder} ${why} (waited ${FORMED_TIMEOUT_MS / 1_000} s; each has a log beside its folder). Start again; if that does not help remove the folder: gateways and the fans' tickets bring the places back. Or set REDIS_CLUSTER=off.`,
  );

import { join } from 'node:path';
import { freePort, LOOPBACK } from '../local/ports.mjs';
import { until } from '../local/processes.mjs';
import { newPassword, prepareRedis } from '../local/redis.mjs';

const MASTERS = 3;
const SLOTS = 16_384;
const FORMED_TIMEOUT_MS = 30_000;

/** A Redis Cluster of three masters as local processes; resolves to its URL, as REDIS_URL names one. */
export async function startCluster({ roster, folder, binaries }) {
  const password = newPassword();
  const urls = [];
  const ports = [];
  for (let index = 0; index < MASTERS; index += 1) {
    const busPort = await freePort();
    const redis = await prepareRedis({
      roster,
      dataDir: join(folder, `cluster-${index + 1}`),
      binaries,
      password,
      settings: { 'cluster-enabled': 'yes', 'cluster-port': busPort, 'cluster-node-timeout': 2_000 },
    });
    await redis.start();
    urls.push(redis.url.replace(/\/0$/, ''));
    ports.push({ port: new URL(redis.url).port, busPort });
  }
  await formCluster(urls, ports);
  return urls.join(',');
}

async function formCluster(urls, ports) {
  // Packages are installed only now.
  const { Redis } = await import('ioredis');
  const nodes = urls.map((url) => new Redis(url));
  try {
    const share = Math.ceil(SLOTS / MASTERS);
    for (const [index, node] of nodes.entries()) {
      const last = Math.min(SLOTS, (index + 1) * share) - 1;
      await node.call('CLUSTER', 'ADDSLOTSRANGE', index * share, last);
      await node.call('CLUSTER', 'SET-CONFIG-EPOCH', index + 1);
    }
    for (const { port, busPort } of ports.slice(1)) {
      await nodes[0].call('CLUSTER', 'MEET', LOOPBACK, port, busPort);
    }
    const isFormed = async (node) => {
      const info = String(await node.call('CLUSTER', 'INFO'));
      return info.includes('cluster_state:ok') && info.includes(`cluster_known_nodes:${MASTERS}`);
    };
    const allFormed = async () => (await Promise.all(nodes.map(isFormed))).every(Boolean);
    if (!(await until(allFormed, FORMED_TIMEOUT_MS))) throw new Error('The Redis Cluster did not form.');
  } finally {
    for (const node of nodes) node.disconnect();
  }
}

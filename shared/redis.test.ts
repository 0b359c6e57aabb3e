import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { Redis } from 'ioredis';
import { expect, test } from 'vitest';
import { freePort } from '../infra/local/ports.mjs';
import { ownRedis } from '../infra/testing/redis-server.ts';
import { envVariables } from './env.ts';
import { isClusterUrl } from './redis.ts';

test('several URLs, or one with ?cluster, name a cluster', () => {
  expect(isClusterUrl('redis://127.0.0.1:6379/0')).toBe(false);
  expect(isClusterUrl('redis://a:1,redis://b:2')).toBe(true);
  expect(isClusterUrl('rediss://:secret@a:1?cluster')).toBe(true);
});

test('REDIS_URL takes the URLs of one server or of several, and nothing else', () => {
  const accepted = (text: string) => envVariables.REDIS_URL.safeParse(text).success;
  expect(accepted('redis://:secret@127.0.0.1:6379/0')).toBe(true);
  expect(accepted('redis://127.0.0.1:7001,redis://127.0.0.1:7002')).toBe(true);
  expect(accepted('redis://127.0.0.1:7001,http://127.0.0.1:7002')).toBe(false);
  expect(accepted('redis://127.0.0.1:7001,')).toBe(false);
  expect(accepted('')).toBe(false);
});

/** A cluster's client that is let go in the middle of a look for its nodes, which comes twice a second. */
const letGo = `
  import { connectToAll, openRedis } from './shared/redis.ts';
  const cluster = openRedis(process.env.CLUSTER_URL, { lazyConnect: true, commandTimeout: 500 });
  cluster.on('error', () => undefined);
  await connectToAll(cluster);
  const untilItLooks = () => (cluster.isRefreshing ? cluster.disconnect() : setImmediate(untilItLooks));
  untilItLooks();`;

test('a process that lets its cluster go ends, also while it looks for the nodes', async () => {
  // Otherwise its nodes would talk at its own port and 10,000, which may be anybody's.
  const bus = { 'cluster-port': String(await freePort()) };
  const redis = await ownRedis({ 'cluster-enabled': 'yes', 'cluster-announce-ip': '127.0.0.1', ...bus });
  try {
    const node = new Redis(redis.url);
    await node.call('CLUSTER', 'ADDSLOTSRANGE', '0', '16383');
    await expect.poll(() => node.cluster('INFO')).toContain('cluster_state:ok');
    node.disconnect();
    const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '--eval', letGo], {
      cwd: fileURLToPath(new URL('../', import.meta.url)),
      env: { PATH: process.env.PATH, CLUSTER_URL: `${redis.url}?cluster` },
      stdio: 'inherit',
      timeout: 15_000,
    });
    expect(await once(child, 'close')).toEqual([0, null]);
  } finally {
    await redis.stop();
  }
});

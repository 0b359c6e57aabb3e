import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { connectToAll, openRedis } from '#shared/redis.ts';
import { endProcess, type RunningProcess } from './processes.mjs';
import { prepareRedisCluster } from './redis-cluster.mjs';
import { createRoster } from './roster.mjs';

/** In as many slots, on every master. */
const KEYS = 60;
const TEST_MS_MAX = 120_000;
const binaries = process.env.TEST_REDIS_BINARIES ?? '';

let dataDir: string;
beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'admit-one-cluster-'));
});
afterAll(() => rm(dataDir, { recursive: true, force: true }));

/** Starts it as a start of the shop does: with everything anew but the data folder. */
async function start() {
  const roster = createRoster({ detached: false });
  const cluster = await prepareRedisCluster({ roster, dataDir, binaries, replicas: 1 });
  const running: RunningProcess[] = await Promise.all(cluster.nodes.map((node) => node.start()));
  await cluster.form();
  return { ...cluster, running, end: roster.endAll };
}

async function withClient<Result>(
  url: string,
  work: (redis: ReturnType<typeof openRedis>) => Promise<Result>,
) {
  const redis = openRedis(url, { lazyConnect: true });
  try {
    await connectToAll(redis);
    return await work(redis);
  } finally {
    redis.disconnect();
  }
}

const names = Array.from({ length: KEYS }, (_, i) => `{${i}}:key`);
const readAll = (url: string) =>
  withClient(url, (redis) => Promise.all(names.map((name) => redis.get(name))));

test(
  'a cluster is formed once, and is the same one with its data after an end and after the death of all its nodes, on other ports',
  async () => {
    const first = await start();
    expect(first.nodes).toHaveLength(6);
    await withClient(first.url, (redis) => Promise.all(names.map((name) => redis.set(name, name))));
    await first.end();
    const second = await start();
    expect(new Set([...first.url.split(','), ...second.url.split(',')]).size).toBe(12);
    expect(await readAll(second.url)).toEqual(names);
    await Promise.all(second.running.map((node) => endProcess(node, [])));
    const third = await start();
    expect(await readAll(third.url)).toEqual(names);
    await third.end();
  },
  TEST_MS_MAX,
);

test(
  'one that was ended in the middle of being formed is formed anew',
  async () => {
    await rm(join(dataDir, 'redis-cluster', 'formed'));
    const first = await start();
    expect(await readAll(first.url)).toEqual(names.map(() => null));
    await first.end();
  },
  TEST_MS_MAX,
);

import { expect, test } from 'vitest';
import { readSettings } from './settings.mjs';

const ports = { PORT: '0', BOOKING_PORT: '0' };

test('a shop behind nginx stands on a Redis Cluster, and one without on one Redis, if nothing else is said', async () => {
  const isCluster = async (env: Record<string, string>, scaled: boolean) =>
    (await readSettings({ ...ports, ...env }, { scaled })).redisCluster;
  expect(await isCluster({}, true)).toBe(true);
  expect(await isCluster({ REDIS_CLUSTER: 'off' }, true)).toBe(false);
  expect(await isCluster({}, false)).toBe(false);
  expect(await isCluster({ REDIS_CLUSTER: 'on' }, false)).toBe(true);
});

test('REDIS_CLUSTER is on or off', async () => {
  await expect(readSettings({ ...ports, REDIS_CLUSTER: 'yes' }, { scaled: true })).rejects.toThrow(
    'REDIS_CLUSTER is "yes"; it must be on or off.',
  );
});

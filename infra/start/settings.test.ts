import { expect, test } from 'vitest';
import { BLOCKED_PORTS, readSettings } from './settings.mjs';

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

test.each(['PORT', 'BOOKING_PORT'])(
  'a %s that no browser and no fetch asks is refused at once',
  async (name) => {
    for (const scaled of [false, true])
      await expect(readSettings({ ...ports, [name]: '6000' }, { scaled })).rejects.toThrow(
        `${name} is 6000, a port that browsers and fetch refuse to ask; another must be chosen.`,
      );
    // What the launcher asks itself says which those are.
    const refusalOf = (port: number) =>
      fetch(`http://127.0.0.1:${port}`).then(
        () => '',
        (error: Error) => String((error.cause as Error).message),
      );
    for (const port of BLOCKED_PORTS) {
      expect(await refusalOf(port), String(port)).toBe('bad port');
      await expect(readSettings({ ...ports, [name]: String(port) })).rejects.toThrow(name);
    }
  },
);

test('more gateways stand on the ports from PORT upwards that can be asked', async () => {
  const { gatewayPorts } = await readSettings({ PORT: '6664', BOOKING_PORT: '6670', GATEWAY_PROCESSES: '3' });
  expect(gatewayPorts).toEqual([6664, 6671, 6672]);
});

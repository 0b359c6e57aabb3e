import { Redis } from 'ioredis';
import { expect, onTestFinished, test } from 'vitest';
import { ownRedis } from '../../infra/testing/redis-server.ts';
import { silentLog } from '../testing/queue-fixture.ts';
import { connectRedis } from './client.ts';

const KEYS = 10_000;
/** Microseconds for each of them: the file takes 6 s to read, longer than a start may wait. */
const LOAD_DELAY = 600;
const LOADED_MS_MAX = 20_000;
const BACK_MS_MAX = 2_000;

test('a gateway that starts while Redis reads its file does not wait for that; it and one that ran are back soon after', async () => {
  const redis = await ownRedis({ 'key-load-delay': LOAD_DELAY });
  onTestFinished(() => redis.stop());
  const running = await connectRedis(redis.url, silentLog);
  onTestFinished(() => running.disconnect());
  const keys = running.multi();
  for (let i = 0; i < KEYS; i += 1) keys.set(`key-${i}`, 'x');
  await keys.exec();
  await redis.kill();
  const isThere = redis.start();
  const probe = new Redis(redis.url, { enableReadyCheck: false, retryStrategy: () => 50 });
  probe.on('error', () => undefined);
  onTestFinished(() => probe.disconnect());
  const isLoading = async () => /^loading:1/m.test(await probe.info('persistence'));
  await expect.poll(isLoading, { timeout: LOADED_MS_MAX }).toBe(true);
  const starting = await connectRedis(redis.url, silentLog);
  onTestFinished(() => starting.disconnect());
  expect(await isLoading()).toBe(true);
  await expect.poll(isLoading, { timeout: LOADED_MS_MAX }).toBe(false);
  const bothReady = () => [running.status, starting.status];
  await expect.poll(bothReady, { timeout: BACK_MS_MAX }).toEqual(['ready', 'ready']);
  await isThere;
});

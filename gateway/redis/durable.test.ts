import { setTimeout as delay } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { expect, onTestFinished, test } from 'vitest';
import { EnvError } from '#shared/env.ts';
import { freePort, LOOPBACK } from '../../infra/local/ports.mjs';
import { ownRedis } from '../../infra/testing/redis-server.ts';
import { silentLog } from '../testing/queue-fixture.ts';
import { connectRedis } from './client.ts';
import { refuseForgetfulRedis } from './durable.ts';

const KEYS = 20_000;
/** Microseconds for each of them: all take longer than a gateway waits for a Redis that reads its file. */
const LOAD_DELAY = 150;
const LOOK_MS = 20;

test('a Redis that still reads its file is away; it says of itself that it keeps none', async () => {
  const redis = await ownRedis({ 'key-load-delay': LOAD_DELAY });
  onTestFinished(() => redis.stop());
  const writer = new Redis(redis.url);
  const many = writer.pipeline();
  for (let i = 0; i < KEYS; i += 1) many.set(`key-${i}`, 'x');
  await many.exec();
  writer.disconnect();
  await redis.kill();
  let isUp = false;
  const starting = redis.start().then(() => {
    isUp = true;
  });
  const client = await connectRedis(redis.url, silentLog);
  onTestFinished(() => client.disconnect());
  const whys = new Set<string>();
  while (!isUp) {
    whys.add(await refuseForgetfulRedis(client).then(() => 'well', String));
    await delay(LOOK_MS);
  }
  await starting;
  expect(whys).toContain('Error: Redis still reads its file');
  expect([...whys].filter((why) => why.includes('appendonly'))).toEqual([]);
  await expect.poll(() => refuseForgetfulRedis(client).catch(String)).toBeUndefined();
});

test('a Redis Cluster of which no node answers is away', async () => {
  const urls = [await freePort(), await freePort()].map((port) => `redis://${LOOPBACK}:${port}`);
  const client = await connectRedis(urls.join(), silentLog);
  onTestFinished(() => client.disconnect());
  await expect(refuseForgetfulRedis(client)).rejects.not.toBeInstanceOf(EnvError);
});

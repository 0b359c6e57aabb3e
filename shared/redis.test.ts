import { expect, test } from 'vitest';
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

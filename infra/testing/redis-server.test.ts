import { Redis } from 'ioredis';
import { expect, test } from 'vitest';
import { ownRedis } from './redis-server.ts';

test('a killed Redis comes back at the same address with what it had written', async () => {
  const server = await ownRedis({ appendfsync: 'always' });
  try {
    const before = new Redis(server.url, { retryStrategy: null });
    before.on('error', () => {}); // the cut is what this test is about
    await before.set('key', 'kept');
    await server.kill();
    await expect(before.get('key')).rejects.toThrow();
    await server.start();
    const after = new Redis(server.url);
    expect(await after.get('key')).toBe('kept');
    expect(await after.config('GET', 'maxmemory-policy')).toContain('noeviction');
    after.disconnect();
  } finally {
    await server.stop();
  }
});

import { expect, test } from 'vitest';
import { freePort } from './ports.mjs';

test('a port is handed out once: several servers are prepared before the first of them listens', async () => {
  const ports = await Promise.all(Array.from({ length: 500 }, () => freePort()));
  expect(new Set(ports).size).toBe(500);
});

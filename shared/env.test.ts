import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { EnvError, envVariables, readEnv } from './env.ts';

const { PORT, REDIS_URL, INTERNAL_SECRET } = envVariables;
const Env = z.object({ PORT, REDIS_URL, INTERNAL_SECRET });
const complete = { REDIS_URL: 'redis://127.0.0.1:6379', INTERNAL_SECRET: 's'.repeat(32) };

test('all faults are reported at once, each by its variable', () => {
  const read = () => readEnv(Env, [], { PORT: 'eighty', REDIS_URL: 'http://x', INTERNAL_SECRET: 'short' });
  expect(read).toThrow(EnvError);
  for (const name of ['PORT', 'REDIS_URL', 'INTERNAL_SECRET']) expect(read).toThrow(name);
});

test('a variable set to nothing is not set', () => {
  expect(readEnv(Env, [], { ...complete, PORT: '' }).PORT).toBe(3000);
  expect(() => readEnv(Env, [], { ...complete, REDIS_URL: '' })).toThrow('REDIS_URL');
});

test('the README lists every variable', async () => {
  const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8');
  for (const name of Object.keys(envVariables)) expect(readme).toContain(`| \`${name}\` |`);
});

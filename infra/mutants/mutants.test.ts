import { access, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { spoiled } from './copy.ts';
import { mutants } from './mutants.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));

test('there are at least 20 faults, each another', () => {
  expect(mutants.length).toBeGreaterThanOrEqual(20);
  expect(new Set(mutants.map(({ fault }) => fault)).size).toBe(mutants.length);
});

test.each(mutants)('$fault: where it is planted, and the tests, are there', async (mutant) => {
  const whole = await readFile(join(root, mutant.file), 'utf8');
  expect(spoiled(whole, mutant)).not.toBe(whole);
  for (const file of mutant.tests) await access(join(root, file));
});

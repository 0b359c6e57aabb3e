import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { scripts } from './browser-code.made.ts';

/** The seats page carries a map: what its script weighs is less than a small picture. */
const SCRIPT_BYTES_MAX = 10 * 1024;

test('the script of the seats page keeps to its weight', () => {
  expect(gzipSync(scripts.seats.source).length).toBeLessThan(SCRIPT_BYTES_MAX);
});

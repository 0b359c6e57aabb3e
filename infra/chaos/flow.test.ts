import { expect, test } from 'vitest';
import { longestPauseMs } from './flow.ts';

test('a pause is the longest time without a turn, from a moment on to the first turn behind another', () => {
  expect(longestPauseMs([900, 1_100, 1_400, 2_100], 1_000, 2_000)).toBe(700);
  // The fault was short, and what it did was not.
  expect(longestPauseMs([900, 6_000, 6_100], 1_000, 1_500)).toBe(5_000);
  // In its middle.
  expect(longestPauseMs([1_000, 5_500, 9_000, 10_000], 1_000, 9_500)).toBe(4_500);
  expect(longestPauseMs([], 1_000, 2_000)).toBe(1_000);
  expect(longestPauseMs([2_500, 9_000], 1_000, 2_000)).toBe(1_500);
});

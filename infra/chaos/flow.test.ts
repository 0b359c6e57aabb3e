import { expect, test } from 'vitest';
import { longestPause, sharedMs, spansOf } from './flow.ts';

test('a pause is the longest time without a turn, from a moment on to the first turn behind another', () => {
  expect(longestPause([900, 1_100, 1_400, 2_100], 1_000, 2_000)).toEqual([1_400, 2_100]);
  // The fault was short, and what it did was not.
  expect(longestPause([900, 6_000, 6_100], 1_000, 1_500)).toEqual([1_000, 6_000]);
  // In its middle.
  expect(longestPause([1_000, 5_500, 9_000, 10_000], 1_000, 9_500)).toEqual([1_000, 5_500]);
  expect(longestPause([], 1_000, 2_000)).toEqual([1_000, 2_000]);
  expect(longestPause([2_500, 9_000], 1_000, 2_000)).toEqual([1_000, 2_500]);
});

test('the shop was full from one look to the next where both say so, and not where nobody could look', () => {
  const look = (at: number, isFull: boolean) => ({ at, isFull });
  expect(spansOf([look(1_000, true), look(1_300, true), look(1_600, false), look(1_900, true)])).toEqual([
    [1_000, 1_300],
  ]);
  expect(spansOf([look(1_000, true), look(4_000, true)])).toEqual([]);
  expect(spansOf([look(1_300, true), look(1_000, true)])).toEqual([[1_000, 1_300]]);
});

test('of a pause so much lies in the times in which the shop was full', () => {
  const full = [[0, 1_200] as const, [1_200, 1_500] as const, [3_000, 9_000] as const];
  expect(sharedMs([1_000, 4_000], full)).toBe(1_500);
  expect(sharedMs([1_600, 2_900], full)).toBe(0);
});

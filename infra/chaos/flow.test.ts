import { expect, test } from 'vitest';
import { longestPauseMs, spansOf } from './flow.ts';

test('a pause is the longest time without a turn, from a moment on to the first turn behind another', () => {
  expect(longestPauseMs([900, 1_100, 1_400, 2_100], 1_000, 2_000)).toBe(700);
  // The fault was short, and what it did was not.
  expect(longestPauseMs([900, 6_000, 6_100], 1_000, 1_500)).toBe(5_000);
  // In its middle.
  expect(longestPauseMs([1_000, 5_500, 9_000, 10_000], 1_000, 9_500)).toBe(4_500);
  expect(longestPauseMs([], 1_000, 2_000)).toBe(1_000);
  expect(longestPauseMs([2_500, 9_000], 1_000, 2_000)).toBe(1_500);
});

test('while the shop is full nobody waits for a turn; before and after it everybody does', () => {
  expect(longestPauseMs([1_000, 9_000], 1_000, 8_000, [[2_000, 7_500]])).toBe(1_500);
  expect(longestPauseMs([], 1_000, 9_000, [[6_000, 9_500]])).toBe(5_000);
  expect(longestPauseMs([], 1_000, 9_000, [[500, 4_000]])).toBe(5_000);
  // The rooms were full until long after it, and then empty.
  expect(longestPauseMs([12_000], 1_000, 3_000, [[1_500, 11_000]])).toBe(1_000);
});

test('the shop was full from one look to the next where both say so, and not where nobody could look', () => {
  const look = (at: number, isFull: boolean) => ({ at, isFull });
  expect(spansOf([look(1_000, true), look(1_300, true), look(1_600, false), look(1_900, true)])).toEqual([
    [1_000, 1_300],
  ]);
  expect(spansOf([look(1_000, true), look(4_000, true)])).toEqual([]);
  expect(spansOf([look(1_300, true), look(1_000, true)])).toEqual([[1_000, 1_300]]);
});

import { expect, test } from 'vitest';
import { keepByNumber, NUMBERS_PER_PAGE } from './by-number.ts';

test('numbers of one page share it, other numbers and other sales do not', () => {
  const pages = keepByNumber(() => ({}), 10);
  expect(pages.find('a', 1)).toBeUndefined();
  const first = pages.get('a', 1);
  expect(pages.get('a', NUMBERS_PER_PAGE - 1)).toBe(first);
  expect(pages.find('a', 0)).toBe(first);
  expect(pages.get('a', NUMBERS_PER_PAGE)).not.toBe(first);
  expect(pages.get('b', 1)).not.toBe(first);
});

test('never more pages than allowed: the first that was made goes first, round and round', () => {
  const pages = keepByNumber(() => ({}), 3);
  const at = (i: number) => i * NUMBERS_PER_PAGE;
  for (let i = 0; i < 10; i += 1) {
    pages.get(`sale-${i % 2}`, at(i));
    const kept = Array.from({ length: 10 }, (_, j) => j).filter((j) => pages.find(`sale-${j % 2}`, at(j)));
    expect(kept).toEqual([i - 2, i - 1, i].filter((j) => j >= 0));
  }
});

import { expect, test } from 'vitest';
import { lastGood, nextRate, type Tried } from './knee-search.ts';

/** Searches in a shop that bears up to `knee`; `unlucky` steps, by their number, fail all the same. */
function search(knee: number, from: number, unlucky: number[] = []): Tried[] {
  const tried: Tried[] = [];
  for (let rate = nextRate(tried, from); rate !== null; rate = nextRate(tried, from)) {
    tried.push({ rate, isGood: rate <= knee && !unlucky.includes(tried.length) });
    expect(tried.length, 'the search ends').toBeLessThan(60);
  }
  return tried;
}

test('the knee is found to 15 of a hundred, from wherever the search begins', () => {
  for (const knee of [1, 2, 7, 48, 333, 4_711])
    for (const from of [1, 10, 100, 5_000]) {
      const found = lastGood(search(knee, from)) ?? 0;
      expect(found, `${knee} from ${from}`).toBeLessThanOrEqual(knee);
      // Whole numbers lie farther apart at the bottom.
      expect((found + 1) * 1.15, `${knee} from ${from}`).toBeGreaterThan(knee);
    }
});

test('one failure is tried again, a second one ends the rise', () => {
  expect(search(40, 10).map(({ rate }) => rate)).toEqual([10, 20, 40, 80, 80, 57, 57, 48, 48, 44, 44]);
  expect(lastGood(search(40, 10, [1, 3]))).toBe(40);
});

test('a shop that bears nothing has no knee', () => {
  const tried = search(0, 10);
  expect(lastGood(tried)).toBeNull();
  expect(tried.at(-1)?.rate).toBe(1);
});

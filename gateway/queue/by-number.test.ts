import { expect, test } from 'vitest';
import { keepByNumber, NUMBERS_PER_PAGE } from './by-number.ts';

const page = () => new Uint8Array(4);
const at = (i: number) => i * NUMBERS_PER_PAGE;

test('numbers of one page share it, other numbers and other sales do not', () => {
  const pages = keepByNumber(page, 10);
  expect(pages.find('a', 1)).toBeUndefined();
  const first = pages.get('a', 1);
  expect(pages.get('a', NUMBERS_PER_PAGE - 1)).toBe(first);
  expect(pages.find('a', 0)).toBe(first);
  expect(pages.get('a', NUMBERS_PER_PAGE)).not.toBe(first);
  expect(pages.get('b', 1)).not.toBe(first);
});

test('never more pages than allowed; a sale that comes later gets its share of them, empty', () => {
  let made = 0;
  const pages = keepByNumber(() => {
    made += 1;
    return page();
  }, 3);
  for (let i = 0; i < 3; i += 1) pages.get('old', at(i))?.fill(7);
  for (let asked = 0; asked < 1_000; asked += 1) {
    const got = pages.get('new', at(asked % 3));
    if (got) expect([...got]).toEqual([0, 0, 0, 0]);
  }
  expect(made).toBe(3);
  expect([0, 1, 2].map((i) => pages.find('new', at(i)) !== undefined)).toEqual([true, true, true]);
  expect(pages.find('old', at(0))).toBeUndefined();
});

test('where more numbers are in use than fit, most that are remembered are still there when they come again', () => {
  const [FIT, USED] = [100, 150];
  const pages = keepByNumber(page, FIT);
  let found = 0;
  for (let round = 0; round < 20; round += 1) {
    for (let i = 0; i < USED; i += 1) {
      if (pages.find('sale', at(i))) found += 1;
      else pages.get('sale', at(i));
    }
  }
  expect(found / (20 * USED)).toBeGreaterThan(0.55);
});

import { expect, test } from 'vitest';
import { heldInWords, timeLeft, waitInWords } from './words.ts';

test.each([
  [null, 'We cannot say yet how long it takes.'],
  [{ lowSeconds: 0, highSeconds: 10 }, 'Your wait: less than a minute.'],
  [{ lowSeconds: 50, highSeconds: 61 }, 'Your wait: up to 2 minutes.'],
  [{ lowSeconds: 18 * 60 + 59, highSeconds: 26 * 60 + 1 }, 'Your wait: 18 to 27 minutes.'],
  [{ lowSeconds: 4.9 * 3_600, highSeconds: 9.1 * 3_600 }, 'Your wait: 4 to 10 hours.'],
])('a wait of %j reads %s', (range, words) => {
  expect(waitInWords(range)).toBe(words);
});

test('held seats are told with the time by which the next may return', () => {
  expect(heldInWords(null, 'Europe/Berlin')).toBe('');
  expect(heldInWords('2026-06-01T10:00:42.000Z', 'Europe/Berlin')).toMatch(
    /^All remaining seats are in other fans’ baskets; the next may return at 12:00:42 \S+\.$/,
  );
});

test.each([
  [0, '0:00'],
  [249, '4:09'],
  [3_849, '1:04:09'],
  [176_649, '2 d 1:04:09'],
])('%i seconds left read %s', (seconds, words) => {
  expect(timeLeft(seconds)).toBe(words);
});

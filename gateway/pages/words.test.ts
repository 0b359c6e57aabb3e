import { expect, test } from 'vitest';
import { timeLeft, waitInWords } from './words.ts';

test.each([
  [null, 'We cannot say yet how long it takes.'],
  [{ lowSeconds: 0, highSeconds: 10 }, 'Your wait: less than a minute.'],
  [{ lowSeconds: 50, highSeconds: 61 }, 'Your wait: up to 2 minutes.'],
  [{ lowSeconds: 18 * 60 + 59, highSeconds: 26 * 60 + 1 }, 'Your wait: 18 to 27 minutes.'],
  [{ lowSeconds: 4.9 * 3_600, highSeconds: 9.1 * 3_600 }, 'Your wait: 4 to 10 hours.'],
])('a wait of %j reads %s', (range, words) => {
  expect(waitInWords(range)).toBe(words);
});

test.each([
  [0, '0:00'],
  [249, '4:09'],
  [3_849, '1:04:09'],
  [176_649, '2 d 1:04:09'],
])('%i seconds left read %s', (seconds, words) => {
  expect(timeLeft(seconds)).toBe(words);
});

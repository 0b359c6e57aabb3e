import { expect, test } from 'vitest';
import { warningFor } from './warnings.ts';

const warnings = [
  { seconds: 120, text: 'two minutes' },
  { seconds: 30, text: 'half a minute' },
  { seconds: 0, text: 'over' },
];

test.each([
  [121, undefined],
  [120, 'two minutes'],
  [31, 'two minutes'],
  [30, 'half a minute'],
  [1, 'half a minute'],
  [0, 'over'],
])('with %i s left the word is %s', (seconds, text) => {
  expect(warningFor(seconds, warnings)?.text).toBe(text);
});

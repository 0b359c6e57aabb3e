import { expect, test } from 'vitest';
import { prefersRespondAsync } from './prefer.ts';

test('respond-async is found however it is written and wherever it stands', () => {
  for (const header of [
    'respond-async',
    'Respond-Async',
    'respond-async, wait=10',
    'return=minimal;foo="a, b", RESPOND-ASYNC ; x=y',
    ' , ,respond-async',
    'respond-async=""',
    'respond-async, respond-async=no',
  ]) {
    expect(prefersRespondAsync(header), header).toBe(true);
  }
});

test('what is not that preference is none', () => {
  for (const header of [
    undefined,
    '',
    ',',
    'wait=10',
    'respond-async=no',
    'respond-async=no, respond-async',
    'respond-asynchronously',
    'not;respond-async',
    'foo="x, respond-async, y"',
    'foo="\\", respond-async, "',
    'foo="never closed, respond-async',
    'respond async',
  ]) {
    expect(prefersRespondAsync(header), String(header)).toBe(false);
  }
});

test('a header as long as one may be costs next to nothing', () => {
  const startedMs = performance.now();
  for (const text of [' ;', '"', '\\', ',', '"\\', ' = ']) prefersRespondAsync(text.repeat(8_000));
  expect(performance.now() - startedMs).toBeLessThan(200);
});

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createRateLimiter } from './rate-limiter.ts';

const takeAll = (take: () => number): number => {
  let taken = 0;
  while (taken < 1_000 && take() === 0) taken += 1;
  return taken;
};

test('a burst at once, then its rate; after a pause the burst again; keys do not touch each other', () => {
  const limiter = createRateLimiter({ perSecond: 2, burst: 5, keysKept: 10 });
  const at = (nowMs: number, key = 'a') => takeAll(() => limiter.take(key, nowMs));
  expect(at(1_000)).toBe(5);
  expect(limiter.take('a', 1_000)).toBe(500);
  expect(limiter.wait('a', 1_499)).toBe(1);
  expect(at(1_500)).toBe(1);
  expect(at(1_500, 'b')).toBe(5);
  expect(at(61_500)).toBe(5);
});

test('asking counts nothing, and neither does what is refused', () => {
  const limiter = createRateLimiter({ perSecond: 1, burst: 1, keysKept: 10 });
  for (let i = 0; i < 100; i += 1) expect(limiter.wait('a', 0)).toBe(0);
  expect(limiter.take('a', 0)).toBe(0);
  for (let i = 0; i < 100; i += 1) expect(limiter.take('a', 0)).toBe(1_000);
  expect(limiter.take('a', 1_000)).toBe(0);
});

test('what is counted never exceeds burst + rate × time, and the wait that is told is the true one', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 50 }),
      fc.integer({ min: 1, max: 50 }),
      fc.array(fc.integer({ min: 0, max: 400 }), { maxLength: 200 }),
      (perSecond, burst, pauses) => {
        const limiter = createRateLimiter({ perSecond, burst, keysKept: 2 });
        let [nowMs, taken] = [0, 0];
        for (const pause of pauses) {
          nowMs += pause;
          const wait = limiter.take('a', nowMs);
          if (wait === 0) taken += 1;
          else {
            expect(limiter.wait('a', nowMs + wait)).toBe(0);
            expect(limiter.wait('a', nowMs + wait - 1)).toBeGreaterThan(0);
          }
          expect(taken).toBeLessThanOrEqual(burst + (nowMs / 1_000) * perSecond + 1e-6);
        }
      },
    ),
  );
});

test('keys that are free again are forgotten, however few there are, and no other', () => {
  const limiter = createRateLimiter({ perSecond: 1, burst: 10, keysKept: 100_000 });
  for (let i = 0; i < 1_000; i += 1) {
    limiter.take(`fan-${i}`, i * 100);
    expect(limiter.size()).toBeLessThanOrEqual(201);
  }
  const busy = createRateLimiter({ perSecond: 1, burst: 10, keysKept: 100_000 });
  expect(takeAll(() => busy.take('busy', 0))).toBe(10);
  for (let i = 0; i < 100; i += 1) {
    busy.take(`fan-${i}`, i * 100);
    expect(busy.wait('busy', i * 100)).toBe(i * 100 <= 1_000 ? 1_000 - i * 100 : 0);
  }
});

test('memory is bounded: a flood of keys makes it forget, whoever counts on is kept', () => {
  const limiter = createRateLimiter({ perSecond: 1, burst: 2, keysKept: 100 });
  expect(takeAll(() => limiter.take('guesser', 0))).toBe(2);
  expect(takeAll(() => limiter.take('gone', 0))).toBe(2);
  for (let i = 0; i < 100_000; i += 1) {
    limiter.take(`key-${i}`, i);
    if (i % 50 === 0) limiter.take('guesser', i);
  }
  expect(limiter.size()).toBeLessThanOrEqual(200);
  expect(limiter.wait('guesser', 99_999)).toBeGreaterThan(0);
  expect(limiter.wait('gone', 0)).toBe(0);
});

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { countWaiting, indexWaitingBits, noneWaiting, positionOf } from './waiting-bits.ts';

const bitsOf = (numbers: Iterable<number>, size: number): Uint8Array => {
  const bytes = new Uint8Array(Math.ceil((size + 1) / 8));
  for (const number of numbers) bytes[number >>> 3]! |= 0x80 >>> (number & 7);
  return bytes;
};

test('a position is the rank among those who wait, plus one, and null for everyone else', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.integer({ min: 1, max: 5_000 }), { maxLength: 600 }), (waiting) => {
      const bits = indexWaitingBits(bitsOf(waiting, 5_000));
      const sorted = [...waiting].sort((a, b) => a - b);
      sorted.forEach((number, rank) => {
        expect(positionOf(bits, number)).toBe(rank + 1);
      });
      expect(countWaiting(bits)).toBe(waiting.length);
      for (const absent of [0, 1, 513, 4_999, 5_001, 70_000]) {
        if (!waiting.includes(absent)) expect(positionOf(bits, absent)).toBeNull();
      }
    }),
  );
});

test('a million who wait stand at their own numbers', () => {
  const bits = indexWaitingBits(
    bitsOf(
      Array.from({ length: 1_000_000 }, (_, i) => i + 1),
      1_000_000,
    ),
  );
  expect(positionOf(bits, 1)).toBe(1);
  expect(positionOf(bits, 1_000_000)).toBe(1_000_000);
});

test('nobody stands in an empty queue', () => {
  expect(positionOf(noneWaiting, 1)).toBeNull();
  expect(countWaiting(noneWaiting)).toBe(0);
});

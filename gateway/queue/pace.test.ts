import fc from 'fast-check';
import { expect, test } from 'vitest';
import { LONGEST_POLL_MS, measurePolls, pollAfterMs, pollAfterOpeningMs } from './pace.ts';

const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

test('nobody is told to ask later than LONGEST_POLL_MS, however long the wait, the load or the crowd', () => {
  fc.assert(
    fc.property(
      fc.option(fc.integer({ min: -1_000, max: 10_000_000 })),
      fc.integer({ min: 1, max: 1_000 }),
      fc.nat(5_000_000),
      random,
      (seconds, load, lobby, drawn) => {
        const polls = [
          pollAfterMs(seconds, load, LONGEST_POLL_MS, () => drawn),
          pollAfterOpeningMs((seconds ?? 0) * 1000, lobby, LONGEST_POLL_MS, () => drawn),
        ];
        for (const ms of polls) {
          expect(ms).toBeGreaterThanOrEqual(0);
          expect(ms).toBeLessThanOrEqual(LONGEST_POLL_MS);
        }
        expect(polls[0]).toBeGreaterThanOrEqual(800);
      },
    ),
  );
});

test('nor later than their own sale allows, before its opening and after', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: -100_000, max: 100_000 }),
      fc.integer({ min: 1_000, max: 30_000 }),
      random,
      (opensInMs, capMs, drawn) => {
        expect(pollAfterOpeningMs(opensInMs, 1_000_000, capMs, () => drawn)).toBeLessThanOrEqual(capMs);
      },
    ),
  );
});

test('a large lobby comes back spread out after the opening, and not before it', () => {
  const comesBack = Array.from({ length: 1_000 }, (_, i) =>
    pollAfterOpeningMs(500, 1_000_000, LONGEST_POLL_MS, () => i / 1_000),
  );
  expect(Math.min(...comesBack)).toBeGreaterThanOrEqual(500);
  const perSecond = new Map<number, number>();
  for (const ms of comesBack)
    perSecond.set(Math.floor(ms / 1000), (perSecond.get(Math.floor(ms / 1000)) ?? 0) + 1);
  expect(Math.max(...perSecond.values())).toBeLessThan(100);
  // Few fans need no spreading.
  expect(pollAfterOpeningMs(500, 10, LONGEST_POLL_MS, () => 0.999)).toBeLessThanOrEqual(1_500);
});

test('load is what was counted in the last whole second, against what is answered without hurry', () => {
  const load = measurePolls();
  expect(load.factor()).toBe(1);
  for (let i = 0; i < 6_000; i += 1) load.count(10_500);
  load.count(11_000);
  expect(load.factor()).toBe(2);
  load.count(12_000);
  expect(load.factor()).toBe(1);
  for (let i = 0; i < 6_000; i += 1) load.count(12_500);
  load.count(20_000);
  expect(load.factor()).toBe(1);
});

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createChangeLog } from './change-log.ts';

const SEATS = 40;
/** Versions are moments; so far apart that some lie within the overlap and some do not. */
const step = fc.record({
  ms: fc.integer({ min: 1, max: 1_500 }),
  seats: fc.array(fc.nat(SEATS - 1), { maxLength: 5 }),
});

test('whoever applies what changed to a map of before has the map of now, whichever process made it', () => {
  fc.assert(
    fc.property(
      fc.array(step, { minLength: 1, maxLength: 20 }),
      fc.nat(19),
      fc.nat(300),
      (steps, at, lagMs) => {
        const log = createChangeLog(0);
        const shown = new Array<number>(SEATS).fill(0);
        let version = 0;
        let known = { version: 0, shown: [...shown] };
        steps.forEach(({ ms, seats }, i) => {
          version += ms;
          for (const seat of seats) shown[seat] = (shown[seat] as number) + 1;
          log.add(version, seats);
          // Another process has learned it by so much earlier, or calls the same moment by a later version.
          if (i === at) known = { version: version + lagMs, shown: [...shown] };
        });
        const seats = log.since(known.version);
        if (seats === null) {
          expect(known.version - 2_000 < 0 || known.version > version + 2_000).toBe(true);
          return;
        }
        for (const seat of seats) known.shown[seat] = shown[seat] as number;
        expect(known.shown).toEqual(shown);
      },
    ),
  );
});

test('what is not remembered (any more) is not made up: nothing from before, from the future, or too much', () => {
  const log = createChangeLog(10_000);
  log.add(20_000, [1, 2]);
  expect(log.since(9_000)).toBeNull();
  expect(log.since(11_999)).toBeNull();
  expect(log.since(12_000)).toEqual([1, 2]);
  expect(log.since(30_000)).toBeNull();
  for (let i = 0; i < 11; i += 1)
    log.add(
      30_000 + i,
      Array.from({ length: 2_000 }, (_, seat) => seat),
    );
  expect(log.since(21_000)).toBeNull();
  expect(log.since(32_005)).toHaveLength(2_000);
});

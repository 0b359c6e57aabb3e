import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createRow, type Waiter } from './waiting-row.ts';

type One = Waiter & { id: number };

/** The same by looking through all of them each time. */
function plainRow() {
  const all: One[] = [];
  return {
    add: (one: One) => all.push(one),
    take: (max: number, nowMs: number) => {
      const names = new Set<string>();
      const [taken, late]: [One[], One[]] = [[], []];
      for (const one of all.splice(0)) {
        const isBehind = [...one.names].some((name) => names.has(name));
        const isNext = !isBehind && taken.length < max;
        const goes = isNext && one.untilMs > nowMs;
        if (isNext && !goes) late.push(one);
        else (goes ? taken : all).push(one);
        if (goes || !isNext) for (const name of one.names) names.add(name);
      }
      return { taken, late };
    },
  };
}

test('who is taken, in which order and who is late, is what looking through all of them says', () => {
  const names = fc.array(fc.nat(5).map(String), { maxLength: 3 }).map((given) => new Set(given));
  const step = fc.oneof(
    fc.record({ names, untilMs: fc.constantFrom(1, 3, 100) }),
    fc.record({ max: fc.integer({ min: 1, max: 4 }), nowMs: fc.integer({ min: 0, max: 5 }) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const [row, plain] = [createRow<One>(), plainRow()];
      let waiting = 0;
      steps.forEach((given, id) => {
        if ('names' in given) {
          row.add({ ...given, id });
          plain.add({ ...given, id });
          waiting += 1;
          return;
        }
        const { taken, late } = row.take(given.max, given.nowMs);
        expect({ taken, late }).toEqual(plain.take(given.max, given.nowMs));
        waiting -= taken.length + late.length;
        expect(row.count()).toBe(waiting);
      });
      const left = row.takeAll();
      expect(left.map(({ id }) => id)).toEqual(left.map(({ id }) => id).sort((a, b) => a - b));
      expect([left.length, row.count(), row.take(1, 0).taken]).toEqual([waiting, 0, []]);
    }),
    { numRuns: 500 },
  );
});

test('thousands who stand behind each other are looked at once each, not once a call', () => {
  const ONES = 4_000;
  let looks = 0;
  const row = createRow<Waiter>();
  const names = new Set(['fan']);
  for (let id = 0; id < ONES; id += 1)
    row.add({
      names,
      get untilMs() {
        looks += 1;
        return 1;
      },
    });
  while (row.count() > 0) expect(row.take(128, 0).taken).toHaveLength(1);
  expect(looks).toBe(ONES);
});

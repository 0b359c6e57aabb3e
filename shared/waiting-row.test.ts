import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createRow, type Name, type Waiter } from './waiting-row.ts';

/** More of them: HISTORIES=100000 npm test -- shared/waiting-row */
const HISTORIES = Number(process.env.HISTORIES ?? 3_000);

type One = Waiter & { id: number };

/** The same by looking through all of them each time. */
function plainRow() {
  const all: One[] = [];
  const away = new Set<One[]>();
  const hasOne = (names: ReadonlySet<Name>, of: Set<Name>) => [...names].some((name) => of.has(name));
  return {
    add: (one: One) => all.push(one),
    take: (max: number, nowMs: number) => {
      const gone = [...away].flat();
      const apart = new Set(gone.flatMap((one) => [...one.apart]));
      const inOrder = new Set(gone.flatMap((one) => [...one.inOrder]));
      const [taken, late]: [One[], One[]] = [[], []];
      for (const one of all.splice(0)) {
        const isNext = taken.length < max && !hasOne(one.apart, apart) && !hasOne(one.inOrder, inOrder);
        const goes = isNext && one.untilMs > nowMs;
        if (isNext && !goes) late.push(one);
        else (goes ? taken : all).push(one);
        if (goes || !isNext) for (const name of one.apart) apart.add(name);
        if (!isNext) for (const name of one.inOrder) inOrder.add(name);
      }
      away.add(taken);
      return { taken, late, end: () => away.delete(taken) };
    },
  };
}

test('who is taken, in which order and who is late, is what looking through all of them says', () => {
  const names = fc.array(fc.nat(5), { maxLength: 3 }).map((given) => new Set(given));
  const step = fc.oneof(
    fc.record({ apart: names, inOrder: names, untilMs: fc.constantFrom(1, 3, 100) }),
    fc.record({ max: fc.integer({ min: 1, max: 4 }), nowMs: fc.integer({ min: 0, max: 5 }) }),
    fc.record({ ends: fc.nat(3) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const [row, plain] = [createRow<One>(), plainRow()];
      const ends: (() => void)[] = [];
      let waiting = 0;
      steps.forEach((given, id) => {
        if ('untilMs' in given) {
          row.add({ ...given, id });
          plain.add({ ...given, id });
          waiting += 1;
          return;
        }
        if ('ends' in given) {
          for (const end of ends.splice(given.ends, 1)) end();
          return;
        }
        const departure = row.take(given.max, given.nowMs);
        const expected = plain.take(given.max, given.nowMs);
        const { taken, late } = departure;
        expect({ taken, late }).toEqual({ taken: expected.taken, late: expected.late });
        ends.push(() => {
          departure.end();
          expected.end();
        });
        waiting -= taken.length + late.length;
        expect(row.count()).toBe(waiting);
      });
      const left = row.takeAll();
      expect(left.map(({ id }) => id)).toEqual(left.map(({ id }) => id).sort((a, b) => a - b));
      for (const end of ends) end();
      expect([left.length, row.count(), row.free(), row.take(1, 0).taken]).toEqual([waiting, 0, 0, []]);
    }),
    { numRuns: HISTORIES },
  );
}, 120_000);

test('thousands who stand behind each other are looked at once each, not once a call', () => {
  const ONES = 4_000;
  let looks = 0;
  const row = createRow<Waiter>();
  for (let id = 0; id < ONES; id += 1)
    row.add({
      apart: new Set(['fan']),
      inOrder: new Set<Name>(),
      get untilMs() {
        looks += 1;
        return 1;
      },
    });
  while (row.count() > 0) {
    const { taken, end } = row.take(128, 0);
    expect(taken).toHaveLength(1);
    end();
  }
  expect(looks).toBe(ONES);
});

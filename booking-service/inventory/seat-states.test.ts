import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Section } from '../catalogue/layout.ts';
import { applySeatRows, createSeatStates, openEnded } from './seat-states.ts';
import { countStates, nextHoldEndMs } from './stock.ts';

const sections: Section[] = [
  { ordinal: 0, name: 'A', rows: 2, seatsPerRow: 3, firstSeat: 0, amount: 1 },
  { ordinal: 1, name: 'B', rows: 1, seatsPerRow: 4, firstSeat: 6, amount: 1 },
];
const SEATS = 10;

const row = fc.record({
  seat: fc.nat(SEATS - 1),
  state: fc.nat(3),
  heldUntilMs: fc.option(fc.integer({ min: 0, max: 100 })),
});

test('after any changes at any times the memory shows what the rows say, and counts it', () => {
  const steps = fc.array(fc.record({ waitMs: fc.nat(20), rows: fc.array(row, { maxLength: 6 }) }), {
    maxLength: 20,
  });
  fc.assert(
    fc.property(steps, (history) => {
      const states = createSeatStates(sections);
      const rows = Array.from({ length: SEATS }, () => ({ state: 0, heldUntilMs: null as number | null }));
      let nowMs = 0;
      for (const step of history) {
        nowMs += step.waitMs;
        const before = [...states.shown];
        const changed = applySeatRows(states, step.rows, nowMs);
        for (const { seat, ...rest } of step.rows) rows[seat] = rest;
        const expected = rows.map(({ state, heldUntilMs }) =>
          state === 1 && heldUntilMs !== null && heldUntilMs <= nowMs ? 0 : state,
        );
        expect([...states.shown]).toEqual(expected);
        expect(changed || before.every((state, seat) => state === expected[seat])).toBe(true);
        const counted = [0, 1, 2, 3].map((state) => expected.filter((shown) => shown === state).length);
        expect(countStates(states, sections)).toEqual(counted);
      }
    }),
  );
});

test('a hold opens at its end by itself, and the next end is known', () => {
  const states = createSeatStates(sections);
  applySeatRows(
    states,
    [0, 1, 7].map((seat) => ({ seat, state: 1, heldUntilMs: 10 * (seat + 1) })),
    0,
  );
  expect(nextHoldEndMs(states, sections)).toBe(10);
  expect(nextHoldEndMs(states, sections.slice(1))).toBe(80);
  expect([openEnded(states, 9), openEnded(states, 10), openEnded(states, 10)]).toEqual([false, true, false]);
  expect(countStates(states, sections)).toEqual([8, 2, 0, 0]);
  expect(openEnded(states, 1_000)).toBe(true);
  expect(nextHoldEndMs(states, sections)).toBeNull();
});

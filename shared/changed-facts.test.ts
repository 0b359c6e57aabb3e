import { expect, test } from 'vitest';
import { changedFacts } from './changed-facts.ts';

test('a change is told by the facts that differ, whatever the order of their members', () => {
  const before = { paused: false, capacity: 5, notice: { at: 'now', text: 'Hello' }, gone: 1 };
  const after = { notice: { text: 'Hello', at: 'now' }, capacity: 7, paused: false, added: null };
  expect(changedFacts(before, after)).toEqual({
    from: { capacity: 5, gone: 1 },
    to: { capacity: 7, added: null },
  });
  expect(changedFacts(before, before)).toEqual({ from: {}, to: {} });
});

test('without a before, everything is new', () => {
  expect(changedFacts(null, { capacity: 7 })).toEqual({ from: null, to: { capacity: 7 } });
});

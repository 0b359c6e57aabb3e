import { isDeepStrictEqual } from 'node:util';

export type Facts = Record<string, unknown>;

/** What a change changed: the facts that differ, as they were and as they are. Without a `before`, all of them. */
export function changedFacts(before: Facts | null, after: Facts): { from: Facts | null; to: Facts } {
  if (before === null) return { from: null, to: after };
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  const changed = names.filter((name) => !isDeepStrictEqual(before[name], after[name]));
  const pick = (facts: Facts): Facts =>
    Object.fromEntries(changed.filter((name) => name in facts).map((name) => [name, facts[name]]));
  return { from: pick(before), to: pick(after) };
}

import type { Show } from '../crowd/world.ts';
import type { Asked, History } from '../history/recorder.ts';
import { until } from '../local/processes.mjs';

/** Of two clocks of one machine, told in whole milliseconds. */
const ROUNDING_MS = 5;

/**
 * When the turn was given that an answer tells of, in epoch milliseconds; null when it tells of none. One that a recovery has
 * brought back begins with the recovery's end: told before that, it is no turn yet.
 */
function turnIn({ op, outcome, body, sentAt, tookMs }: Asked, { settings }: Show): number | null {
  if (op !== 'poll' || outcome !== 'done' || body.state !== 'ready' || typeof body.claimBy !== 'string')
    return null;
  const at = Date.parse(body.claimBy) - settings.claimSeconds * 1_000;
  return at <= sentAt + tookMs + ROUNDING_MS ? at : null;
}

/** When those turns were given that fans have been told of by now, in their order; each once. */
export function turnsOf(asked: readonly Asked[], show: Show): number[] {
  const told = new Map<string, number>();
  for (const each of asked) {
    const at = turnIn(each, show);
    if (at !== null) told.set(`${each.who} ${at}`, at);
  }
  return [...told.values()].sort((a, b) => a - b);
}

/** The longest time without a turn between two moments, and on to the first turn behind the later one. */
export function longestPauseMs(turns: readonly number[], from: number, to: number): number {
  let before = from;
  let longest = 0;
  for (const at of turns) {
    if (at < from) continue;
    longest = Math.max(longest, at - before);
    before = at;
    if (at > to) return longest;
  }
  return Math.max(longest, to - before);
}

/** Resolves, when a fan is told of a turn that was given since, to how long after it was; to null when none comes. */
export async function turnsSince(
  history: History,
  show: Show,
  since: number,
  withinMs: number,
): Promise<number | null> {
  let looked = 0;
  let first: number | null = null;
  await until(async () => {
    for (; looked < history.all.length; looked += 1) {
      const at = turnIn(history.all[looked] as Asked, show);
      if (at !== null && at >= since) first = Math.min(at, first ?? at);
    }
    return first !== null;
  }, withinMs);
  return first === null ? null : first - since;
}

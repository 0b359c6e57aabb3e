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

/** From a moment to another, in epoch milliseconds. */
export type Span = readonly [from: number, to: number];

export const lengthOf = ([from, to]: Span): number => to - from;

/** The longest time without a turn between two moments, and on to the first turn behind the later one. */
export function longestPause(turns: readonly number[], from: number, to: number): Span {
  let longest: Span = [from, from];
  let before = from;
  const end = (at: number) => {
    if (at - before > lengthOf(longest)) longest = [before, at];
    before = at;
  };
  for (const at of turns) {
    if (at < from) continue;
    end(at);
    if (at > to) return longest;
  }
  end(to);
  return longest;
}

/** How many milliseconds of a span lie in others, of which no two overlap. */
export const sharedMs = ([from, to]: Span, spans: readonly Span[]): number =>
  spans.reduce((sum, [begins, ends]) => sum + Math.max(0, Math.min(to, ends) - Math.max(from, begins)), 0);

/** Further apart two looks say nothing of the time between. */
const LOOKS_APART_MS_MAX = 1_000;

/** From look to look at which the shop was full. */
export function spansOf(looks: readonly { at: number; isFull: boolean }[]): Span[] {
  const inOrder = [...looks].sort((a, b) => a.at - b.at);
  return inOrder.flatMap(({ at, isFull }, i) => {
    const next = inOrder[i + 1];
    return next && isFull && next.isFull && next.at - at <= LOOKS_APART_MS_MAX
      ? [[at, next.at] as const]
      : [];
  });
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

import { groupBy } from '../../infra/history/group.ts';
import type { History } from '../../infra/history/read.ts';
import type { AnswerRecord } from '../../infra/history/record.ts';
import { stepFigures } from '../figures.ts';

// How long it takes after a spike until answers are as fast, and fans wait as far ahead, as before it.

/** Slower than before by as much is still as before. */
const SLOWER_TIMES = 2;
const SLOWER_MS = 50;
const FARTHER = 5;
/** So many seconds in a row: one good second between bad ones is no recovery. */
const QUIET_SECONDS = 5;
const SECOND_MS = 1_000;

type State = { p99: number; position: number };
export type Recovery = {
  before: State;
  /** The worst second since the spike began. */
  worst: State;
  /** From the spike's end, in milliseconds; null when the run ended before. */
  answersAfterMs: number | null;
  positionsAfterMs: number | null;
};

/** `isOfSpike` tells the fans that came with it; everybody else came before or after. */
export function recoveryOf({ fans }: Pick<History, 'fans'>, isOfSpike: (fan: string) => boolean): Recovery {
  const answers = [...fans.values()].flat();
  const came = answers
    .filter(({ fan, step }) => step === 'join' && isOfSpike(fan))
    .map(({ sentAt }) => sentAt);
  const from = came.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
  const to = came.reduce((a, b) => Math.max(a, b), 0);
  const before = worstOf(seconds(answers.filter(({ sentAt }) => sentAt < from)).map(({ state }) => state));
  const since = seconds(answers.filter(({ sentAt }) => sentAt >= from));
  const p99Max = Math.max(before.p99 * SLOWER_TIMES, before.p99 + SLOWER_MS);
  return {
    before,
    worst: worstOf(since.map(({ state }) => state)),
    answersAfterMs: quietFrom(since, to, ({ p99 }) => p99 <= p99Max),
    positionsAfterMs: quietFrom(since, to, ({ position }) => position <= before.position + FARTHER),
  };
}

type Second = { at: number; state: State };

function seconds(answers: readonly AnswerRecord[]): Second[] {
  return [...groupBy(answers, ({ sentAt }) => Math.floor(sentAt / SECOND_MS))]
    .sort(([a], [b]) => a - b)
    .map(([second, those]) => ({
      at: second * SECOND_MS,
      state: {
        p99: stepFigures('all', those, 1).p99,
        position: those.reduce((most, { position }) => Math.max(most, position ?? 0), 0),
      },
    }));
}

const worstOf = (states: readonly State[]): State => ({
  p99: states.reduce((most, { p99 }) => Math.max(most, p99), 0),
  position: states.reduce((most, { position }) => Math.max(most, position), 0),
});

/** After the moment, how long until the first of so many seconds that are all as before. */
function quietFrom(
  all: readonly Second[],
  moment: number,
  isQuiet: (state: State) => boolean,
): number | null {
  const after = all.filter(({ at }) => at > moment - SECOND_MS);
  for (let i = 0; i + QUIET_SECONDS <= after.length; i += 1) {
    const these = after.slice(i, i + QUIET_SECONDS);
    if (these.every(({ state }) => isQuiet(state))) return Math.max(0, (these[0]?.at ?? moment) - moment);
  }
  return null;
}

import { groupBy } from '../infra/history/group.ts';
import type { History } from '../infra/history/read.ts';
import type { AnswerRecord } from '../infra/history/record.ts';

/** Of one step of the fans' way; times in milliseconds. */
export type StepFigures = {
  step: string;
  answers: number;
  perSecond: number;
  p50: number;
  p95: number;
  p99: number;
  max: number;
  /** `409 seats-taken × 12`, the most frequent first. */
  refused: string;
};

export type Figures = {
  seconds: number;
  perSecond: number;
  /** Fans who bought, a second. */
  fansThrough: number;
  steps: StepFigures[];
  /** Over all steps. */
  all: StepFigures;
};

export function figuresOf({ fans }: History): Figures {
  const answers = [...fans.values()].flat();
  const beganAt = answers.reduce((least, { sentAt }) => Math.min(least, sentAt), Number.POSITIVE_INFINITY);
  const endedAt = answers.reduce((most, { sentAt, tookMs }) => Math.max(most, sentAt + tookMs), beganAt);
  const seconds = Math.max(1, endedAt - beganAt) / 1000;
  const bought = answers
    .filter(({ step, status }) => step === 'pay' && status === 201)
    .map(({ sentAt, tookMs }) => sentAt + tookMs)
    .sort((a, b) => a - b);
  return {
    seconds,
    perSecond: answers.length / seconds,
    fansThrough: middleRate(bought),
    steps: [...groupBy(answers, ({ step }) => step)].map(([step, those]) =>
      stepFigures(step, those, seconds),
    ),
    all: stepFigures('all', answers, seconds),
  };
}

/** Of sorted moments, how many come a second: of the middle four fifths, for a run begins and ends with few. */
function middleRate(moments: readonly number[]): number {
  const [from, to] = [Math.floor(moments.length / 10), Math.floor((moments.length * 9) / 10)];
  const tookMs = (moments[to] ?? 0) - (moments[from] ?? 0);
  return tookMs > 0 ? ((to - from) * 1000) / tookMs : 0;
}

export function stepFigures(step: string, answers: readonly AnswerRecord[], seconds: number): StepFigures {
  const took = answers.map(({ tookMs }) => tookMs).sort((a, b) => a - b);
  const at = (share: number) => took[Math.min(took.length - 1, Math.floor(took.length * share))] ?? 0;
  return {
    step,
    answers: answers.length,
    perSecond: answers.length / seconds,
    ...{ p50: at(0.5), p95: at(0.95), p99: at(0.99), max: at(1) },
    refused: refusals(answers),
  };
}

const NOT_MODIFIED = 304;

function refusals(answers: readonly AnswerRecord[]): string {
  const counts = new Map<string, number>();
  for (const { status, code } of answers) {
    if ((status >= 200 && status < 300) || status === NOT_MODIFIED) continue;
    const what = status === 0 ? 'no answer' : `${status} ${code ?? ''}`.trimEnd();
    counts.set(what, (counts.get(what) ?? 0) + 1);
  }
  return [...counts]
    .sort(([, a], [, b]) => b - a)
    .map(([what, count]) => `${what} × ${count}`)
    .join(', ');
}

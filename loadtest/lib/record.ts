import { Counter, Rate, Trend } from 'k6/metrics';
import type { AnswerRecord, EndRecord, HistoryRecord, Step } from '../../infra/history/record.ts';
import { setting } from './settings.ts';

/** Set by the launcher, which has k6 write the console to a file; by hand nothing is recorded. */
const isRecording = __ENV.RECORD === '1';

const stepNames: Step[] = [
  ...(['browse', 'join', 'poll', 'claim', 'look', 'hold'] as const),
  ...(['release', 'pay', 'outcome', 'leave'] as const),
];
const took = new Map<Step, Trend>();
const recorded = new Counter('records');
const serverErrors = new Counter('server_errors');
const unanswered = new Counter('unanswered');
/** Of fans who want to go the whole way, how many did (whole-fan.ts). */
export const through = new Rate('through');

/** A payment takes what the provider takes, besides. */
const PAYMENT_MS_MAX = 10_000;

/**
 * Measures the steps that a script takes; returns what k6 itself judges: limits on times, and no answer that is an error of the
 * shop's. `answerMs` is the longest that 99 of 100 answers may take: the shop's own limit is 3 s, whatever happens, which asks
 * for a machine that bears the load. A script of many virtual users names its steps, for each costs each of them 5 KB.
 */
export function measureSteps(answerMs = 3_000, steps: readonly Step[] = stepNames): Record<string, string[]> {
  const limitMs = setting('ANSWER_MS', answerMs, 1, 60_000);
  for (const step of steps) took.set(step, new Trend(`${step}_ms`, true));
  return {
    ...Object.fromEntries(steps.map((step) => [`${step}_ms`, [`p(99)<${limitMs}`]])),
    ...(steps.includes('pay') && { pay_ms: [`p(99)<${PAYMENT_MS_MAX}`] }),
    server_errors: ['count==0'],
    unanswered: ['count==0'],
  };
}

const INTERNAL_ERROR = 500;
const UNAVAILABLE = 503;

/** Writes one line of the history. */
export function record(entry: HistoryRecord): void {
  if (!isRecording) return;
  console.log(JSON.stringify(entry));
  recorded.add(1);
}

type Answered = Omit<AnswerRecord, 'kind'>;

/** Counts an answer among k6's figures, without a line in the history; `tags` tell it from others of its step. */
export function countAnswer(
  { step, tookMs, status }: Pick<Answered, 'step' | 'tookMs' | 'status'>,
  tags?: Record<string, string>,
): void {
  const trend = took.get(step);
  if (!trend) throw new Error(`This script does not measure the step ${step} (measureSteps).`);
  trend.add(tookMs, tags);
  // What is not counted costs k6 nothing.
  if (status >= INTERNAL_ERROR && status !== UNAVAILABLE) serverErrors.add(1);
  if (status === 0) unanswered.add(1);
}

export function recordAnswer(answer: Answered): void {
  countAnswer(answer);
  record({ kind: 'answer', ...answer });
}

export const recordEnd = (fan: string, how: EndRecord['how']): void => record({ kind: 'end', fan, how });

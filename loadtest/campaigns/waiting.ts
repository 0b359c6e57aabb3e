import { join } from 'node:path';
import type { History } from '../../infra/history/read.ts';
import type { StepFigures } from '../figures.ts';
import { describeShares } from '../machine/shares.ts';
import { processorShares } from '../machine/watch.ts';
import { only, runOnce, type Target } from '../one-run.ts';
import type { Report } from '../report/report.ts';
import { describeFans, describeJudgement, describeSteps, type K6Summary } from '../summary.ts';

const RATE = 3_000;
const SECONDS = 600;
const TENTHS = 10;
/** Fewer polls than this share of those that were to be sent prove nothing. */
const SENT_MIN = 0.99;

/** Nobody shops: only what is promised of those who wait is judged. */
const judged = [
  ...(['overtaken', 'position-rises', 'place-lost', 'server-error', 'thresholds', 'history'] as const),
  'books',
] as const;

/** A crowd waits and asks: is it answered in time, and with positions that never rise? */
export async function waitingCampaign(
  target: Target,
  { root, folder, settings }: { root: string; folder: string; settings: Record<string, string> },
): Promise<Report> {
  const env = { RATE: String(RATE), SECONDS: String(SECONDS), ...settings };
  const run = await runOnce(target, join(root, 'loadtest/waiting.ts'), env, folder);
  const { history, samples, metrics } = run;
  const judgement = only(run.judgement, judged);
  const seconds = Number(env.SECONDS);
  const steps = ['join', 'poll', 'leave'].map((step) => stepOf(metrics, `${step}_ms`, step, seconds));
  const count = (metric: string) => metrics[metric]?.count ?? 0;
  const failed = Number(metrics.polls_failed?.passes ?? 0);
  const tenths = Array.from({ length: TENTHS }, (_, i) =>
    stepOf(metrics, `poll_ms{tenth:${i + 1}}`, `polls, tenth ${i + 1}`, seconds / TENTHS),
  );
  const polls = Number(metrics.poll_ms?.count ?? 0);
  // Those on the way to the full rate are in no tenth.
  const sent = tenths.reduce((sum, { answers }) => sum + answers, 0);
  const figures = { seconds, perSecond: sent / seconds, steps: [...steps, ...tenths] };
  return {
    title: 'Waiting',
    lines: [
      ...describeFans(history),
      '',
      ...describeSteps(figures),
      '',
      `${polls} polls, of which ${failed} failed (${share(failed, polls)}); ${sent} of them at the full rate.`,
      `k6 compared each answer with the fan's one before: ${count('positions_risen')} said a larger position, ${count('places_lost')} another number.`,
      'Overtaking is judged from the lines that it wrote: each fan’s first and last answers, and both sides of what changed.',
      '',
      ...describeShares(samples),
      '',
      ...describeJudgement(judgement),
    ],
    judgement,
    checks: {
      'polls came at their rate': faultsOfSent(sent, Number(env.RATE) * seconds),
      'turns went on, and positions fell': faultsOfMoving(history),
    },
    plots: [
      {
        ...{ title: 'How long polls took', x: 'tenth of the time', y: 'ms' },
        lines: (['p50', 'p95', 'p99'] as const).map((name) => ({
          name,
          points: tenths.map((tenth, i) => ({ x: i + 1, y: tenth[name] })),
        })),
      },
    ],
    figures: { ...figures, failed, processors: processorShares(samples) },
  };
}

/** A few virtual users are late at either end of the time. */
export const faultsOfSent = (sent: number, expected: number): string[] =>
  sent >= SENT_MIN * expected ? [] : [`${sent} polls were sent, and ${expected} were to be`];

/** In a queue that stands still no position can rise. */
export function faultsOfMoving({ fans }: Pick<History, 'fans'>): string[] {
  for (const answers of fans.values()) {
    const positions = answers.flatMap(({ position }) => position ?? []);
    if ((positions.at(-1) ?? 0) < (positions[0] ?? 0)) return [];
  }
  return ['Nobody was told a smaller position than before'];
}

/** What k6 measured of a step; its count is over the seconds in which it happened. */
export function stepOf(
  metrics: K6Summary['metrics'],
  metric: string,
  step: string,
  seconds: number,
): StepFigures {
  const of = (name: string) => Math.round(Number(metrics[metric]?.[name] ?? 0));
  const answers = of('count');
  return {
    ...{ step, answers, perSecond: answers / seconds, refused: '' },
    ...{ p50: of('med'), p95: of('p(95)'), p99: of('p(99)'), max: of('max') },
  };
}

const share = (part: number, whole: number): string => `${((100 * part) / Math.max(1, whole)).toFixed(4)} %`;

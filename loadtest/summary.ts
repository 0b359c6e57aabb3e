import { type Judgement, type PromiseName, promises } from '../infra/history/promises.ts';
import type { History } from '../infra/history/read.ts';
import { isBought } from '../infra/history/seats.ts';
import { type Figures, figuresOf } from './figures.ts';
import { table } from './report/table.ts';

const FOUND_SHOWN = 10;
/** What a load test is judged by whenever its books can be read. */
const loadtestJudges: ReadonlySet<PromiseName> = new Set([
  ...(['oversold', 'overtaken', 'over-capacity', 'position-rises', 'place-lost', 'lost-order'] as const),
  ...(['server-error', 'books', 'thresholds', 'history'] as const),
]);

/** What k6 exports of a metric (`--summary-export`); of thresholds, whether they were crossed. */
export type K6Summary = {
  metrics: Record<string, { count?: number; thresholds?: Record<string, boolean> } & Record<string, unknown>>;
};

/** k6's own judgement, and whether the history is whole. */
export function judgeK6(history: History, { metrics }: K6Summary): Judgement {
  const crossed = Object.entries(metrics).flatMap(([metric, { thresholds = {} }]) =>
    Object.entries(thresholds)
      .filter(([, isCrossed]) => isCrossed)
      .map(
        ([threshold]) => `${metric} was to be ${threshold}, and was ${measured(metrics[metric], threshold)}`,
      ),
  );
  const sent = metrics.records?.count ?? 0;
  const missing =
    sent === history.records ? [] : [`k6 wrote ${sent} records, and ${history.records} were read`];
  return { thresholds: crossed, history: missing };
}

/** What the threshold is about (`p(99)` of `p(99)<1000`), or all that k6 measured. */
function measured(metric: Record<string, unknown> = {}, threshold: string): string {
  const [asked = ''] = /^[a-z0-9_().]+/.exec(threshold) ?? [];
  const numbers = Object.entries(metric).filter(([, value]) => typeof value === 'number');
  const one = numbers.find(([name]) => name === asked);
  return (one ? [one] : numbers).map(([name, value]) => `${name} ${Math.round(value as number)}`).join(', ');
}

/** The run for people: how fans fared, how fast each step was, and which promises were kept. */
export function describeRun(history: History, judgement: Judgement): string {
  return [
    ...describeFans(history),
    '',
    ...describeSteps(figuresOf(history)),
    '',
    ...describeJudgement(judgement),
  ].join('\n');
}

export const isBroken = (judgement: Judgement): boolean =>
  Object.values(judgement).some((found) => found.length > 0);

export function describeFans({ ends, fans, sale }: History): string[] {
  const counts = new Map<string, number>();
  for (const { how } of ends) counts.set(how, (counts.get(how) ?? 0) + 1);
  const rows = [...counts].sort(([, a], [, b]) => b - a);
  const answers = [...fans.values()].flat();
  const bought = new Set(answers.flatMap((answer) => (isBought(answer) ? (answer.seats ?? []) : [])));
  return [
    `${fans.size} fans, ${sale.seats} seats, room for ${sale.capacity} in the shop; ${bought.size} seats sold (sale ${sale.sale})`,
    '',
    ...rows.map(([how, count]) => `  ${String(count).padStart(6)}  ${how}`),
  ];
}

export function describeSteps(figures: Pick<Figures, 'steps' | 'seconds' | 'perSecond'>): string[] {
  const header = ['step', 'answers', 'per s', 'p50 ms', 'p95 ms', 'p99 ms', 'max ms', 'refused'];
  const rows = figures.steps.map(({ step, answers, perSecond, p50, p95, p99, max, refused }) => [
    ...[step, String(answers), perSecond.toFixed(1)],
    ...[String(p50), String(p95), String(p99), String(max), refused],
  ]);
  return [
    ...table(header, rows, new Set([0, header.length - 1])),
    `  in ${figures.seconds.toFixed(1)} s, ${figures.perSecond.toFixed(0)} answers a second`,
  ];
}

/** Promises that are not judged are named, but for those that are told `apart`. */
export function describeJudgement(
  judgement: Judgement,
  apart: ReadonlySet<PromiseName> = new Set(),
): string[] {
  const lines: string[] = [];
  for (const [name, { keeps: promise }] of Object.entries(promises) as [PromiseName, { keeps: string }][]) {
    const found = judgement[name];
    if (!found) {
      if (loadtestJudges.has(name) && !apart.has(name)) lines.push(`  not judged  ${promise} (${name})`);
      continue;
    }
    lines.push(`  ${found.length === 0 ? 'kept      ' : 'BROKEN    '}  ${promise} (${name})`);
    lines.push(...found.slice(0, FOUND_SHOWN).map((text) => `                ${text}`));
    if (found.length > FOUND_SHOWN) lines.push(`                … and ${found.length - FOUND_SHOWN} more`);
  }
  const broken = Object.entries(judgement).filter(([, found]) => found.length > 0);
  lines.push(
    '',
    broken.length === 0 ? 'Every promise was kept.' : `Broken: ${broken.map(([name]) => name).join(', ')}.`,
  );
  return lines;
}

import type { Books } from '../../history/books.ts';
import { type Disturbance, isDisturbed } from '../../history/disturbance.ts';
import type { Hall } from '../../history/hall.ts';
import { ANSWER_MS_MAX, answerMsMax } from '../../history/judge.ts';
import type { SaleRecord } from '../../history/record.ts';
import type { Asked } from '../../history/recorder.ts';
import { columns } from '../../report/columns.ts';

const FAULTS_SHOWN = 30;

export type Verdict = {
  seed: string;
  seconds: number;
  asked: readonly Asked[];
  books: Books;
  disturbances: readonly Disturbance[];
  tally: ReadonlyMap<string, number>;
  settledMs: number;
  /** Promises that were broken. */
  faults: string[];
  /** Answers that took too long while all services were up. */
  late: string[];
  /** What was on sale, for whoever judges once more. */
  sales: readonly SaleRecord[];
  hall: Hall;
};

/** Of what was asked while this and nothing else was away. */
function worstDuring(kind: string, asked: readonly Asked[], disturbances: readonly Disturbance[]): string {
  const others = disturbances.filter((each) => each.kind !== kind);
  const during = disturbances.filter((each) => each.kind === kind);
  const met = asked.filter((each) => !isDisturbed(each, others) && isDisturbed(each, during));
  const usual = met.filter((each) => answerMsMax(each) === ANSWER_MS_MAX);
  const shops = usual.filter(({ op }) => !op.startsWith('order'));
  return `  ${kind}: ${worst(shops)}, orders ${worst(usual)} (of ${usual.length})`;
}

const worst = (asked: readonly Asked[]): string =>
  `${Math.round(asked.reduce((most, { tookMs }) => Math.max(most, tookMs), 0)).toLocaleString('en')} ms`;

/** The verdict for people. */
export function describe(verdict: Verdict): string {
  const { asked, books, disturbances, tally, seed, seconds, settledMs } = verdict;
  const faults = [...verdict.faults, ...verdict.late];
  const ops = [...new Set(asked.map(({ op }) => op))].sort();
  const rows = ops.map((op) => {
    const of = asked.filter((each) => each.op === op);
    const calm = of.filter((each) => !isDisturbed(each, disturbances));
    const outcomes = (['done', 'refused', 'unknown'] as const).map((outcome) =>
      String(of.filter((each) => each.outcome === outcome).length),
    );
    return [op, ...outcomes, worst(calm), worst(of)];
  });
  const calm = asked.filter(
    (each) => !isDisturbed(each, disturbances) && answerMsMax(each) === ANSWER_MS_MAX,
  );
  const states = countBy([...books.orders.values()].map(({ state }) => state));
  return [
    `${seconds} s with SEED=${seed}; ${asked.length.toLocaleString('en')} requests; all settled ${(settledMs / 1000).toFixed(1)} s after the last crash.`,
    '',
    ...columns([['', 'done', 'refused', 'unknown', 'worst, all up', 'worst of all'], ...rows]),
    '',
    `Crashes: ${list(countBy(disturbances.map(({ kind }) => kind)))}`,
    `Refused: ${list(countBy(asked.filter(({ outcome }) => outcome === 'refused').map(({ code }) => code)))}`,
    `Unknown: ${list(countBy(asked.filter(({ outcome }) => outcome === 'unknown').map(({ status }) => (status ? String(status) : 'no answer'))))}`,
    `Besides: ${list(tally)}`,
    `In the books: ${books.holds.size} holds, ${books.orders.size} orders (${list(states)}), ${books.mails.length} mails sent`,
    `Worst answer while nothing was away, slow cards aside: ${worst(calm)} of ${calm.length.toLocaleString('en')}`,
    'Worst answers while only this was away, slow cards aside:',
    ...[...new Set(disturbances.map(({ kind }) => kind))]
      .sort()
      .map((kind) => worstDuring(kind, asked, disturbances)),
    '',
    ...faults.slice(0, FAULTS_SHOWN).map((fault) => `  ${fault}`),
    faults.length === 0
      ? 'Every promise was kept.'
      : `${faults.length} faults. The same choices again: SEED=${seed} npm run soak:booking -- ${seconds}`,
  ].join('\n');
}

function countBy(names: string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return counts;
}

const list = (counts: ReadonlyMap<string, number>): string =>
  [...counts]
    .sort(([, a], [, b]) => b - a)
    .map(([name, times]) => `${times} × ${name}`)
    .join(', ') || 'none';

import { join } from 'node:path';
import type { Judgement, PromiseName } from '../../infra/history/promises.ts';
import { type Figures, figuresOf } from '../figures.ts';
import { lastGood, nextRate, type Tried } from '../knee-search.ts';
import { processorShares } from '../machine/watch.ts';
import { runOnce, type Target, withoutLimits } from '../one-run.ts';
import type { Report } from '../report/report.ts';
import { table } from '../report/table.ts';
import { describeJudgement, describeSteps } from '../summary.ts';

const FROM = 10;
const SECONDS = 15;

export type Step = Tried & {
  figures: Figures;
  dropped: number;
  /** By process, of how many processors it had the whole time. */
  processors: Record<string, number>;
  /** Why it is not good. */
  because: string[];
};

export type Knee = { rate: number | null; steps: Step[]; judgement: Judgement };

type Options = { root: string; folder: string; settings: Record<string, string> };

/** Searches the arrival rate of whole fans that the shop bears: steps that rise until one fails twice, then the rates between. */
export async function findKnee(target: Target, { root, folder, settings }: Options): Promise<Knee> {
  const from = Number(settings.FROM ?? FROM);
  const seconds = settings.SECONDS ?? String(SECONDS);
  const steps: Step[] = [];
  const judgement: Judgement = {};
  for (let rate: number | null = from; rate !== null; rate = nextRate(steps, from)) {
    const run = await runOnce(
      target,
      join(root, 'loadtest/steady.ts'),
      { ...settings, RATE: String(rate), SECONDS: seconds },
      join(folder, `step-${steps.length + 1}`),
    );
    const because = run.judgement.thresholds ?? [];
    const figures = figuresOf(run.history);
    steps.push({
      ...{ rate, isGood: because.length === 0, figures, dropped: run.dropped, because },
      processors: processorShares(run.samples),
    });
    console.log(describeOne(steps.at(-1) as Step));
    for (const [name, found] of Object.entries(withoutLimits(run.judgement)) as [PromiseName, string[]][])
      judgement[name] = [
        ...(judgement[name] ?? []),
        ...found.map((text) => `${text} (${rate} fans a second)`),
      ];
  }
  return { rate: lastGood(steps), steps, judgement };
}

const describeOne = ({ rate, isGood, figures, because }: Step): string =>
  `  ${rate} fans a second: ${isGood ? 'borne' : `not borne (${because.join('; ')})`}, p99 ${figures.all.p99} ms`;

export async function kneeCampaign(target: Target, options: Options): Promise<Report> {
  const knee = await findKnee(target, options);
  const good = knee.steps.findLast(({ rate, isGood }) => isGood && rate === knee.rate);
  return {
    title: 'The knee',
    lines: [
      knee.rate === null
        ? 'No rate was borne.'
        : `The knee: ${knee.rate} whole fans a second are borne on this machine, the next step is not.`,
      '',
      ...describeKnee(knee.steps),
      ...(good ? ['', `At ${good.rate} fans a second:`, ...describeSteps(good.figures)] : []),
      '',
      ...describeJudgement(knee.judgement, new Set(['thresholds'])),
    ],
    judgement: knee.judgement,
    checks: { 'a rate is borne': knee.rate === null ? ['Not even the lowest rate was borne.'] : [] },
    plots: kneePlots(knee.steps),
    figures: { knee: knee.rate, steps: knee.steps },
  };
}

/** Every step with what each process had of the processors; `not known` where they could not be looked at. */
function describeKnee(steps: readonly Step[]): string[] {
  const names = [...new Set(steps.flatMap(({ processors }) => Object.keys(processors)))];
  const rows = steps.map(({ rate, isGood, figures, dropped, processors }) => [
    ...[String(rate), isGood ? 'borne' : 'not borne', figures.fansThrough.toFixed(1), String(dropped)],
    ...[figures.all.p50, figures.all.p95, figures.all.p99].map(String),
    ...names.map((name) => {
      const share = processors[name];
      return share === undefined ? 'not known' : `${(share * 100).toFixed(0)} %`;
    }),
  ]);
  const header = ['fans/s', '', 'through/s', 'not started', 'p50 ms', 'p95 ms', 'p99 ms', ...names];
  const note = names.length === 0 ? 'What each process had of the processors is not known here.' : '';
  return [
    ...table(header, rows, new Set([1])),
    ...(names.length > 0 ? ['  (of one processor; 100 % is one that did nothing else)'] : [`  ${note}`]),
  ];
}

function kneePlots(steps: readonly Step[]) {
  // Of each rate the last try, which decided.
  const sorted = [...new Map(steps.map((step) => [step.rate, step])).values()].sort(
    (a, b) => a.rate - b.rate,
  );
  const line = (name: string, y: (step: Step) => number) => ({
    name,
    points: sorted.map((step) => ({ x: step.rate, y: y(step) })),
  });
  const names = [...new Set(steps.flatMap(({ processors }) => Object.keys(processors)))];
  return [
    {
      ...{ title: 'How long answers take', x: 'whole fans a second', y: 'ms' },
      lines: (['p50', 'p95', 'p99'] as const).map((each) => line(each, ({ figures }) => figures.all[each])),
    },
    {
      ...{ title: 'Fans through', x: 'whole fans a second that come', y: 'a second' },
      lines: [line('through', ({ figures }) => figures.fansThrough), line('come', ({ rate }) => rate)],
    },
    {
      ...{ title: 'Processors', x: 'whole fans a second', y: '% of one' },
      lines: names.map((name) => line(name, ({ processors }) => (processors[name] ?? 0) * 100)),
    },
  ];
}

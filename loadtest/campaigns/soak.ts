import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { figuresOf } from '../figures.ts';
import { grows, type Slope, slopes } from '../machine/flatness.ts';
import { lookAt, type Used, type Watched } from '../machine/processes.ts';
import { MACHINE, processorShares, type Samples } from '../machine/watch.ts';
import { GENERATOR, runOnce, type Target } from '../one-run.ts';
import type { Report } from '../report/report.ts';
import { table } from '../report/table.ts';
import { describeRun } from '../summary.ts';
import { findKnee } from './knee.ts';

const MINUTES = 30;
const SAMPLE_INTERVAL_MS = 10_000;
/** Idle connections are cut within a minute (k6's are gone with it; the services' own to each other are kept some time). */
const REST_SECONDS = 60;
const LOOK_INTERVAL_MS = 1_000;
const MINUTE_MS = 60_000;
const MIB = 1024 ** 2;

/** A share of the knee for a long time: does anything grow that should not? */
export async function soakCampaign(
  target: Target,
  { root, folder, settings }: { root: string; folder: string; settings: Record<string, string> },
): Promise<Report> {
  if (target.processes.length === 0)
    throw new Error(
      'A soak watches the shop’s processes, and none is known here: run it beside npm start, or name them with --processes NAME=PID,…',
    );
  const minutes = Number(settings.MINUTES ?? MINUTES);
  const { SECONDS: _, FROM, ...rest } = settings;
  const knee = settings.RATE
    ? Number(settings.RATE)
    : (
        await findKnee(target, {
          root,
          folder: join(folder, 'knee'),
          settings: { ...rest, ...(FROM ? { FROM } : {}) },
        })
      ).rate;
  if (!knee) throw new Error('No knee was found, so that there is no share of it: name one with --rate.');
  const rate = Math.max(1, Math.round(knee * shareOf(settings.SHARE ?? '1/3')));
  console.log(`${minutes} minutes of ${rate} fans a second`);
  const run = await runOnce(
    target,
    join(root, 'loadtest/steady.ts'),
    { ...rest, RATE: String(rate), SECONDS: String(Math.round(minutes * 60)) },
    folder,
    Math.min(SAMPLE_INTERVAL_MS, (minutes * MINUTE_MS) / 40),
  );
  const ofShop = [...run.samples].filter(([name]) => name !== GENERATOR && name !== MACHINE);
  const used = await atRest(target.processes, run.samples, Number(settings.REST_SECONDS ?? REST_SECONDS));
  const found = slopes(new Map(ofShop), used);
  return {
    title: `Soak: ${rate} fans a second for ${minutes} minutes`,
    lines: [
      describeRun(run.history, run.judgement),
      '',
      ...describeSlopes(found, processorShares(run.samples)),
    ],
    judgement: run.judgement,
    checks: {
      'all processes were watched': [...target.processes]
        .filter(({ name }) => !found.some(({ process }) => process === name))
        .map(({ name }) => `${name} could not be looked at often enough`),
      'memory and handles are flat': found.filter(grows).map(describeGrowth),
    },
    plots: soakPlots(run.samples),
    figures: {
      rate,
      minutes,
      steps: figuresOf(run.history),
      slopes: found,
      samples: Object.fromEntries(run.samples),
    },
  };
}

/** What each uses once the fans' connections are over, or when the time for it is over. */
async function atRest(
  processes: readonly Watched[],
  samples: Samples,
  seconds: number,
): Promise<Map<string, Used>> {
  const deadline = performance.now() + seconds * 1000;
  for (;;) {
    const used = lookAt(processes);
    const isAsBefore = [...used].every(
      ([name, { handles }]) => handles <= (samples.get(name)?.[0]?.handles ?? 0),
    );
    if (isAsBefore || performance.now() >= deadline) return used;
    await wait(LOOK_INTERVAL_MS);
  }
}

/** `1/3` or `0.3`. */
function shareOf(text: string): number {
  const [above = Number.NaN, below = 1] = text.split('/').map(Number);
  const share = above / below;
  if (share > 0 && share <= 1) return share;
  throw new Error(`--share is ${text}; it must be above 0 and 1 at most, as in 1/3 or 0.3.`);
}

const amount = (measure: Slope['measure'], value: number): string =>
  measure === 'handles' ? value.toFixed(1) : `${(value / MIB).toFixed(1)} MB`;

function describeSlopes(found: readonly Slope[], processors: Record<string, number>): string[] {
  const rows = found.map((slope) => [
    ...[slope.process, slope.measure === 'handles' ? 'open files' : 'memory'],
    amount(slope.measure, slope.level),
    amount(slope.measure, slope.growth),
    amount(slope.measure, slope.growthMax),
    grows(slope) ? 'GROWS' : 'flat',
    slope.measure === 'handles' ? '' : `${((processors[slope.process] ?? 0) * 100).toFixed(0)} %`,
  ]);
  const judgedMinutes = (found[0]?.judgedMs ?? 0) / MINUTE_MS;
  const header = ['process', '', 'median', 'growth', 'at most', '', 'of a processor'];
  return [
    `The last ${judgedMinutes.toFixed(1)} minutes, after the warm-up:`,
    ...table(header, rows, new Set([0, 1, 5])),
    `  the load generator had ${((processors[GENERATOR] ?? 0) * 100).toFixed(0)} % of a processor, others on this machine ${((processors.others ?? 0) * 100).toFixed(0)} %`,
  ];
}

const describeGrowth = (slope: Slope): string =>
  `${slope.process}: ${slope.measure === 'handles' ? 'open files' : 'memory'} grew by ${amount(slope.measure, slope.growth)} in ${(
    slope.judgedMs / MINUTE_MS
  ).toFixed(1)} minutes, to be ${amount(slope.measure, slope.growthMax)} at most`;

function soakPlots(samples: Samples) {
  const lines = (y: (sample: { memoryBytes: number; handles: number }) => number) =>
    [...samples]
      .filter(([name]) => name !== MACHINE)
      .map(([name, all]) => ({
        name,
        points: all.map((sample) => ({ x: sample.atMs / MINUTE_MS, y: y(sample) })),
      }));
  return [
    { title: 'Memory', x: 'minutes', y: 'MB', lines: lines(({ memoryBytes }) => memoryBytes / MIB) },
    { title: 'Open files', x: 'minutes', y: 'handles', lines: lines(({ handles }) => handles) },
  ];
}

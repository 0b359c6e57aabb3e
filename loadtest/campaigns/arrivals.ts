import { join } from 'node:path';
import { StatsAnswer } from '#shared/contract/stats.ts';
import type { History } from '../../infra/history/read.ts';
import { figuresOf } from '../figures.ts';
import { describeShares } from '../machine/shares.ts';
import { processorShares } from '../machine/watch.ts';
import { only, runOnce, type Target } from '../one-run.ts';
import type { Report } from '../report/report.ts';
import { runPlots } from '../report/run-plots.ts';
import { describeRun } from '../summary.ts';

const FANS = 100_000;
const SECONDS = 60;
/** Whoever came last has their answer after this, as after any. */
const ANSWER_MS = 1_000;
const ASK_TIMEOUT_MS = 10_000;
const TOLD_MAX = 10;
const CREATED = 201;

/** Nobody shops: only what is promised of places is judged. */
const judged = ['place-lost', 'position-rises', 'server-error', 'thresholds', 'history', 'books'] as const;

/** A crowd arrives: has everybody a place of their own, in time, and do the organiser's figures say so? */
export async function arrivalsCampaign(
  target: Target,
  { root, folder, settings }: { root: string; folder: string; settings: Record<string, string> },
): Promise<Report> {
  const env = { FANS: String(FANS), SECONDS: String(SECONDS), ...settings };
  const run = await runOnce(target, join(root, 'loadtest/arrivals.ts'), env, folder);
  const { history, samples } = run;
  const judgement = only(run.judgement, judged);
  const [fans, tookMs] = [Number(env.FANS), tookAll(history)];
  const limitMs = Number(env.SECONDS) * 1_000 + Number(settings.ANSWER_MS ?? ANSWER_MS);
  const stats = await statsOf(target.urls[0] as string, history.sale.sale);
  return {
    title: 'Arrivals',
    lines: [
      describeRun(history, judgement),
      '',
      `${fans} fans were to come within ${env.SECONDS} s; from the first join to the last answer it was ${(tookMs / 1000).toFixed(1)} s.`,
      `The organiser's figures: ${stats.joined} joined, of whom ${stats.waiting} wait.`,
      '',
      ...describeShares(samples),
    ],
    judgement,
    checks: {
      'every join is answered with a place, at once': faultsOfJoins(history),
      'the numbers are 1 to N, each once': faultsOfPlaces(history, fans),
      'all have their places in time':
        tookMs <= limitMs ? [] : [`The last place was given after ${tookMs} ms, to be within ${limitMs}`],
      'the organiser’s figures say the same': faultsOfStats(stats, fans),
    },
    plots: runPlots(history),
    figures: { tookMs, stats, steps: figuresOf(history), processors: processorShares(samples) },
  };
}

async function statsOf(url: string, sale: string): Promise<StatsAnswer> {
  const answer = await fetch(`${url}/api/organiser/sales/${sale}/stats`, {
    headers: { authorization: `Bearer ${process.env.ORGANISER_KEY}` },
    signal: AbortSignal.timeout(ASK_TIMEOUT_MS),
  });
  if (answer.status !== 200)
    throw new Error(`The organiser's figures of the sale were answered with ${answer.status}.`);
  return StatsAnswer.parse(await answer.json());
}

/** From the first request to the last answer, milliseconds. */
function tookAll({ fans }: Pick<History, 'fans'>): number {
  let [from, to] = [Number.POSITIVE_INFINITY, 0];
  for (const answers of fans.values())
    for (const { sentAt, tookMs } of answers) {
      from = Math.min(from, sentAt);
      to = Math.max(to, sentAt + tookMs);
    }
  return Math.max(0, to - from);
}

/** One try a fan, answered with 201. */
export function faultsOfJoins({ fans }: Pick<History, 'fans'>): string[] {
  const faults: string[] = [];
  for (const [fan, answers] of fans) {
    const [{ status, code = '' } = { status: 0 }, ...more] = answers;
    if (status !== CREATED)
      faults.push(`${fan} was answered ${status === 0 ? 'nothing' : `${status} ${code}`.trimEnd()}`);
    else if (more.length > 0) faults.push(`${fan} joined ${1 + more.length} times`);
  }
  return shortened(faults);
}

/** Of the numbers that fans were told: all from 1 to as many as came, and none to two fans. */
export function faultsOfPlaces({ fans }: Pick<History, 'fans'>, expected: number): string[] {
  const faults: string[] = [];
  const owners = new Map<number, string>();
  for (const [fan, answers] of fans) {
    const number = answers.find(({ queueNumber }) => queueNumber != null)?.queueNumber;
    if (number == null) {
      faults.push(`${fan} was told no number`);
      continue;
    }
    const owner = owners.get(number);
    if (owner === undefined) owners.set(number, fan);
    else faults.push(`${owner} and ${fan} were both told number ${number}`);
    if (number < 1 || number > expected)
      faults.push(`${fan} was told number ${number}, and ${expected} fans were to come`);
  }
  if (fans.size !== expected) faults.push(`${fans.size} fans came, ${expected} were to`);
  const missing = expected - owners.size;
  if (missing > 0) faults.push(`Of the numbers 1 to ${expected} ${missing} were told nobody`);
  return shortened(faults);
}

export function faultsOfStats({ joined, ...stats }: StatsAnswer, expected: number): string[] {
  const ended = Object.values(stats.ended).reduce((sum, count) => sum + count, 0);
  const accounted = stats.lobby + stats.waiting + stats.ready + stats.admitted + ended;
  return [
    ...(joined === expected ? [] : [`They say that ${joined} joined, and ${expected} were to`]),
    ...(accounted === joined ? [] : [`They say that ${joined} joined, and what became of ${accounted}`]),
  ];
}

const shortened = (faults: string[]): string[] =>
  faults.length <= TOLD_MAX
    ? faults
    : [...faults.slice(0, TOLD_MAX), `… and ${faults.length - TOLD_MAX} more`];

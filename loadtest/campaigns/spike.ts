import { join } from 'node:path';
import { figuresOf } from '../figures.ts';
import { runOnce, type Target } from '../one-run.ts';
import type { Report } from '../report/report.ts';
import { runPlots } from '../report/run-plots.ts';
import { describeRun } from '../summary.ts';
import { recoveryOf } from './recovery.ts';

/** Answers must be as before at once when the queue is as before; the queue takes what its pace needs. */
const RECOVERY_SECONDS = 45;
/** Who waits in the spike waits longer than on another day. */
const PATIENCE_SECONDS = 120;

/** Ten times the rate for some seconds, then back: when is all as before? */
export async function spikeCampaign(
  target: Target,
  { root, folder, settings }: { root: string; folder: string; settings: Record<string, string> },
): Promise<Report> {
  const within = Number(settings.RECOVERY ?? RECOVERY_SECONDS);
  const env = { PATIENCE: String(PATIENCE_SECONDS), ...settings };
  const { history, judgement } = await runOnce(target, join(root, 'loadtest/spike.ts'), env, folder);
  const recovery = recoveryOf(history, (fan) => fan.startsWith('spike-'));
  const { before, worst, answersAfterMs, positionsAfterMs } = recovery;
  const check = (what: string, tookMs: number | null): string[] =>
    tookMs !== null && tookMs <= within * 1000
      ? []
      : [`${what} were as before ${told(tookMs)}, to be within ${within} s`];
  return {
    title: 'Spike',
    lines: [
      describeRun(history, judgement),
      '',
      `Before the spike 99 of 100 answers came within ${before.p99} ms in every second, and nobody was farther back than ${before.position};`,
      `at its worst it was ${worst.p99} ms and position ${worst.position}. Answers were as before ${told(answersAfterMs)}, positions ${told(positionsAfterMs)}.`,
    ],
    judgement,
    checks: {
      'answers are as before in time': check('Answers', answersAfterMs),
      'positions are as before in time': check('Positions', positionsAfterMs),
    },
    plots: runPlots(history),
    figures: { recovery, steps: figuresOf(history) },
  };
}

const told = (tookMs: number | null): string =>
  tookMs === null ? 'not before the end' : `${(tookMs / 1000).toFixed(0)} s after its end`;

import { join } from 'node:path';
import { DrawAnswer } from '#shared/contract/queue.ts';
import type { History } from '../../infra/history/read.ts';
import { judgeWithWitness } from '../../infra/verify/draw/judge.ts';
import { figuresOf } from '../figures.ts';
import { runOnce, type Target } from '../one-run.ts';
import type { Report } from '../report/report.ts';
import { runPlots } from '../report/run-plots.ts';
import { describeRun } from '../summary.ts';

/** Who comes to the lobby first waits for all of it, and then for a turn. */
const PATIENCE_SECONDS = 600;
/** The first turn after the opening. */
const FIRST_TURN_MS_MAX = 10_000;
const ASK_TIMEOUT_MS = 10_000;
const TOLD_MAX = 10;

/** A lobby, the opening, the draw: and is the draw what was published of it, and what each fan was told? */
export async function openingRushCampaign(
  target: Target,
  { root, folder, settings }: { root: string; folder: string; settings: Record<string, string> },
): Promise<Report> {
  const env = { PATIENCE: String(PATIENCE_SECONDS), ...settings };
  const { history, judgement } = await runOnce(target, join(root, 'loadtest/opening-rush.ts'), env, folder);
  const { sale } = history.sale;
  const answer = await fetch(`${target.urls[0]}/api/sales/${sale}/draw`, {
    signal: AbortSignal.timeout(ASK_TIMEOUT_MS),
  });
  const draw = DrawAnswer.parse(await answer.json());
  const firstTurnMs = firstTurnAfterOpening(history);
  return {
    title: 'Opening rush',
    lines: [
      describeRun(history, judgement),
      '',
      `${draw.entries ?? 0} fans stood in the lobby; the first turn came ${told(firstTurnMs)}.`,
    ],
    judgement,
    checks: {
      'the draw is proven': await faultsOfDraw(draw, history),
      'everybody has the number that was drawn': faultsOfNumbers(draw, history),
      'turns flow when the sale opens':
        firstTurnMs !== null && firstTurnMs <= FIRST_TURN_MS_MAX
          ? []
          : [`The first turn came ${told(firstTurnMs)}, to come within ${FIRST_TURN_MS_MAX}`],
    },
    plots: runPlots(history),
    figures: { firstTurnMs, entries: draw.entries, steps: figuresOf(history) },
  };
}

const told = (firstTurnMs: number | null): string =>
  firstTurnMs === null ? 'never' : `${firstTurnMs} ms after the opening`;

async function faultsOfDraw(draw: DrawAnswer, { sale }: History): Promise<string[]> {
  if (draw.state !== 'drawn') return [`The draw is ${draw.state}, and not drawn`];
  const faults: string[] = [];
  const witness = { sale: sale.sale, commitment: sale.commitment, beacon: null };
  for await (const { kind, text } of judgeWithWitness(draw, witness))
    if (kind === 'broken') faults.push(text);
  return faults;
}

/**
 * Of each fan, the id and the number that they were told: a number of the draw is the one at which the published order has
 * that id, whoever stood in the lobby has one, and nobody else. What is in the order and was told nobody is another's.
 */
export function faultsOfNumbers({ ids }: Pick<DrawAnswer, 'ids'>, { fans }: Pick<History, 'fans'>): string[] {
  const order = ids ?? [];
  const faults: string[] = [];
  let drawn = 0;
  for (const [fan, answers] of fans) {
    const wasInLobby = answers.some(({ state }) => state === 'lobby');
    const entry = answers.find((answer) => answer.entry !== undefined)?.entry;
    const number = answers.find((answer) => answer.queueNumber != null)?.queueNumber;
    if (entry === undefined || number == null) {
      if (wasInLobby) faults.push(`${fan} stood in the lobby and was told no number`);
      continue;
    }
    const place = order.indexOf(entry) + 1;
    if (wasInLobby && place === 0) faults.push(`${fan} stood in the lobby and is not in the draw`);
    else if (place > 0 && place !== number)
      faults.push(`${fan} was drawn as ${place} and was told ${number}`);
    else if (place === 0 && number <= order.length)
      faults.push(`${fan}, who was not drawn, has number ${number} of ${order.length} that were`);
    if (place > 0) drawn += 1;
  }
  if (drawn !== order.length) faults.push(`${order.length} were drawn, of whom ${drawn} came`);
  return faults.slice(0, TOLD_MAX);
}

/** By the shop's clock, milliseconds; null without any. */
export function firstTurnAfterOpening({ fans, sale }: Pick<History, 'fans' | 'sale'>): number | null {
  let first = Number.POSITIVE_INFINITY;
  for (const answers of fans.values())
    for (const { claimBy } of answers) if (claimBy != null) first = Math.min(first, claimBy - sale.claimMs);
  return Number.isFinite(first) ? first - (sale.opensAt ?? 0) : null;
}

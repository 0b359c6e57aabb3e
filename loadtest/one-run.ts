import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Judgement, judgeFans, type PromiseName } from '../infra/history/promises.ts';
import { type History, readHistory } from '../infra/history/read.ts';
import { runK6 } from './k6.ts';
import type { Watched } from './machine/processes.ts';
import { type Samples, watchProcesses } from './machine/watch.ts';
import { judgeBooks } from './settle.ts';
import { judgeK6, type K6Summary } from './summary.ts';

/** The shop under load; its books are judged where they are within reach, its processes watched where they run here. */
export type Target = {
  k6: string;
  /** Where it is asked, in turn: one address, or each gateway's. */
  urls: readonly string[];
  books: { databaseUrl: string; redisUrl: string } | null;
  processes: Watched[];
  quiet: boolean;
};

export type Run = {
  history: History;
  judgement: Judgement;
  /** Of the shop's processes and of k6. */
  samples: Samples;
  /** Arrivals that k6 could not start. */
  dropped: number;
  /** What k6 measured. */
  metrics: K6Summary['metrics'];
};

/** The load generator among the processes of the shop. */
export const GENERATOR = 'k6';
const SAMPLE_INTERVAL_MS = 1_000;

/** Runs a script to its end, leaves its record in the folder, and judges it. */
export async function runOnce(
  target: Target,
  script: string,
  settings: Record<string, string>,
  folder: string,
  sampleMs = SAMPLE_INTERVAL_MS,
): Promise<Run> {
  await mkdir(folder, { recursive: true });
  const [record, summary] = [join(folder, 'history.jsonl'), join(folder, 'k6-summary.json')];
  // What an earlier run left would be judged with this one's.
  await writeFile(record, '');
  const watch = watchProcesses(target.processes, sampleMs);
  let samples: Samples;
  try {
    await runK6(target.k6, {
      script,
      env: { ...settings, SHOP: target.urls.join(','), RECORD: '1' },
      history: record,
      summary,
      quiet: target.quiet,
      onStart: (pid) => watch.add({ name: GENERATOR, pid }),
    });
  } finally {
    samples = watch.stop();
  }
  const history = await readHistory(record);
  const { metrics } = JSON.parse(await readFile(summary, 'utf8')) as K6Summary;
  const judgement: Judgement = {
    ...judgeFans(history),
    ...judgeK6(history, { metrics }),
    ...(target.books ? await judgeBooks(history, target.books) : {}),
  };
  return { history, judgement, samples, dropped: metrics.dropped_iterations?.count ?? 0, metrics };
}

/** What a run judges that is not about everything: of what nobody did nothing is judged, and it is said to be so. */
export const only = (judgement: Judgement, names: readonly PromiseName[]): Judgement =>
  Object.fromEntries(names.flatMap((name) => (judgement[name] ? [[name, judgement[name]]] : [])));

/** What was found against the promises, without k6's limits on times: a slow answer is no broken promise. */
export function withoutLimits({ thresholds: _, ...promised }: Judgement): Judgement {
  return promised;
}

import { groupBy } from '../../infra/history/group.ts';
import type { History } from '../../infra/history/read.ts';
import { stepFigures } from '../figures.ts';
import type { Plot } from './plots.ts';

/** More points than this are not seen, and make the page large. */
const POINTS_MAX = 300;

/** How a run went over time: how many answers, and how long they took. */
export function runPlots({ fans }: History): Plot[] {
  const answers = [...fans.values()].flat();
  const beganAt = answers.reduce((least, { sentAt }) => Math.min(least, sentAt), Number.POSITIVE_INFINITY);
  const endedAt = answers.reduce((most, { sentAt }) => Math.max(most, sentAt), beganAt);
  const bucketMs = Math.max(1, Math.ceil((endedAt - beganAt) / 1000 / POINTS_MAX)) * 1000;
  const buckets = [...groupBy(answers, ({ sentAt }) => Math.floor((sentAt - beganAt) / bucketMs))]
    .sort(([a], [b]) => a - b)
    .map(([bucket, those]) => ({
      x: (bucket * bucketMs) / 1000,
      figures: stepFigures('all', those, bucketMs / 1000),
    }));
  const line = (name: 'perSecond' | 'p50' | 'p95' | 'p99', title: string = name) => ({
    name: title,
    points: buckets.map(({ x, figures }) => ({ x, y: figures[name] })),
  });
  return [
    { title: 'Answers', x: 'seconds', y: 'a second', lines: [line('perSecond', 'answers')] },
    { title: 'How long they took', x: 'seconds', y: 'ms', lines: [line('p50'), line('p95'), line('p99')] },
  ];
}

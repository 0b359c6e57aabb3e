import type { Judgement } from '../../infra/history/promises.ts';
import type { Plot } from './plots.ts';

/** What a run or a campaign of runs came to, for people, programs and build servers alike. */
export type Report = {
  title: string;
  /** The text, line by line. */
  lines: string[];
  /** By promise, or by what else was to hold, what was found against it. */
  judgement: Judgement;
  checks: Record<string, string[]>;
  plots: Plot[];
  /** Figures, as JSON. */
  figures: unknown;
};

export const isFailed = ({ judgement, checks }: Pick<Report, 'judgement' | 'checks'>): boolean =>
  [...Object.values(judgement), ...Object.values(checks)].some((found) => found.length > 0);

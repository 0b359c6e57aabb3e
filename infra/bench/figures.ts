import { columns } from '../report/columns.ts';

/** The middle of the values; of an even number the mean of the two in the middle. */
export function median(values: number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  return sorted.length % 2 === 1
    ? (sorted[Math.floor(middle)] as number)
    : ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2;
}

/** One line of a benchmark's table. */
export type Figure = {
  what: string;
  /** One value a round; the median is judged. */
  rounds: number[];
  unit: string;
  /** The bound that was promised, and on which side of it the figure has to be. */
  bound: number;
  side: 'at least' | 'at most';
  digits?: number;
  note?: string;
};

export const holds = ({ rounds, bound, side }: Figure): boolean =>
  rounds.length > 0 && (side === 'at least' ? median(rounds) >= bound : median(rounds) <= bound);

/** The table, aligned: median, spread, bound, verdict. */
export function table(figures: Figure[]): string {
  const rows = figures.map((figure) => {
    const { what, rounds, unit, bound, side, digits = 2, note = '' } = figure;
    const show = (value: number) => `${value.toFixed(digits)}${unit}`;
    const spread = `${show(Math.min(...rounds))} … ${show(Math.max(...rounds))}`;
    return [holds(figure) ? 'ok' : 'NOT', what, show(median(rounds)), spread, `${side} ${show(bound)}`, note];
  });
  const heads = ['', 'what', 'median', 'spread', 'bound', ''];
  return columns([heads, ...rows], new Set(heads.keys())).join('\n');
}

import { columns } from '../../infra/report/columns.ts';

/** Indented rows below a header, numbers to the right; the columns named in `left` to the left. */
export const table = (header: string[], rows: string[][], left?: ReadonlySet<number>): string[] =>
  columns([header, ...rows], left).map((line) => `  ${line}`);

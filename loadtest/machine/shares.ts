import { GENERATOR } from '../one-run.ts';
import { table } from '../report/table.ts';
import { processorShares, type Samples } from './watch.ts';

/** What each process had of the processors, the load generator included; said so where nobody could look. */
export function describeShares(samples: Samples): string[] {
  const shares = Object.entries(processorShares(samples));
  if (shares.length === 0) return ['What each process had of the processors is not known here.'];
  const rows = shares.map(([name, share]) => [
    name === GENERATOR ? `${name} (the load generator)` : name,
    `${(share * 100).toFixed(0)} %`,
  ]);
  return table(['process', 'of one processor'], rows, new Set([0]));
}

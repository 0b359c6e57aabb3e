import exec from 'k6/execution';
import type { Options } from 'k6/options';
import type { SaleRecord } from '../infra/history/record.ts';
import { setting } from './lib/settings.ts';
import { arriving, openSaleFor, wholeFan, wholeFanThresholds } from './lib/whole-fan.ts';

// Whole fans at one rate, then for some seconds ten times as many, then as before. The waiting room takes the spike: turns
// go on at their pace. How long it takes until all is as before is judged from the record (campaigns/recovery.ts).

const rate = setting('RATE', 5, 1, 1_000);
/** Before the spike; what is as before is known from it. */
const seconds = setting('SECONDS', 20, 5, 3_600);
const spikeSeconds = setting('SPIKE_SECONDS', 5, 1, 600);
const spikeTimes = setting('SPIKE_TIMES', 10, 2, 1_000);
/** After the spike; it must be longer than the recovery. */
const afterSeconds = setting('AFTER_SECONDS', 60, 10, 3_600);
/** Turns flow so many times as fast as fans come in ordinary times. */
const PACE = 4;

export const options: Options = {
  scenarios: {
    before: arriving(rate, seconds),
    spike: arriving(rate * spikeTimes, spikeSeconds, seconds, spikeSeconds * spikeTimes),
    after: arriving(rate, afterSeconds, seconds + spikeSeconds, spikeSeconds * spikeTimes),
  },
  thresholds: wholeFanThresholds(3_000),
  summaryTrendStats: ['med', 'p(95)', 'p(99)', 'max', 'count'],
  setupTimeout: '60s',
};

export const setup = (): SaleRecord =>
  openSaleFor(
    `Load test: ${spikeTimes} times ${rate} fans a second`,
    rate * (seconds + afterSeconds + spikeTimes * spikeSeconds),
    rate,
    rate * PACE,
  );

export default function fanComes(sale: SaleRecord): void {
  wholeFan(sale, exec.scenario.name);
}

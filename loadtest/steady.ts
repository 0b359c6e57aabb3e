import type { Options } from 'k6/options';
import type { SaleRecord } from '../infra/history/record.ts';
import { setting } from './lib/settings.ts';
import { arriving, openSaleFor, wholeFan, wholeFanThresholds } from './lib/whole-fan.ts';

// Whole fans at one rate for some time: a step on the way to the knee, and the soak.

const rate = setting('RATE', 5, 1, 10_000);
const seconds = setting('SECONDS', 20, 1, 86_400);

export const options: Options = {
  scenarios: { fans: arriving(rate, seconds) },
  thresholds: wholeFanThresholds(1_000),
  summaryTrendStats: ['med', 'p(95)', 'p(99)', 'max', 'count'],
  setupTimeout: '60s',
};

export const setup = (): SaleRecord => openSaleFor(`Load test: ${rate} fans a second`, rate * seconds, rate);

export default function fanComes(sale: SaleRecord): void {
  wholeFan(sale);
}

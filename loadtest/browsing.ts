import { sleep } from 'k6';
import exec from 'k6/execution';
import type { Options } from 'k6/options';
import type { SaleRecord } from '../infra/history/record.ts';
import { randomOf } from './lib/random.ts';
import { recordEnd } from './lib/record.ts';
import { setting } from './lib/settings.ts';
import { Visitor } from './lib/visitor.ts';
import { arriving, openSaleFor, wholeFan, wholeFanThresholds } from './lib/whole-fan.ts';

// Many read what there is, and reload it; a few buy meanwhile, who must not feel it.

/** Visitors a second, each of whom opens a dozen things. */
const rate = setting('RATE', 10, 1, 10_000);
const seconds = setting('SECONDS', 20, 1, 86_400);
const buyers = setting('BUYERS', 2, 1, 1_000);
/** How often each of them reloads. */
const RELOADS = 2;
const THINK_SECONDS = 1;
/** Of reloads: what is shown changes a few times a minute, for there is a sale. */
const NOT_MODIFIED_MIN = 0.5;

const NAME = 'Load test: visitors who read';

export const options: Options = {
  scenarios: {
    visitors: { ...arriving(rate, seconds), exec: 'visitorComes' },
    buyers: { ...arriving(buyers, seconds), exec: 'buyerComes' },
  },
  thresholds: {
    ...wholeFanThresholds(1_000),
    as_expected: ['rate==1'],
    not_modified: [`rate>=${NOT_MODIFIED_MIN}`],
  },
  summaryTrendStats: ['med', 'p(95)', 'p(99)', 'max', 'count'],
  setupTimeout: '60s',
};

export const setup = (): SaleRecord => openSaleFor(NAME, buyers * seconds, buyers);

export function visitorComes({ sale, event }: SaleRecord): void {
  const random = randomOf(exec.scenario.iterationInTest);
  const visitor = new Visitor(`visitor-${exec.scenario.iterationInTest}`);
  for (let looks = 0; looks <= RELOADS; looks += 1) {
    visitor.open('/', '<html');
    visitor.open(`/events/${event}`, NAME);
    visitor.open(`/api/events/${event}`, NAME);
    visitor.open(`/api/sales/${sale}`, NAME);
    sleep(THINK_SECONDS * (0.5 + random()));
  }
  recordEnd(visitor.name, 'read');
}

export const buyerComes = (sale: SaleRecord): void => wholeFan(sale, 'buyer');

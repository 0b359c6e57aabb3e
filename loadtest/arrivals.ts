import exec from 'k6/execution';
import type { Options } from 'k6/options';
import type { SaleRecord } from '../infra/history/record.ts';
import { Fan } from './lib/fan.ts';
import { measureSteps, recordEnd } from './lib/record.ts';
import { openSale } from './lib/sale.ts';
import { leanTags, setting } from './lib/settings.ts';

// The minute of an opening: a crowd arrives, each fan joins with an `Idempotency-Key` and has a place. That the numbers are
// 1 to N, each once, and that the organiser's figures say the same, is judged afterwards (campaigns/arrivals.ts).

const fans = setting('FANS', 100_000, 2, 1_000_000);
const seconds = setting('SECONDS', 60, 1, 3_600);
/** A fan who has a place gives their virtual user to the next; where answers take this long, k6 has none for the next. */
const ANSWER_SECONDS = 0.5;
const VIRTUAL_USERS_MIN = 20;
const VIRTUAL_USERS_MAX = 8_000;
const virtualUsers = Math.min(
  VIRTUAL_USERS_MAX,
  fans,
  Math.max(VIRTUAL_USERS_MIN, Math.ceil((ANSWER_SECONDS * fans) / seconds)),
);

export const options: Options = {
  scenarios: {
    arrivals: {
      executor: 'constant-arrival-rate',
      ...{ rate: fans, timeUnit: `${seconds}s`, duration: `${seconds}s` },
      ...{ preAllocatedVUs: virtualUsers, maxVUs: virtualUsers, gracefulStop: '60s' },
    },
  },
  thresholds: { ...measureSteps(1_000, ['join']), dropped_iterations: ['count==0'] },
  summaryTrendStats: ['med', 'p(95)', 'p(99)', 'max', 'count'],
  systemTags: leanTags,
  setupTimeout: '60s',
};

/** One turn a minute: whoever has come stays. */
export const setup = (): SaleRecord =>
  openSale(`Load test: ${fans} fans arrive`, [{ name: 'A', rows: 10, seatsPerRow: 10 }], {
    ...{ capacity: 1, admitPerMinute: 1, seatsPerFan: 2 },
    ...{ claimSeconds: 600, admissionSeconds: 600, holdSeconds: 60, graceSeconds: 900 },
  });

export default function fanComes({ sale }: SaleRecord): void {
  const number = exec.scenario.iterationInTest;
  // k6 starts one at either end of the time.
  if (number >= fans) return;
  const fan = new Fan(sale, `fan-${number}`);
  recordEnd(fan.name, fan.join() ? 'has a place' : 'got no place');
}

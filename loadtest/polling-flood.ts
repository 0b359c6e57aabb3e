import { sleep } from 'k6';
import { Rate, Trend } from 'k6/metrics';
import type { Options } from 'k6/options';
import type { SaleRecord } from '../infra/history/record.ts';
import { Fan } from './lib/fan.ts';
import { measureSteps, recordEnd } from './lib/record.ts';
import { openSale } from './lib/sale.ts';
import { setting } from './lib/settings.ts';

// Fans wait and poll as they are told; some poll a hundred times as often. Those must be refused (429), for which the
// others must not pay: neither with refusals nor with time.

const fans = setting('FANS', 200, 2, 100_000);
const flooders = setting('FLOODERS', 5, 1, 10_000);
const seconds = setting('SECONDS', 30, 10, 3_600);
/** How many times as often as they are told. */
const TIMES = 100;
const RATE_LIMITED = 429;
/** All but the first forty of a flooder's polls, and five a second (gateway/queue/poll-limit.ts), are refused. */
const REFUSED_MIN = 0.5;

const politeMs = new Trend('polite_poll_ms', true);
const politeRefused = new Rate('polite_refused');
const floodRefused = new Rate('flood_refused');

const thresholds = measureSteps(1_000);

const waiting = (vus: number, exec: string) => ({
  ...{ executor: 'per-vu-iterations' as const, vus, iterations: 1, exec },
  ...{ maxDuration: `${seconds + 60}s`, gracefulStop: '30s' },
});

export const options: Options = {
  scenarios: { polite: waiting(fans, 'pollAsTold'), flood: waiting(flooders, 'pollAllTheTime') },
  thresholds: {
    ...thresholds,
    polite_poll_ms: thresholds.poll_ms ?? [],
    polite_refused: ['rate==0'],
    flood_refused: [`rate>=${REFUSED_MIN}`],
  },
  summaryTrendStats: ['med', 'p(95)', 'p(99)', 'max', 'count'],
  setupTimeout: '60s',
};

/** One turn a minute: all wait to the end. */
export const setup = (): SaleRecord =>
  openSale('Load test: polling flood', [{ name: 'A', rows: 10, seatsPerRow: 10 }], {
    ...{ capacity: 1, admitPerMinute: 1, seatsPerFan: 2 },
    ...{ claimSeconds: 600, admissionSeconds: 600, holdSeconds: 60, graceSeconds: 900 },
  });

export function pollAsTold(sale: SaleRecord): void {
  const fan = new Fan(sale.sale, `fan-${__VU}`);
  sleep(Math.random() * 2);
  pollFor(fan, 1, () => {
    politeRefused.add(fan.lastStatus === RATE_LIMITED);
    politeMs.add(fan.lastTookMs);
  });
}

export function pollAllTheTime(sale: SaleRecord): void {
  const fan = new Fan(sale.sale, `flooder-${__VU}`);
  pollFor(fan, TIMES, () => floodRefused.add(fan.lastStatus === RATE_LIMITED));
}

function pollFor(fan: Fan, times: number, noteAnswer: () => void): void {
  const endsAt = Date.now() + seconds * 1000;
  let told = fan.join()?.pollAfterMs ?? 1_000;
  while (Date.now() < endsAt) {
    sleep(told / 1000 / times);
    const status = fan.poll();
    noteAnswer();
    told = status?.pollAfterMs ?? told;
  }
  recordEnd(fan.name, times === 1 ? 'waited' : 'flooded');
}

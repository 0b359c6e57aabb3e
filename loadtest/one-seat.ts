import { sleep } from 'k6';
import exec from 'k6/execution';
import type { Options } from 'k6/options';
import type { SaleRecord } from '../infra/history/record.ts';
import { Fan } from './lib/fan.ts';
import { measureSteps, record, recordEnd } from './lib/record.ts';
import { openSale } from './lib/sale.ts';
import { setting } from './lib/settings.ts';

// All fans are admitted, all have seen the same seat, all click it in the same moment. One gets it and pays; everybody
// else is told clearly that somebody was faster.

const fans = setting('FANS', 1_000, 2, 100_000);
/** The longest that the fans wait for each other. */
const patienceSeconds = setting('PATIENCE', 120, 10, 3_600);
const SEAT = 'A-1-5';
/** Fans come within this time: what is tested is the click, not the arrival. */
const ARRIVAL_SECONDS = Math.min(15, fans / 50);
/** Fans look at the clock this often, all at the same moments, so that they click in the same one. */
const GRID_MS = 200;

export const options: Options = {
  scenarios: {
    fans: {
      executor: 'per-vu-iterations',
      vus: fans,
      // Each arrives, and then clicks: k6 counts how many have arrived.
      iterations: 2,
      maxDuration: `${patienceSeconds + 60}s`,
      gracefulStop: '30s',
    },
  },
  // All at once, and the load generator beside the shop: a thousand clicks on two cores.
  thresholds: measureSteps(10_000),
  summaryTrendStats: ['med', 'p(95)', 'p(99)', 'max', 'count'],
  setupTimeout: '60s',
};

export function setup(): SaleRecord {
  const sale = openSale('Load test: one seat', [{ name: 'A', rows: 1, seatsPerRow: 10 }], {
    capacity: fans,
    admitPerMinute: 1_000_000,
    seatsPerFan: 4,
    claimSeconds: 600,
    admissionSeconds: 1_800,
    holdSeconds: 600,
    graceSeconds: 900,
  });
  record({ kind: 'expect', oneSeat: { seat: SEAT, fans } });
  return sale;
}

/** This virtual user's fan, from the first iteration to the second. */
let fan: Fan | null = null;

export default function fanArrivesThenClicks(sale: SaleRecord): void {
  if (fan) {
    recordEnd(fan.name, click(fan));
    return;
  }
  fan = new Fan(sale.sale, `fan-${exec.vu.idInTest}`);
  sleep(Math.random() * ARRIVAL_SECONDS);
  const deadlineAt = Date.now() + patienceSeconds * 1000;
  if (!fan.join()) return;
  if (fan.waitForTurn(() => Date.now() < deadlineAt) !== 'ready' || !fan.claim()) return;
  // Nobody clicks a seat they have not seen.
  fan.openSeats(10);
}

function click(admitted: Fan): string {
  if (!admitted.admitted) return 'was not admitted';
  const deadlineAt = Date.now() + patienceSeconds * 1000;
  let moment = Math.ceil(Date.now() / GRID_MS) * GRID_MS;
  sleepUntil(moment);
  while (exec.instance.iterationsCompleted < fans && moment < deadlineAt) {
    moment += GRID_MS;
    sleepUntil(moment);
  }
  sleepUntil(moment + 2 * GRID_MS);
  const held = admitted.hold({ seats: [SEAT] }, 'click');
  if (held.status === 201) {
    const paid = admitted.pay(String(held.body.hold), 'tok_ok', 'pay');
    return paid.status === 201 ? 'got the seat and bought it' : 'got the seat and could not pay';
  }
  return held.body.code === 'seats-taken' ? 'was told that somebody was faster' : 'got no clear answer';
}

const sleepUntil = (moment: number): void => sleep(Math.max(0, moment - Date.now()) / 1000);

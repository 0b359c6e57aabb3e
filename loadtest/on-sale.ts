import { sleep } from 'k6';
import exec from 'k6/execution';
import type { Options } from 'k6/options';
import type { SaleRecord } from '../infra/history/record.ts';
import { Fan } from './lib/fan.ts';
import { choose, randomOf } from './lib/random.ts';
import { measureSteps, recordEnd } from './lib/record.ts';
import { openSale } from './lib/sale.ts';
import { setting } from './lib/settings.ts';

// A concert goes on sale: half of the fans come in the first sixth of the time, the others steadily. They wait, shop,
// pay with cards good and bad, and some of them go, with or without a word, at every step.

const fans = setting('FANS', 400, 2, 1_000_000);
const seconds = setting('SECONDS', 40, 6, 86_400);
const seats = setting('SEATS', fans, 10, 1_000_000);
const capacity = setting('CAPACITY', Math.max(10, Math.round(fans / 10)), 1, 100_000);
const admitPerMinute = setting('RATE', fans * 6, 1, 1_000_000);
/** Of a hundred orders, how many ask to be booked later (`Prefer: respond-async`). */
const asyncPercent = setting('ASYNC', 0, 0, 100);
/** How long one may shop; the shorter, the sooner those who went without a word make room. */
const admissionSeconds = setting('ADMISSION', 45, 5, 3_600);
/** The longest that a fan stays in the queue. */
const patienceSeconds = setting('PATIENCE', 600, 1, 86_400);

const SEATS_PER_ROW = 20;
const SEATS_PER_FAN = 4;
const HOLDS_TRIED_MAX = 6;
const rushSeconds = Math.max(1, Math.round(seconds / 6));
const rush = Math.floor(fans / 2);

const arriving = (count: number, startSeconds: number, overSeconds: number) => ({
  executor: 'constant-arrival-rate' as const,
  rate: count,
  timeUnit: `${overSeconds}s`,
  duration: `${overSeconds}s`,
  startTime: `${startSeconds}s`,
  // A fan stays until the end of their way, so each needs a virtual user of their own.
  // (One more: k6 starts one at either end of the time; it goes home at once.)
  preAllocatedVUs: count + 1,
  maxVUs: count + 1,
  gracefulStop: `${patienceSeconds}s`,
});

export const options: Options = {
  scenarios: {
    rush: arriving(rush, 0, rushSeconds),
    stream: arriving(fans - rush, rushSeconds, seconds - rushSeconds),
  },
  thresholds: { ...measureSteps(), dropped_iterations: ['count==0'] },
  summaryTrendStats: ['med', 'p(95)', 'p(99)', 'max', 'count'],
  setupTimeout: '60s',
};

export function setup(): SaleRecord {
  const rows = Math.ceil(seats / 2 / SEATS_PER_ROW);
  return openSale('Load test: on sale', [section('A', rows), section('B', rows)], {
    capacity,
    admitPerMinute,
    seatsPerFan: SEATS_PER_FAN,
    claimSeconds: 10,
    admissionSeconds,
    holdSeconds: 30,
    graceSeconds: 120,
  });
}

const section = (name: string, rows: number) => ({ name, rows, seatsPerRow: SEATS_PER_ROW });

const manners = [
  [0.04, 'leaves the queue'],
  [0.03, 'closes the queue page'],
  [0.03, 'comes late to the turn'],
  [0.03, 'never claims'],
  [0.03, 'looks and closes the page'],
  [0.04, 'looks and leaves'],
  [0.03, 'closes the page with seats held'],
  [0.05, 'changes their mind'],
] as [number, string][];
const cards = [
  [0.06, 'tok_declined'],
  [0.05, 'tok_unknown'],
  [0.05, 'tok_slow'],
] as [number, string][];

export default function fanComes(sale: SaleRecord): void {
  const isRush = exec.scenario.name === 'rush';
  if (exec.scenario.iterationInTest >= (isRush ? rush : fans - rush)) return;
  const number = exec.scenario.iterationInTest + (isRush ? 0 : rush);
  const random = randomOf(number);
  const fan = new Fan(sale.sale, `fan-${number}`);
  const manner = choose(random, manners, 'buys');
  recordEnd(fan.name, wayOf(fan, manner, random));
}

/** The way of one fan, to its end: which one, is said in words. */
function wayOf(fan: Fan, manner: string, random: () => number): string {
  const think = (most: number) => sleep(most * random());
  const joined = fan.join();
  if (!joined) return 'came too late';
  // A reload, or a second tab: the same place.
  if (random() < 0.1) fan.join();

  const givesUpAt = Date.now() + patienceSeconds * 1000;
  const pollsLeft = { count: 2 + Math.floor(random() * 4) };
  const isGoing = manner === 'leaves the queue' || manner === 'closes the queue page';
  const state = fan.waitForTurn(() => {
    pollsLeft.count -= 1;
    return Date.now() < givesUpAt && !(isGoing && pollsLeft.count <= 0);
  });
  if (state === 'waiting') {
    if (manner === 'closes the queue page') return 'closed the queue page';
    if (manner === 'leaves the queue') fan.leave();
    return manner === 'leaves the queue' ? 'left the queue' : 'still waited at the end';
  }
  if (state !== 'ready') return state === 'closed' ? 'sold out before the turn' : `ended as ${state}`;
  if (manner === 'never claims') return 'never claimed the turn';
  if (manner === 'comes late to the turn') {
    sleep(12);
    if (fan.waitForTurn(() => Date.now() < givesUpAt) !== 'ready') return 'missed the turn';
  }
  for (let tries = 0; !fan.claim(); tries += 1) {
    if (tries >= HOLDS_TRIED_MAX) return 'could not claim';
    // The shop was full, or the turn was missed: the queue knows.
    sleep(2);
    if (fan.waitForTurn(() => Date.now() < givesUpAt) !== 'ready') return 'missed the turn';
  }
  return shop(fan, manner, random, think);
}

function shop(fan: Fan, manner: string, random: () => number, think: (most: number) => void): string {
  think(2);
  if (manner === 'looks and closes the page') {
    fan.openSeats();
    return 'closed the shop page';
  }
  if (manner === 'looks and leaves') {
    fan.openSeats();
    fan.leave();
    return 'left the shop';
  }
  let hold = holdSeats(fan, random, 'first');
  if (!hold) return leaveWithNothing(fan);
  think(3);
  if (manner === 'closes the page with seats held') return 'closed the shop page with seats held';
  if (manner === 'changes their mind') {
    fan.release(hold);
    hold = holdSeats(fan, random, 'second');
    if (!hold) return leaveWithNothing(fan);
    think(2);
  }
  const card = choose(random, cards, 'tok_ok');
  const isAsync = random() * 100 < asyncPercent;
  let paid = fan.pay(hold, card, 'pay', isAsync);
  // Another card for the same seats.
  if (card === 'tok_declined' && paid.status !== 201) paid = fan.pay(hold, 'tok_ok', 'pay-again', isAsync);
  if (paid.status === 201 || paid.body.state === 'confirmed') return 'bought';
  fan.leave();
  return `could not pay (${String(paid.body.code ?? paid.body.state ?? paid.status)})`;
}

function leaveWithNothing(fan: Fan): string {
  fan.leave();
  return 'found no seats';
}

/** Named seats that looked open, or the best there are, as long as there are any. */
function holdSeats(fan: Fan, random: () => number, turn: string): string | null {
  for (let tries = 0; tries < HOLDS_TRIED_MAX; tries += 1) {
    const open = fan.openSeats();
    if (open.length === 0) return null;
    const quantity = random() < 0.5 ? 1 : 2;
    const first = Math.floor(random() * open.length);
    const wanted = random() < 0.4 ? { best: { quantity } } : { seats: open.slice(first, first + quantity) };
    const held = fan.hold(wanted, `hold-${turn}-${tries}`);
    if (held.status === 201) return String(held.body.hold);
    if (held.status === 401 || held.status === 403) return null;
    sleep(0.2 + random());
  }
  return null;
}

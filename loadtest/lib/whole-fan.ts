import { sleep } from 'k6';
import exec from 'k6/execution';
import type { Scenario } from 'k6/options';
import type { SaleRecord } from '../../infra/history/record.ts';
import { Fan } from './fan.ts';
import { randomOf } from './random.ts';
import { measureSteps, recordEnd, through } from './record.ts';
import { type Hall, openSale } from './sale.ts';
import { setting } from './settings.ts';

// Fans who all go the whole way: join, poll, claim, look at the seats, hold, pay. What such a fan costs a shop is the unit
// in which the knee, the soak and the spike are told.

const SEATS_PER_ROW = 100;
const ROWS_PER_SECTION = 100;
const SEATS_PER_FAN = 4;
/** Fans hold one seat or two; the house is larger, so that the last of them choose as the first do. */
const SEATS_A_FAN = 2.5;
/** More than an event may have makes no house: where so many fans come that two seats each do not fit, each holds one. */
const SEATS_MAX = 100_000;
const SEATS_A_FAN_MIN = 1.25;
const HOLDS_TRIED_MAX = 4;
/** A fan is there for some 3 s where nothing waits; k6 drops whoever finds no virtual user after this many. */
const FANS_SECONDS_MAX = 8;
/** In the shop a fan thinks for a second twice at most; five, where the shop is slow. */
const ADMITTED_SECONDS = 5;
const VIRTUAL_USERS_MAX = 20_000;
/** Of a hundred fans, 99 must have bought. */
const THROUGH_MIN = 0.99;

/** How long a fan waits for anything before going home, which counts as not having got through. */
const patienceSeconds = setting('PATIENCE', 20, 1, 3_600);

/**
 * `rate` fans a second, whatever becomes of those before them (an open model: a crowd does not wait for a slow shop).
 * Where a queue is meant to form, each fan is there for `waitSeconds` more.
 */
export function arriving(rate: number, seconds: number, startSeconds = 0, waitSeconds = 0): Scenario {
  const virtualUsers = Math.min(
    VIRTUAL_USERS_MAX,
    rate * Math.min(seconds + 1, FANS_SECONDS_MAX + waitSeconds),
  );
  return {
    executor: 'constant-arrival-rate',
    rate,
    timeUnit: '1s',
    duration: `${seconds}s`,
    startTime: `${startSeconds}s`,
    // All of them before it begins: making one takes k6 its time, in which it would drop fans.
    preAllocatedVUs: virtualUsers,
    maxVUs: virtualUsers,
    gracefulStop: `${3 * patienceSeconds}s`,
  };
}

/** 99 of 100 answers within `--answer-ms`, payments too; none missing; nobody whom k6 could not send; fans got through. */
export function wholeFanThresholds(answerMs: number): Record<string, string[]> {
  const thresholds = measureSteps(answerMs);
  return {
    ...thresholds,
    pay_ms: thresholds.hold_ms ?? [],
    dropped_iterations: ['count==0'],
    through: [`rate>=${THROUGH_MIN}`],
  };
}

/**
 * A sale with room for `fans` who come at `rate` a second; if not told otherwise, turns flow twice as fast as that. With
 * `lobbySeconds` it opens after them, its lobby now.
 */
export function openSaleFor(
  name: string,
  fans: number,
  rate: number,
  turnsPerSecond = 2 * rate,
  lobbySeconds = 0,
): SaleRecord {
  const isCrowded = fans * SEATS_A_FAN > SEATS_MAX;
  const rows = Math.ceil((fans * (isCrowded ? SEATS_A_FAN_MIN : SEATS_A_FAN)) / SEATS_PER_ROW);
  if (rows * SEATS_PER_ROW > SEATS_MAX)
    throw new Error(
      `${fans} fans would need more seats than an event has (${SEATS_MAX}): fewer, or for less time.`,
    );
  const hall: Hall = [];
  for (let left = rows; left > 0; left -= ROWS_PER_SECTION)
    hall.push({
      name: `S${hall.length + 1}`,
      rows: Math.min(left, ROWS_PER_SECTION),
      seatsPerRow: SEATS_PER_ROW,
    });
  const settings = {
    capacity: Math.min(100_000, Math.max(100, turnsPerSecond * ADMITTED_SECONDS)),
    admitPerMinute: Math.max(600, 60 * turnsPerSecond),
    seatsPerFan: isCrowded ? 1 : SEATS_PER_FAN,
    claimSeconds: 30,
    admissionSeconds: 120,
    holdSeconds: 60,
    graceSeconds: 120,
  };
  return openSale(name, hall, settings, lobbySeconds);
}

/** One fan's way, recorded with how it ended. */
export function wholeFan(sale: SaleRecord, prefix = 'fan'): void {
  const number = exec.scenario.iterationInTest;
  const fan = new Fan(sale.sale, `${prefix}-${number}`);
  const how = wayOf(fan, sale, randomOf(number));
  through.add(how === 'bought');
  recordEnd(fan.name, how);
}

function wayOf(fan: Fan, sale: SaleRecord, random: () => number): string {
  const givesUpAt = Date.now() + patienceSeconds * 1000;
  const isPatient = () => Date.now() < givesUpAt;
  if (!fan.join()) return 'got no place';
  const state = fan.waitForTurn(isPatient);
  if (state !== 'ready') return isPatient() ? `ended as ${state}` : 'still waited at the end';
  while (!fan.claim()) {
    if (!isPatient()) return 'could not claim';
    sleep(1);
  }
  sleep(random());
  const hold = holdSeats(fan, sale.seatsPerFan, random);
  if (!hold) return 'got no seats';
  sleep(random());
  const paid = fan.pay(hold, 'tok_ok', 'pay');
  if (paid.status === 201) return 'bought';
  return `could not pay (${String(paid.body.code ?? paid.status)})`;
}

/** Half of the fans take the best there are; the others choose, and after losing once to somebody they take the best. */
function holdSeats(fan: Fan, most: number, random: () => number): string | null {
  const quantity = Math.min(most, random() < 0.5 ? 1 : 2);
  let isChoosing = random() < 0.5;
  for (let tries = 0; tries < HOLDS_TRIED_MAX; tries += 1) {
    const open = fan.openSeats();
    if (open.length === 0) return null;
    const first = Math.floor(random() * open.length);
    const wanted = isChoosing ? { seats: open.slice(first, first + quantity) } : { best: { quantity } };
    const held = fan.hold(wanted, `hold-${tries}`);
    if (held.status === 201) return String(held.body.hold);
    isChoosing = false;
  }
  return null;
}

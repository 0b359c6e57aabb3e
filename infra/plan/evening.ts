import { pollAfterMs } from '../../gateway/queue/pace.ts';
import { createRandom } from '../testing/random.ts';

// A sale's evening as a model: every fan by themselves, in steps of a second, under the rules by which turns are given
// (gateway/admission/give-turns.lua). Left out are rates that adapt to the shop, losses and draws.
// plan.test.ts plays the same evening with the real queue.

/** What is known of a sale before it, times in seconds. */
export type Evening = {
  fans: number;
  /** So long they keep coming; half of them come in the first sixth of it, the others steadily. */
  arriveSeconds: number;
  seats: number;
  /** A fan who buys buys from one seat to this many, evenly. */
  seatsPerFanMax: number;
  capacity: number;
  admitPerMinute: number;
  claimSeconds: number;
  admissionSeconds: number;
  /** From the claim to the payment, on average; half as long at least, and an admission's whole time at most. */
  shoppingSeconds: number;
  /** Of those whose turn comes, so many (0 to 1) do not take it. */
  noShowShare: number;
  /** Of those who wait, so many give up an hour. */
  leaveShareAnHour: number;
  /** Of those in the shop, so many go without paying. */
  emptyHandedShare: number;
};

/** What happens in one second, and stands at its end. */
export type Moment = {
  second: number;
  joins: number;
  turns: number;
  claims: number;
  holds: number;
  orders: number;
  waiting: number;
  ready: number;
  admitted: number;
  /** If all who wait asked as they are told to. */
  polls: number;
};

export type Played = {
  moments: Moment[];
  /** Seconds from joining to the turn, of everybody who got one, by queue number. */
  waits: number[];
  bought: number;
  seatsSold: number;
  /** The turn came and was not taken. */
  missed: number;
  gaveUp: number;
  /** Nothing was left before their turn. */
  tooLate: number;
  soldOutSecond: number | null;
};

const BURST_SHARE = 0.5;
const BURST_TIME_SHARE = 1 / 6;
/** A fan notices their turn and takes it within this time. */
const CLAIM_DELAY_SECONDS_MAX = 5;
/** As give-turns.lua and its prelude have them. */
export const rules = {
  OVERBOOKED_SHARE_MAX: 0.1,
  NO_SHOW_SHARE_MAX: 0.5,
  OUTCOME_DECAY: 0.995,
  OUTCOMES_MIN: 20,
};
const { OVERBOOKED_SHARE_MAX, NO_SHOW_SHARE_MAX, OUTCOME_DECAY, OUTCOMES_MIN } = rules;
/** The pace that waits are told by is of the last minute. */
const PACE_SECONDS = 60;
/** The line is looked at here and there: neighbours are told the same. */
const POLL_SAMPLES = 100;
/** Whatever has not ended by then says that the settings cannot be meant. */
const SECONDS_MAX = 7 * 24 * 3_600;

/** Throws when the sale would not end within a week. */
export function playEvening(evening: Evening, seed: string): Played {
  const random = createRandom(seed).next;
  const { capacity, admitPerMinute, claimSeconds, fans } = evening;
  const arrivals = arrivalsBySecond(evening, random);
  // A fan's queue number is their place in these.
  const joinedAt = new Int32Array(fans);
  const givesUpAt = new Int32Array(fans);
  /** How many of those who wait give up in a second. */
  const givingUp = new Map<number, number>();
  const later = createCalendar();
  const played: Played = {
    ...{ moments: [], waits: [], bought: 0, seatsSold: 0 },
    ...{ missed: 0, gaveUp: 0, tooLate: 0, soldOutSecond: null },
  };
  const outcomes = { all: 0, missed: 0 };
  const note = (missed: 0 | 1) => {
    outcomes.all = outcomes.all * OUTCOME_DECAY + 1;
    outcomes.missed = outcomes.missed * OUTCOME_DECAY + missed;
  };
  let second = 0;
  let moment = quiet(second);
  let [numbers, front, waiting, ready, admitted, looking] = [0, 0, 0, 0, 0, 0];
  let open = evening.seats;
  let tokens = Math.max(1, admitPerMinute / 60);

  const join = () => {
    const until = second + patience(evening, random);
    joinedAt[numbers] = second;
    givesUpAt[numbers] = until;
    givingUp.set(until, (givingUp.get(until) ?? 0) + 1);
    numbers += 1;
    waiting += 1;
  };
  const claim = () => {
    ready -= 1;
    admitted += 1;
    looking += 1;
    moment.claims += 1;
    note(0);
    const seconds = shoppingTime(evening, random);
    if (random() < evening.emptyHandedShare) return later.at(second + seconds, leave);
    const wanted = 1 + Math.floor(random() * evening.seatsPerFanMax);
    const choosing = Math.floor(seconds / 2);
    later.at(second + choosing, () => hold(wanted, seconds - choosing));
  };
  const hold = (wanted: number, payingSeconds: number) => {
    const held = Math.min(wanted, open);
    if (held === 0) return leave();
    open -= held;
    looking -= 1;
    moment.holds += 1;
    later.at(second + payingSeconds, () => {
      admitted -= 1;
      moment.orders += 1;
      played.bought += 1;
      played.seatsSold += held;
    });
  };
  const leave = () => {
    admitted -= 1;
    looking -= 1;
  };
  const miss = () => {
    ready -= 1;
    played.missed += 1;
    note(1);
  };
  const giveTurns = () => {
    tokens = Math.min(1 + admitPerMinute / 60, tokens + admitPerMinute / 60);
    const room = capacity + overbooking(outcomes, capacity - admitted, capacity) - admitted - ready;
    // Until a seat is taken nothing runs out; then nobody is let in to find nothing.
    const takeable = open < evening.seats ? open - ready - looking : Number.POSITIVE_INFINITY;
    let allowed = Math.max(0, Math.min(room, takeable, Math.floor(tokens)));
    for (; allowed > 0 && front < numbers; front += 1) {
      const until = givesUpAt[front] as number;
      if (until <= second) {
        played.gaveUp += 1;
        continue;
      }
      givingUp.set(until, (givingUp.get(until) as number) - 1);
      waiting -= 1;
      ready += 1;
      tokens -= 1;
      allowed -= 1;
      moment.turns += 1;
      played.waits.push(second - (joinedAt[front] as number));
      if (random() < evening.noShowShare) later.at(second + claimSeconds, miss);
      else
        later.at(second + 1 + Math.floor(random() * Math.min(claimSeconds, CLAIM_DELAY_SECONDS_MAX)), claim);
    }
  };

  for (; ; second += 1) {
    if (second > SECONDS_MAX) throw new Error('This sale would not end within a week.');
    moment = quiet(second);
    moment.joins = arrivals[second] ?? 0;
    for (let i = 0; i < moment.joins; i += 1) join();
    later.run(second);
    waiting -= givingUp.get(second) ?? 0;
    givingUp.delete(second);
    giveTurns();

    const pace = played.moments.slice(1 - PACE_SECONDS).reduce((sum, { turns }) => sum + turns, moment.turns);
    const polls = pollsOf(waiting, pace / Math.min(PACE_SECONDS, second + 1));
    played.moments.push(Object.assign(moment, { waiting, ready, admitted, polls }));
    const isSoldOut = open === 0 && admitted + ready === 0;
    const isOver = numbers === fans && waiting + ready + admitted === 0;
    if (!isSoldOut && !isOver) continue;
    if (isSoldOut) played.soldOutSecond = second;
    for (; front < numbers; front += 1) {
      if ((givesUpAt[front] as number) <= second) played.gaveUp += 1;
      else played.tooLate += 1;
    }
    played.tooLate += fans - numbers;
    return played;
  }
}

const quiet = (second: number): Moment => ({
  ...{ second, joins: 0, turns: 0, claims: 0, holds: 0, orders: 0 },
  ...{ waiting: 0, ready: 0, admitted: 0, polls: 0 },
});

/** How many come in each second. */
function arrivalsBySecond({ fans, arriveSeconds }: Evening, random: () => number): Int32Array {
  const seconds = Math.max(1, Math.ceil(arriveSeconds));
  const counts = new Int32Array(seconds);
  for (let fan = 0; fan < fans; fan += 1) {
    const share = random() < BURST_SHARE ? random() * BURST_TIME_SHARE : random();
    const second = Math.floor(share * seconds);
    counts[second] = (counts[second] as number) + 1;
  }
  return counts;
}

/** Who gives up does so at any moment alike, whatever they have waited. */
function patience({ leaveShareAnHour }: Evening, random: () => number): number {
  if (leaveShareAnHour <= 0) return 2 * SECONDS_MAX;
  const anHour = -Math.log(1 - Math.min(leaveShareAnHour, 0.999));
  return Math.ceil(Math.min(2 * SECONDS_MAX, (-Math.log(1 - random()) / anHour) * 3_600));
}

function shoppingTime({ shoppingSeconds, admissionSeconds }: Evening, random: () => number): number {
  const half = shoppingSeconds / 2;
  const seconds = half - Math.log(1 - random()) * half;
  return Math.max(2, Math.min(admissionSeconds, Math.round(seconds)));
}

/** Of the turns that fill the free room so many are likely to be missed, less one standard deviation. */
function overbooking(outcomes: { all: number; missed: number }, free: number, capacity: number): number {
  if (outcomes.all < OUTCOMES_MIN) return 0;
  const share = Math.min(NO_SHOW_SHARE_MAX, outcomes.missed / outcomes.all);
  const expected = Math.max(0, free) * share;
  const likely = expected - Math.sqrt(expected * (1 - share));
  return Math.floor(Math.max(0, Math.min(likely, capacity * OVERBOOKED_SHARE_MAX)));
}

/** Polls a second of so many who wait, each told when to ask again as the gateway tells it, without its stretch under load. */
function pollsOf(waiting: number, turnsPerSecond: number): number {
  const samples = Math.min(POLL_SAMPLES, waiting);
  let perSecond = 0;
  for (let i = 0; i < samples; i += 1) {
    const position = ((i + 0.5) * waiting) / samples;
    const waitSeconds = turnsPerSecond > 0 ? position / turnsPerSecond : null;
    perSecond += 1_000 / pollAfterMs(waitSeconds, 1, undefined, () => 0.5);
  }
  return samples === 0 ? 0 : (perSecond * waiting) / samples;
}

/** What happens in later seconds, in the order in which it was put down. */
function createCalendar() {
  const days = new Map<number, (() => void)[]>();
  return {
    at: (second: number, act: () => void) => {
      const acts = days.get(second);
      if (acts) acts.push(act);
      else days.set(second, [act]);
    },
    run: (second: number) => {
      for (const act of days.get(second) ?? []) act();
      days.delete(second);
    },
  };
}

import type { SaleState } from '#shared/contract/sale.ts';

/** Less than this, or fewer turns in it, says nothing. */
const MEASURED_MS_MIN = 10_000;
const TURNS_MIN = 5;
/** What is measured exactly is uncertain by so much for what may change, and by more the fewer turns there were. */
const SPREAD_MIN = 0.15;
const SPREAD_MAX = 0.6;
/** Each doubling of the wait beyond the time that was measured widens the range by this part. */
const SPREAD_PER_DOUBLING = 0.05;
/** A shop fills up when it takes in so much more than goes out. */
const FILLING_SHARE_MIN = 0.1;
const STEP_SECONDS = 10;

export type Estimate = { lowSeconds: number; highSeconds: number };

/** What measure.lua measured, as it packs it. */
type Pace = {
  ms: number;
  turns: number;
  departures: number;
  gone: number;
  recentMs: number;
  recentTurns: number;
};

/** A sale's queue at one moment, as far as waits depend on it. */
export type QueueMoment = {
  state: SaleState;
  /** Packed by measure.lua; empty while too little was measured, or what was measured is over. */
  pace: string;
  waiting: number;
  capacity: number;
  ready: number;
  admitted: number;
  heldBackBy: string;
  allHeldUntil: number | null;
  /** Open or on hold; −1 when that is not known of now. */
  seatsLeft: number;
};

/** What can honestly be said of waits at one moment, rates per second. */
export type Outlook = {
  measuredSeconds: number;
  fastest: number;
  slowest: number;
  /** Waiting fans who give up. */
  leaving: number;
  waiting: number;
  /** Whoever stands further back may find no seat, and is told no time. */
  furthest: number;
  /** Turns until the shop is full, and the rate from then on: that at which fans go. */
  untilFull: number;
  slowestWhenFull: number;
};

/**
 * The outlook, or null when nothing honest can be said: entry is paused, has just been resumed or has just begun, turns
 * were too few, more are inside than there is room for, or every seat that is left is taken.
 */
export function outlookOf(moment: QueueMoment): Outlook | null {
  const { state, heldBackBy, allHeldUntil, seatsLeft, waiting, capacity, ready, admitted } = moment;
  if (state !== 'open' || heldBackBy === 'seats' || allHeldUntil !== null || admitted > capacity) return null;
  const pace = readPace(moment.pace);
  if (!pace || pace.ms < MEASURED_MS_MIN || pace.turns < TURNS_MIN || pace.recentTurns === 0) return null;
  const measuredSeconds = pace.ms / 1000;
  const rate = pace.turns / measuredSeconds;
  const recent = (pace.recentTurns * 1000) / pace.recentMs;
  const spread = Math.min(SPREAD_MAX, SPREAD_MIN + 1 / Math.sqrt(pace.turns));
  const slowest = Math.min(rate, recent) * (1 - spread);
  const departing = Math.max(0, pace.departures) / measuredSeconds;
  const filling = rate - departing;
  const fills = filling > rate * FILLING_SHARE_MIN;
  const room = Math.max(0, capacity - ready - admitted);
  return {
    measuredSeconds,
    fastest: Math.max(rate, recent) * (1 + spread),
    slowest,
    leaving: pace.gone / measuredSeconds,
    waiting,
    furthest: seatsLeft < 0 ? Number.POSITIVE_INFINITY : seatsLeft,
    untilFull: fills ? (room / filling) * rate : Number.POSITIVE_INFINITY,
    slowestWhenFull: Math.min(slowest, departing * (1 - spread)),
  };
}

/** How long until the turn of a position, as a range rounded outward; null when there is nothing honest to say. */
export function estimateWait(outlook: Outlook | null, position: number): Estimate | null {
  if (!outlook || position > outlook.furthest) return null;
  const { fastest, slowest, leaving, waiting, untilFull, slowestWhenFull, measuredSeconds } = outlook;
  // Whoever gives up ahead makes room: at most as many, in proportion, as lately.
  const low =
    leaving > 0
      ? (waiting / leaving) * Math.log1p((position * leaving) / (waiting * fastest))
      : position / fastest;
  const later = Math.max(0, position - untilFull);
  if (later > 0 && slowestWhenFull === 0) return null;
  const high = (position - later) / slowest + (later > 0 ? later / slowestWhenFull : 0);
  const widened = (seconds: number) => 1 + SPREAD_PER_DOUBLING * Math.log2(1 + seconds / measuredSeconds);
  return {
    lowSeconds: Math.floor(low / widened(low) / STEP_SECONDS) * STEP_SECONDS,
    highSeconds: Math.ceil((high * widened(high)) / STEP_SECONDS) * STEP_SECONDS,
  };
}

function readPace(packed: string): Pace | null {
  if (packed === '') return null;
  const [ms = 0, turns = 0, departures = 0, gone = 0, recentMs = 0, recentTurns = 0] = packed
    .split(':')
    .map(Number);
  return { ms, turns, departures, gone, recentMs, recentTurns };
}

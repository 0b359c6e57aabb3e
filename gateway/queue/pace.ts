const POLL_MS_MIN = 1_000;
const POLL_MS_MAX = 15_000;
/** Under load polls come half as often at most, so that a turn is never noticed much too late. */
const LOAD_MAX = 2;
const POLLS_BEFORE_TURN = 20;
const JITTER_SHARE = 0.2;
const IDLE_POLL_MS = 5_000;
/** What a process answers without hurry; above it fans who are far from the front are asked to come less often. */
const POLLS_PER_SECOND_COMFORTABLE = 3_000;
/** Whoever waits in the lobby comes back after the opening within a time that this many polls a second fit in … */
const OPENING_POLLS_PER_SECOND = 2_000;
/** … and that leaves most of a first turn's time. */
const OPENING_SPREAD_MS_MAX = 18_000;
const OPENING_SPREAD_MS_MIN = 1_000;

/** No fan is ever told to ask later than after this time. */
export const LONGEST_POLL_MS = POLL_MS_MAX * LOAD_MAX * (1 + JITTER_SHARE);

/** A number in [0, 1); passed in by tests. */
export type Random = () => number;

const jittered = (ms: number, random: Random): number =>
  Math.round(ms * (1 - JITTER_SHARE + 2 * JITTER_SHARE * random()));

/**
 * When the fan should ask again, in milliseconds: often near the front, rarely far from it, never all at once. `load`, 1
 * or more, stretches it for those who wait long; `capMs` is never passed.
 */
export function pollAfterMs(
  waitSeconds: number | null,
  load = 1,
  capMs = LONGEST_POLL_MS,
  random: Random = Math.random,
): number {
  const base = waitSeconds === null ? IDLE_POLL_MS : (waitSeconds * 1000) / POLLS_BEFORE_TURN;
  const bounded = Math.min(POLL_MS_MAX, Math.max(POLL_MS_MIN, base));
  const stretched = bounded === POLL_MS_MIN ? bounded : bounded * Math.min(LOAD_MAX, load);
  return jittered(Math.min(stretched, capMs / (1 + JITTER_SHARE)), random);
}

/**
 * The same for a fan in the lobby of so many, the sale opening in `opensInMs`: nobody need ask in between, for what they
 * see does not change, and after the opening they come spread out, not in the same second. `capMs` is never passed.
 */
export function pollAfterOpeningMs(
  opensInMs: number,
  lobby: number,
  capMs = LONGEST_POLL_MS,
  random: Random = Math.random,
): number {
  const regular = pollAfterMs(opensInMs / 1000, 1, capMs, random);
  if (opensInMs > regular) return regular;
  const spread = Math.min(
    OPENING_SPREAD_MS_MAX,
    Math.max(OPENING_SPREAD_MS_MIN, (lobby * 1000) / OPENING_POLLS_PER_SECOND),
  );
  const opened = Math.max(0, opensInMs);
  return Math.round(opened + Math.min(spread, Math.max(0, capMs - opened)) * random());
}

/** How busy this process is with polls. */
export type PollLoad = {
  /** A poll is being answered; `nowMs` by a monotonic clock. */
  count: (nowMs: number) => void;
  /** Polls a second against POLLS_PER_SECOND_COMFORTABLE, over the last whole second; at least 1. */
  factor: () => number;
};

export function measurePolls(): PollLoad {
  let second = 0;
  let polls = 0;
  let factor = 1;
  return {
    count(nowMs) {
      const at = Math.floor(nowMs / 1000);
      if (at !== second) {
        factor = at === second + 1 ? Math.max(1, polls / POLLS_PER_SECOND_COMFORTABLE) : 1;
        second = at;
        polls = 0;
      }
      polls += 1;
    },
    factor: () => factor,
  };
}

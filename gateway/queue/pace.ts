const POLL_MS_MIN = 1_000;
const POLL_MS_MAX = 15_000;
const POLLS_BEFORE_TURN = 20;
const JITTER_SHARE = 0.2;
const IDLE_POLL_MS = 5_000;

/** A number in [0, 1); passed in by tests. */
export type Random = () => number;

/** When the fan should ask again: often near the front, rarely far from it, never all at once. */
export function pollAfterMs(waitSeconds: number | null, random: Random = Math.random): number {
  const base = waitSeconds === null ? IDLE_POLL_MS : (waitSeconds * 1000) / POLLS_BEFORE_TURN;
  const bounded = Math.min(POLL_MS_MAX, Math.max(POLL_MS_MIN, base));
  return Math.round(bounded * (1 - JITTER_SHARE + 2 * JITTER_SHARE * random()));
}

/** Turns are measured over the last minute; what they will be is uncertain by about this much either way. */
const ESTIMATE_SPREAD = 0.35;
const ESTIMATE_STEP_SECONDS = 10;

/** How long until the turn, as a range rounded outward; null when there is nothing honest to say. */
export function estimateWait(
  position: number,
  turnsLastMinute: number,
): { lowSeconds: number; highSeconds: number } | null {
  if (turnsLastMinute === 0) return null;
  const seconds = (position * 60) / turnsLastMinute;
  const outward = (value: number, round: (x: number) => number) =>
    round(value / ESTIMATE_STEP_SECONDS) * ESTIMATE_STEP_SECONDS;
  return {
    lowSeconds: outward(seconds * (1 - ESTIMATE_SPREAD), Math.floor),
    highSeconds: outward(seconds * (1 + ESTIMATE_SPREAD), Math.ceil),
  };
}

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

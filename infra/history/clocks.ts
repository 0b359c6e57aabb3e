import type { History } from './read.ts';

/**
 * How far the load generator's clock is ahead of the clock by which admissions are dated, in milliseconds, as bounds.
 * A claim that the shop dates happened between the sending of its request and the answer.
 */
export type Lead = { min: number; max: number };

/** Where the load generator runs on the machine of the shop. */
export const sameClock = (): Lead => ({ min: -CLOCK_STEP_MS, max: CLOCK_STEP_MS });

/**
 * The tightest bounds that a run's claims allow; null without any claim. After a loss of Redis an admission may be dated
 * anew, and one that is makes the bounds so wide that little is certain: whoever knows the lead does not ask for it.
 */
export function leadOf({ fans: byName, sale: { admissionMs }, lead: known }: History): Lead | null {
  if (known) return known;
  const fans = byName.values();
  const lead = { min: Number.NEGATIVE_INFINITY, max: Number.POSITIVE_INFINITY };
  for (const answers of fans) {
    let mayHaveClaimed = false;
    for (const { step, status, expires, sentAt, tookMs } of answers) {
      if (step !== 'claim') continue;
      // Claiming again, after an answer that was lost, tells of an earlier moment.
      const isFirst = !mayHaveClaimed;
      mayHaveClaimed ||= status < 400 || status >= 500;
      if (!isFirst || status !== 200 || expires === undefined) continue;
      const claimedAt = expires - admissionMs;
      lead.min = Math.max(lead.min, sentAt - claimedAt - CLOCK_STEP_MS);
      lead.max = Math.min(lead.max, sentAt + tookMs - claimedAt + CLOCK_STEP_MS);
    }
  }
  if (!Number.isFinite(lead.min) || !Number.isFinite(lead.max)) return null;
  // Clocks that drifted during the run: everything in between is possible.
  return lead.min <= lead.max ? lead : { min: lead.max, max: lead.min };
}

/** Clocks are read in whole milliseconds, rounded down, and a request's sending and answer by two readings. */
const CLOCK_STEP_MS = 2;

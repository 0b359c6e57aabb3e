/** Milliseconds since the Unix epoch. Passed in everywhere, so that no test has to wait for time. */
export type Clock = () => number;

export const systemClock: Clock = () => Date.now();

let lastMs = Number.NaN;
let lastText = '';

/** ISO 8601 in UTC with milliseconds, the only form in which times leave a service. Many in a row are of one moment. */
export function isoTime(epochMs: number): string {
  if (epochMs !== lastMs) {
    lastText = new Date(epochMs).toISOString();
    lastMs = epochMs;
  }
  return lastText;
}

export const isoTimeOrNull = (epochMs: number | null): string | null =>
  epochMs === null ? null : isoTime(epochMs);

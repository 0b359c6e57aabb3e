/** Milliseconds since the Unix epoch. Passed in everywhere, so that no test has to wait for time. */
export type Clock = () => number;

export const systemClock: Clock = () => Date.now();

/** ISO 8601 in UTC with milliseconds, the only form in which times leave a service. */
export const isoTime = (epochMs: number): string => new Date(epochMs).toISOString();

export const isoTimeOrNull = (epochMs: number | null): string | null =>
  epochMs === null ? null : isoTime(epochMs);

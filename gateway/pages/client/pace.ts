// How often the pages of a queue ask; a file of its own, so that they stand in the scripts as plain numbers.

/** Without an answer the next attempt comes after this time or up to twice as much: a gateway comes back to no herd. */
export const RETRY_MS_MIN = 3_000;
export const ANSWER_MS_MAX = 10_000;
/** The stream says something every 15 s; after this long without a word it is asked whether all is well. */
export const SILENCE_MS = 40_000;
/** Whoever has no place looks for news so often, or up to half as often. */
export const NEWS_MS = 30_000;
/** How exactly an attempt comes at its time. */
export const LOOK_MS = 250;
export const KEY_BYTES = 16;
/** Whoever waits for an opening without a place looks some time within so long of it. */
export const SPREAD_MS = 3_000;
/** A clock shows hours at most; before, the date is enough. */
export const CLOCK_MS_MAX = 24 * 3_600_000;
/** A sale that has ended says nothing new. */
export const NEVER_MS = 1e12;

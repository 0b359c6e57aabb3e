import { createRateLimiter } from '#shared/rate-limiter.ts';
import { keepByNumber, NUMBERS_PER_PAGE } from './by-number.ts';
import type { QueueTicket } from './ticket.ts';

/** A page polls once a second at most; several tabs of one fan, and a reload now and then, fit in too. */
const POLLS_PER_SECOND = 5;
const POLLS_AT_ONCE_MAX = 40;
const INTERVAL_MS = 1_000 / POLLS_PER_SECOND;
/** Of eight million tickets, 8 bytes each, as they are used. */
const PAGES_MAX = 8_192;
/** Tickets of a lobby have no number yet: they, and whatever is beyond, are remembered by their entries, the latest of them. */
const UNNUMBERED_KEPT = 100_000;

/**
 * How often one queue ticket may ask at this process: POLLS_PER_SECOND in the long run, POLLS_AT_ONCE_MAX at once (a
 * generic cell rate algorithm, ITU-T I.371). It costs a look-up and no Redis command.
 */
export type PollLimit = {
  /** Counts a poll; 0 when it may be answered, else the milliseconds until one may. `nowMs` by a monotonic clock. */
  take: (ticket: QueueTicket, nowMs: number) => number;
};

export function limitPolls(): PollLimit {
  const unnumbered = createRateLimiter({
    perSecond: POLLS_PER_SECOND,
    burst: POLLS_AT_ONCE_MAX,
    keysKept: UNNUMBERED_KEPT,
  });
  const arrivals = keepByNumber(() => new Float64Array(NUMBERS_PER_PAGE), PAGES_MAX);
  return {
    take({ sale, entry, queueNumber }, nowMs) {
      if (queueNumber === null) return unnumbered.take(entry, nowMs);
      const page = arrivals.get(sale, queueNumber);
      if (!page) return unnumbered.take(entry, nowMs);
      const at = queueNumber % NUMBERS_PER_PAGE;
      const next = Math.max(page[at] as number, nowMs) + INTERVAL_MS;
      const wait = next - nowMs - POLLS_AT_ONCE_MAX * INTERVAL_MS;
      if (wait > 0) return Math.ceil(wait);
      page[at] = next;
      return 0;
    },
  };
}

/** Without limits, where the environment turns them off. */
export const unlimitedPolls: PollLimit = { take: () => 0 };

import { EnvError } from '#shared/env.ts';
import { Problem } from '#shared/problem.ts';
import { createRateLimiter, type RateLimit, type RateLimiter } from '#shared/rate-limiter.ts';
import { countHit, type LimitHit } from './hit.ts';

/** Some 40 MB, when a flood of addresses fills a table. */
const KEYS_KEPT = 100_000;

/**
 * What one address, entry or admission may do at one process. Behind an address there may be thousands of fans (a university, a
 * mobile carrier) who come in the same minute: of it only what makes something new, or goes wrong, counts, and generously.
 * Whoever holds a queue ticket or an admission is counted by that, wherever it comes from; polls in a table of their own
 * (queue/poll-limit.ts).
 */
const LIMITS = {
  /** New places in a queue. */
  joins: { perSecond: 50, burst: 5_000 },
  /** Wrong access codes, by address and sale. */
  codes: { perSecond: 1, burst: 200 },
  /** Tickets, tokens and keys that are none. */
  credentials: { perSecond: 10, burst: 1_000 },
  /** Claims of one entry's turn, and leaving with it: a page claims once, and again a second later where the shop is full. */
  claims: { perSecond: 5, burst: 300 },
  /** What one admission asks of the shop: a page asks twice a second, and a fan has few tabs. */
  requests: { perSecond: 50, burst: 1_000 },
} satisfies Record<string, RateLimit>;

type LimitName = keyof typeof LIMITS;

export type Limits = {
  /**
   * Runs a join from an address (null is not limited): `isNew` unless the fan is known to have a place. What made no new
   * place counts for nothing, and a code that was not wrong neither. Throws `rate-limited`, and what the join throws.
   */
  join: <Joined extends { created: boolean }>(
    from: { address: string | null; sale: string; isNew: boolean; accessCode: string | null },
    join: () => Promise<Joined>,
  ) => Promise<Joined>;
  /** What a problem becomes for an address that has brought too many wrong credentials; right ones are never refused. */
  failed: (address: string | null, problem: Problem) => Problem;
  /** Counts one claim of an entry, or one request of an admission; throws `rate-limited`. */
  count: (what: 'claims' | 'requests', whose: string) => void;
};

const WRONG_CREDENTIAL = new Set(['token-invalid', 'organiser-required']);

/**
 * `settings` (RATE_LIMITS): `off`, or limits that differ: `joins=off,codes=2/500` is no limit on new places, and 2 a second
 * and 500 at once of wrong codes. Counted in this process's memory, bounded, without Redis. Throws one EnvError.
 */
export function limitAddresses(settings: string, nowMs = () => performance.now()): Limits {
  const limiters = readLimiters(settings);
  const guesses = watchGuesses(nowMs);

  return {
    async join({ address, sale, isNew, accessCode }, join) {
      if (address === null) return join();
      const places = isNew ? limiters.joins : undefined;
      const codes = accessCode === null ? undefined : limiters.codes;
      const guesser = `${address} ${sale}`;
      if (codes) await guesses.begin(codes, guesser);
      let isWrong = false;
      let isMade = false;
      try {
        const waitMs = places?.take(address, nowMs()) ?? 0;
        if (waitMs > 0) throw tooMany('joins', 'Too many places were asked for from your network.', waitMs);
        try {
          const joined = await join();
          isMade = joined.created;
          return joined;
        } finally {
          if (!isMade) places?.giveBack(address);
        }
      } catch (error) {
        isWrong = error instanceof Problem && error.code === 'forbidden';
        throw error;
      } finally {
        if (codes) guesses.end(codes, guesser, isWrong);
      }
    },
    failed(address, problem) {
      if (address === null || !WRONG_CREDENTIAL.has(problem.code)) return problem;
      const waitMs = limiters.credentials?.take(address, nowMs()) ?? 0;
      return waitMs > 0
        ? tooMany(
            'credentials',
            'Too many tickets, tokens or keys that are not valid came from your network.',
            waitMs,
          )
        : problem;
    },
    count(what, whose) {
      const waitMs = limiters[what]?.take(whose, nowMs()) ?? 0;
      if (waitMs > 0)
        throw tooMany(what, 'Too many requests of this place or admission came in a row.', waitMs);
    },
  };
}

/** So many from one address wait for those who try their codes at this moment. */
const GUESSES_WAITING_MAX = 5_000;

/**
 * Access codes are counted before they are tried, and given back when they were right: guesses at the same moment count,
 * and a right one tells nothing where wrong ones are refused. A crowd with right codes behind one address waits for its
 * own instead of being refused.
 */
function watchGuesses(nowMs: () => number) {
  const underWay = new Map<string, { count: number; waiting: (() => void)[] }>();
  return {
    async begin(codes: RateLimiter, guesser: string): Promise<void> {
      for (;;) {
        const waitMs = codes.take(guesser, nowMs());
        const others = underWay.get(guesser);
        if (waitMs === 0) {
          if (others) others.count += 1;
          else underWay.set(guesser, { count: 1, waiting: [] });
          return;
        }
        if (!others || others.waiting.length >= GUESSES_WAITING_MAX)
          throw tooMany('codes', 'Too many wrong access codes came from your network.', waitMs);
        await new Promise<void>((resolve) => others.waiting.push(resolve));
      }
    },
    end(codes: RateLimiter, guesser: string, isWrong: boolean): void {
      if (!isWrong) codes.giveBack(guesser);
      const others = underWay.get(guesser) as { count: number; waiting: (() => void)[] };
      others.count -= 1;
      // The last one leaves nobody behind: whoever still waits finds out for themselves.
      if (others.count === 0) underWay.delete(guesser);
      for (const resume of others.waiting.splice(0, others.count === 0 ? others.waiting.length : 1)) resume();
    },
  };
}

function tooMany(limit: LimitHit, detail: string, waitMs: number): Problem {
  countHit(limit);
  return new Problem('rate-limited', detail, { retryAfterSeconds: Math.ceil(waitMs / 1000) });
}

function readLimiters(settings: string): Partial<Record<LimitName, RateLimiter>> {
  if (settings.trim() === 'off') return {};
  const limits: Partial<Record<LimitName, RateLimit>> = { ...LIMITS };
  const faults: string[] = [];
  for (const part of settings.split(',').map((each) => each.trim())) {
    if (part === '') continue;
    const found = /^([a-z]+)=(?:(off)|(\d{1,6}(?:\.\d{1,3})?)\/(\d{1,6}))$/.exec(part);
    const [, name = '', off, perSecond, burst] = found ?? [];
    const limit = { perSecond: Number(perSecond), burst: Number(burst) };
    const isWrong = !Object.hasOwn(LIMITS, name) || !(off || (limit.perSecond > 0 && limit.burst > 0));
    if (isWrong) faults.push(part);
    else if (off) delete limits[name as LimitName];
    else limits[name as LimitName] = limit;
  }
  if (faults.length > 0)
    throw new EnvError([
      `RATE_LIMITS: off, or name=perSecond/burst or name=off for ${Object.keys(LIMITS).join(', ')}; not ${faults.join(', ')}`,
    ]);
  return Object.fromEntries(
    Object.entries(limits).map(([name, limit]) => [
      name,
      createRateLimiter({ ...limit, keysKept: KEYS_KEPT }),
    ]),
  );
}

import { EnvError } from '#shared/env.ts';
import { Problem } from '#shared/problem.ts';
import { createRateLimiter, type RateLimit, type RateLimiter } from '#shared/rate-limiter.ts';

/** Some 20 MB, when a flood of addresses fills a table. */
const KEYS_MAX = 100_000;

/**
 * What one address may do at one process. Thousands of fans may be behind it (a university, a mobile carrier) and come in
 * the same minute: only what makes something new, or goes wrong, counts, and generously. Whoever holds a queue ticket is
 * counted by it (queue/poll-limit.ts).
 */
const LIMITS = {
  /** New places in a queue. */
  joins: { perSecond: 50, burst: 5_000 },
  /** Wrong access codes, by address and sale. */
  codes: { perSecond: 1, burst: 200 },
  /** Tickets, tokens and keys that are none. */
  credentials: { perSecond: 10, burst: 1_000 },
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
};

const WRONG_CREDENTIAL = new Set(['token-invalid', 'organiser-required']);

/**
 * `settings` (RATE_LIMITS): `off`, or limits that differ: `joins=off,codes=2/500` is no limit on new places, and 2 a second
 * and 500 at once of wrong codes. Counted in this process's memory, bounded, without Redis. Throws one EnvError.
 */
export function limitAddresses(settings: string, nowMs = () => performance.now()): Limits {
  const limiters = readLimiters(settings);

  return {
    async join({ address, sale, isNew, accessCode }, join) {
      if (address === null) return join();
      // Counted before it is tried, and given back afterwards: a right guess must tell nothing where wrong ones are refused,
      // and those that are under way at the same moment are guesses too.
      const counted: { limiter: RateLimiter; key: string }[] = [];
      const count = (limiter: RateLimiter | undefined, key: string, detail: string) => {
        if (!limiter) return;
        const waitMs = limiter.take(key, nowMs());
        if (waitMs === 0) counted.push({ limiter, key });
        else throw tooMany(detail, waitMs);
      };
      const giveBack = (kept: (limiter: RateLimiter) => boolean) => {
        for (const { limiter, key } of counted) if (!kept(limiter)) limiter.giveBack(key);
      };
      try {
        if (accessCode !== null)
          count(limiters.codes, `${address} ${sale}`, 'Too many wrong access codes came from your network.');
        if (isNew) count(limiters.joins, address, 'Too many places were asked for from your network.');
        const joined = await join();
        giveBack((limiter) => limiter === limiters.joins && joined.created);
        return joined;
      } catch (error) {
        const isWrongCode = error instanceof Problem && error.code === 'forbidden';
        giveBack((limiter) => limiter === limiters.codes && isWrongCode);
        throw error;
      }
    },
    failed(address, problem) {
      if (address === null || !WRONG_CREDENTIAL.has(problem.code)) return problem;
      const waitMs = limiters.credentials?.take(address, nowMs()) ?? 0;
      return waitMs > 0
        ? tooMany('Too many tickets, tokens or keys that are not valid came from your network.', waitMs)
        : problem;
    },
  };
}

const tooMany = (detail: string, waitMs: number): Problem =>
  new Problem('rate-limited', detail, { retryAfterSeconds: Math.ceil(waitMs / 1000) });

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
    throw new EnvError(
      `The environment is not complete:\n  RATE_LIMITS: off, or name=perSecond/burst or name=off for ${Object.keys(LIMITS).join(', ')}; not ${faults.join(', ')}`,
    );
  return Object.fromEntries(
    Object.entries(limits).map(([name, limit]) => [name, createRateLimiter({ ...limit, keysMax: KEYS_MAX })]),
  );
}

import { setTimeout as delay } from 'node:timers/promises';
import type { z } from 'zod';
import { newId } from '#shared/ids.ts';
import type { Log } from '#shared/log.ts';
import { Problem } from '#shared/problem.ts';
import { factKeys } from '../redis/keys.ts';
import { keyScript, type Store } from '../redis/script.ts';

/** Of each kind, in this process. */
const REMEMBERED_MAX = 1_000;
const ABSENCE_AGE_MS_MAX = 1_000;
/** In Redis. A booking service that is away for longer is no longer a fault but an end. */
const KEPT_MS = 7 * 24 * 3_600_000;
/** Longer than the booking service may take to answer (gateway/booking/client.ts). */
const ASKING_MS_MAX = 2_500;
/** How long another gateway's answer is waited for before one's own is asked for. */
const PATIENCE_MS = 1_000;
const PATIENCE_STEP_MS = 25;
/** After a renewal that failed, or that another gateway has begun. */
const RENEW_AGAIN_MS = 1_000;

const lookUp = keyScript<[body: string, ageMs: number, mayAsk: number, now: number]>(
  new URL('./look-up-fact.lua', import.meta.url),
);
const write = keyScript<number>(new URL('./write-fact.lua', import.meta.url));

/** Facts that the gateways ask the booking service for together: one asks, Redis keeps, every process remembers. */
export type Facts<Fact> = {
  /** What this process remembers, however old; null without asking anybody. */
  remembered: (key: string) => Fact | null;
  /**
   * The fact; what is older than it should be is answered all the same and renewed behind the answer. `exists` says that
   * somebody trustworthy has named it: only then is a key written before it is found. Throws `not-found`, `unavailable`.
   */
  find: (key: string, options: { exists: boolean }) => Promise<Fact>;
};

type Options<Fact> = {
  store: Store;
  kind: 'event' | 'layout';
  schema: z.ZodType<Fact>;
  /** From which age on a fact is asked for again; infinite for what never changes. */
  ageMsMax: number;
  /** Asks for what exists. */
  ask: (key: string) => Promise<Fact>;
  /** Asks for what anybody may have made up: must be cheap in any number. */
  askUnknown: (key: string) => Promise<Fact>;
  log: Log;
};

export function rememberFacts<Fact>(options: Options<Fact>): Facts<Fact> {
  const { kind, ask, askUnknown, log } = options;
  const store = sharedStore(options);
  const ageMsMax = Math.min(options.ageMsMax, KEPT_MS);
  const known = new Map<string, { fact: Fact; renewAt: number }>();
  const absent = new Map<string, number>();
  const underWay = new Map<string, Promise<Fact>>();

  const remember = (key: string, fact: Fact, renewInMs = ageMsMax): Fact => {
    put(known, key, { fact, renewAt: performance.now() + renewInMs });
    return fact;
  };

  const askFor = async (key: string, mark: string, askedAt: number | null): Promise<Fact> => {
    let fact: Fact | null = null;
    try {
      fact = await ask(key);
      return remember(key, fact);
    } finally {
      if (askedAt !== null) await store.write(key, { mark, askedAt, fact });
    }
  };

  const findExisting = async (key: string): Promise<Fact> => {
    const mark = newId();
    const deadline = performance.now() + PATIENCE_MS;
    for (;;) {
      const seen = await store.lookUp(key, mark, ASKING_MS_MAX);
      // Without Redis every process asks for itself.
      if (!seen) return askFor(key, mark, null);
      if (seen.fact && !seen.mayAsk) return remember(key, seen.fact, Math.max(0, ageMsMax - seen.ageMs));
      if (seen.fact) {
        renewBehind(key, askFor(key, mark, seen.now));
        return remember(key, seen.fact, RENEW_AGAIN_MS);
      }
      if (seen.mayAsk || seen.isUnreadable || performance.now() >= deadline)
        return askFor(key, mark, seen.now);
      await delay(PATIENCE_STEP_MS);
    }
  };

  const findUnknown = async (key: string): Promise<Fact> => {
    const mark = newId();
    const seen = await store.lookUp(key, mark, 0);
    if (seen?.fact) return remember(key, seen.fact, Math.max(0, ageMsMax - seen.ageMs));
    try {
      const fact = await askUnknown(key);
      if (seen) await store.write(key, { mark, askedAt: seen.now, fact });
      return remember(key, fact);
    } catch (error) {
      if (error instanceof Problem && error.code === 'not-found') put(absent, key, performance.now());
      throw error;
    }
  };

  /** A renewal that fails changes nothing: the next one comes with the next question. */
  const renewBehind = (key: string, renewal: Promise<Fact>): void => {
    renewal.catch((error) => log.debug({ err: error, kind, key }, 'a fact could not be renewed'));
  };

  const renew = async (key: string): Promise<Fact> => {
    const mark = newId();
    const seen = await store.lookUp(key, mark, ASKING_MS_MAX);
    if (!seen || seen.mayAsk) return askFor(key, mark, seen ? seen.now : null);
    if (!seen.fact) throw new Problem('unavailable', 'Another gateway is asking.');
    const isFresh = seen.ageMs < ageMsMax;
    return remember(key, seen.fact, isFresh ? ageMsMax - seen.ageMs : RENEW_AGAIN_MS);
  };

  const once = (key: string, work: (key: string) => Promise<Fact>): Promise<Fact> => {
    const before = underWay.get(key);
    if (before) return before;
    const running = work(key).finally(() => underWay.delete(key));
    underWay.set(key, running);
    return running;
  };

  return {
    remembered: (key) => known.get(key)?.fact ?? null,
    find: async (key, { exists }) => {
      const found = known.get(key);
      if (found) {
        if (performance.now() >= found.renewAt) {
          found.renewAt = performance.now() + RENEW_AGAIN_MS;
          renewBehind(key, once(key, renew));
        }
        return found.fact;
      }
      if (performance.now() - (absent.get(key) ?? Number.NEGATIVE_INFINITY) < ABSENCE_AGE_MS_MAX) {
        throw nothingHere();
      }
      return once(key, exists ? findExisting : findUnknown);
    },
  };
}

export const nothingHere = (): Problem => new Problem('not-found', 'There is nothing at this address.');

/** The part of the memory that is in Redis; while Redis is away it knows nothing and keeps nothing. */
function sharedStore<Fact>({ store, kind, schema, ageMsMax, log }: Options<Fact>) {
  const readAgainMs = Math.min(ageMsMax, KEPT_MS);
  const report = (error: unknown) => log.debug({ err: error, kind }, 'facts cannot be shared for a moment');
  return {
    async lookUp(key: string, mark: string, askingMs: number) {
      try {
        const [body, ageMs, mayAsk, now] = await lookUp(store, factKeys(kind, key), [
          readAgainMs,
          mark,
          askingMs,
        ]);
        const parsed = body === '' ? null : schema.safeParse(JSON.parse(body));
        const fact = parsed?.success ? parsed.data : null;
        // What another version of this program has written may look different: then it is asked for again.
        const isUnreadable = body !== '' && fact === null;
        return { fact, ageMs, isUnreadable, mayAsk: mayAsk === 1, now };
      } catch (error) {
        report(error);
        return null;
      }
    },
    async write(key: string, { mark, askedAt, fact }: { mark: string; askedAt: number; fact: Fact | null }) {
      const body = fact === null ? '' : JSON.stringify(fact);
      await write(store, factKeys(kind, key), [mark, askedAt, body, KEPT_MS]).catch(report);
    },
  };
}

function put<Value>(map: Map<string, Value>, key: string, value: Value): void {
  map.delete(key);
  if (map.size >= REMEMBERED_MAX) map.delete(map.keys().next().value as string);
  map.set(key, value);
}

import type { SaleDefinition } from '#shared/contract/sale.ts';
import { every, everyEach, type Stop } from '#shared/every.ts';
import { idPattern } from '#shared/ids.ts';
import type { Log } from '#shared/log.ts';
import { Problem } from '#shared/problem.ts';
import { salesKey } from '../redis/keys.ts';
import { redisProblem, type Store } from '../redis/script.ts';
import { type QueueSnapshot, readSnapshot } from './snapshot.ts';

const RENEW_INTERVAL_MS = 200;
/** What an organiser changes is in effect everywhere within a second, in a quiet sale too. */
const QUIET_RENEW_INTERVAL_MS = 600;
/** A sale made at another gateway is met within this time. */
const SALES_INTERVAL_MS = 500;
/** Nothing older than this is shown as the current state of a queue. */
export const SNAPSHOT_AGE_MS_MAX = 2_000;

/** A sale that Redis has lost is put back by whoever keeps sales in step; where nobody does, it is forgotten after this. */
const LOST_SALE_MS_MAX = 10 * 60_000;

/**
 * Called before a sale is read, and then with what was read: whether that can come after everything seen before. If not,
 * Redis has lost data, and a recovery has begun: it is read again.
 */
export type Guard = (sale: string) => (snapshot: QueueSnapshot) => Promise<boolean>;

const trusting: Guard = () => async () => true;

/** Keeps a snapshot of every sale in this process, renewed several times a second. */
export type QueueWatch = {
  sales: () => string[];
  definitions: () => SaleDefinition[];
  /** Whether a sale of this event is live. */
  hasSaleOf: (event: string) => boolean;
  /** Whether Redis has answered within SNAPSHOT_AGE_MS_MAX. */
  isAlive: () => boolean;
  /** Whether every sale that was live at some moment since the start has been met. */
  hasLooked: () => boolean;
  /** Whether a sale that this process has met was not in Redis when it was last looked for. */
  isLost: (sale: string) => boolean;
  /** What is remembered, however old; null for a sale this process has not met. */
  remembered: (sale: string) => QueueSnapshot | null;
  /**
   * A snapshot at least as new as the caller has already seen (a version, a queue number). Throws `not-found` for a sale
   * that does not exist and `unavailable` when Redis is needed for the answer and is away.
   */
  atLeast: (sale: string, seen: { version: number; queueNumber: number }) => Promise<QueueSnapshot>;
  /** A snapshot read after this call began. */
  renew: (sale: string) => Promise<QueueSnapshot>;
  stop: Stop;
};

export const isCurrent = (snapshot: QueueSnapshot): boolean =>
  performance.now() - snapshot.readAt <= SNAPSHOT_AGE_MS_MAX;

export function watchQueues(store: Store, log: Log, guard: Guard = trusting): QueueWatch {
  const snapshots = new Map<string, QueueSnapshot>();
  const renewals = new Map<string, Promise<QueueSnapshot>>();
  // Of a cluster some nodes may be away: as long as one answers, its sales go on.
  let answeredAt = Number.NEGATIVE_INFINITY;

  const lost = new Set<string>();
  const forget = (sale: string) => {
    snapshots.delete(sale);
    lost.delete(sale);
  };
  const isToBeKept = ({ readAt }: QueueSnapshot) => performance.now() - readAt < LOST_SALE_MS_MAX;

  const read = async (sale: string): Promise<QueueSnapshot> => {
    const known = snapshots.get(sale) ?? null;
    const judge = guard(sale);
    const snapshot = await readSnapshot(store, sale, known);
    answeredAt = performance.now();
    if (!snapshot) {
      if (known && isToBeKept(known)) {
        lost.add(sale);
        throw lostSale();
      }
      forget(sale);
      throw unknownSale();
    }
    if (!(await judge(snapshot))) return read(sale);
    lost.delete(sale);
    snapshots.set(sale, snapshot);
    return snapshot;
  };

  /** One read at a time and sale; whoever arrives during a read that began too early waits for the next one. */
  const renew = async (sale: string): Promise<QueueSnapshot> => {
    const underWay = renewals.get(sale);
    if (underWay) {
      await underWay.catch(() => undefined);
      const next = renewals.get(sale);
      if (next && next !== underWay) return next;
    }
    const reading = read(sale).finally(() => {
      if (renewals.get(sale) === reading) renewals.delete(sale);
    });
    renewals.set(sale, reading);
    return reading;
  };

  const report = (error: unknown) => log.warn({ err: error }, 'a queue could not be read');
  let hasLooked = false;
  const stopSales = every(
    SALES_INTERVAL_MS,
    async () => {
      const sales = await store.redis.smembers(salesKey);
      answeredAt = performance.now();
      const unmet = sales.filter((sale) => !snapshots.has(sale));
      await Promise.all(unmet.map((sale) => renew(sale).catch(report)));
      hasLooked = true;
      for (const [sale, snapshot] of snapshots)
        if (!sales.includes(sale) && !isToBeKept(snapshot)) forget(sale);
    },
    report,
  );
  // Each by itself: of a cluster one node may not answer, and the sales of the others do not wait for it.
  const stopRenewing = everyEach(
    RENEW_INTERVAL_MS,
    () => {
      const isDue = (snapshot: QueueSnapshot) => performance.now() - snapshot.readAt >= intervalOf(snapshot);
      return [...snapshots].filter(([, snapshot]) => isDue(snapshot)).map(([sale]) => sale);
    },
    renew,
    report,
  );

  return {
    sales: () => [...snapshots.keys()],
    definitions: () => [...snapshots.values()].map(({ definition }) => definition),
    hasSaleOf: (event) => [...snapshots.values()].some(({ definition }) => definition.event === event),
    hasLooked: () => hasLooked,
    isAlive: () => performance.now() - answeredAt <= SNAPSHOT_AGE_MS_MAX,
    isLost: (sale) => lost.has(sale),
    remembered: (sale) => snapshots.get(sale) ?? null,
    renew,
    async atLeast(sale, seen) {
      const known = snapshots.get(sale);
      if (
        known &&
        isCurrent(known) &&
        known.version >= seen.version &&
        known.lastNumber >= seen.queueNumber
      ) {
        return known;
      }
      if (!known && !(await exists(store, sale))) throw unknownSale();
      return renew(sale);
    },
    stop: async () => {
      await Promise.all([stopSales(), stopRenewing()]);
    },
  };
}

const intervalOf = ({ state, ready, admitted }: QueueSnapshot): number => {
  const moving = state === 'lobby' || state === 'open' || state === 'paused' || ready > 0 || admitted > 0;
  return moving ? RENEW_INTERVAL_MS : QUIET_RENEW_INTERVAL_MS;
};

async function exists(store: Store, sale: string): Promise<boolean> {
  if (!idPattern.test(sale)) return false;
  try {
    return (await store.redis.sismember(salesKey, sale)) === 1;
  } catch (error) {
    throw redisProblem(error);
  }
}

/** Whoever has a ticket or a place of a sale that is not here: Redis has lost it, and it is put back in a moment. */
export const lostSale = (): Problem => redisProblem(new Error('Redis does not know a sale any more'));

export const unknownSale = (): Problem => new Problem('not-found', 'There is no such sale.');

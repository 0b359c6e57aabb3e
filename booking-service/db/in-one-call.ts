import postgres from 'postgres';
import { Problem } from '#shared/problem.ts';
import { type Together, together } from '#shared/together.ts';
import { CALL_DEADLINE_MS, type Db } from './client.ts';
import { isWorthRetrying } from './failure.ts';
import { createLine, type Line } from './line.ts';

/** A call takes its locks for all of its items, and PostgreSQL's table of locks is shared by all sessions. */
const AT_ONCE_MAX = 128;
const WAITING_MAX = 4_000;
/** PostgreSQL has refused the item itself. */
const REFUSED = Symbol('refused');
type Tried<Result> = Result | null | typeof REFUSED;

/** An item on its way; what becomes of it is its caller's until the deadline. */
type Carried<Item> = { item: Item; deadlineMs: number; wasSent: boolean };
/** At most so many of a kind wait by themselves: the other connections stay free for those whom nobody blocks. */
const ALONE_AT_ONCE_MAX = 3;
/** Our own calls answer in some ten milliseconds: behind one that hangs, on a connection of its own, the others go on. */
const IMPATIENT_MS = 300;

export type InOneCall<Item, Result> = {
  /**
   * One item's own result, or its own error; answers or throws within CALL_DEADLINE_MS. Where it throws, and the item may
   * have been done all the same, `onUnknown` is called as soon as nothing more can come of it.
   */
  do: (db: Db, item: Item, onUnknown?: () => void) => Promise<Result>;
  /** Whether a call of this group is under way. */
  isUnderWay: (db: Db, group: string) => boolean;
};

type Options<Item, Result> = {
  /** One result an item, in their order; null for one that is to be made by itself. Waits for nobody's lock. */
  together: (db: Db, items: readonly Item[]) => Promise<readonly (Result | null)[]>;
  /** Waits for others, and knows every case. */
  alone: (db: Db, item: Item, withinMs?: number) => Promise<Result>;
  /** Items that have one of these names in common never go in one call. */
  apart?: (item: Item) => readonly string[];
  /** Only items of one group go in one call; without it all do. */
  group?: (item: Item) => string;
  /** In how many calls an item goes along, as long as none decides it, before it is made by itself; 1 unless given. */
  callsMax?: number;
};

type Carriers<Item, Result> = {
  groups: Map<string, Together<Carried<Item>, Tried<Result>>>;
  aloneLine: Line<number>;
};

/**
 * What requests ask of the database while a call is under way goes together in the next: one way there and back, one
 * commit, one write to the disk for all of them, judged in order of arrival. One that comes alone is not delayed.
 *
 * A call that PostgreSQL refuses for what stands in it is made again in halves, until the item that is to blame is by
 * itself and gets its own error. An item that somebody outside stands in the way of delays nobody else.
 */
export function inOneCall<Item, Result>(options: Options<Item, Result>): InOneCall<Item, Result> {
  const { alone, group = () => '', callsMax = 1 } = options;
  const ofDbs = new WeakMap<Db, Carriers<Item, Result>>();

  const carriersOf = (db: Db): Carriers<Item, Result> => {
    const known = ofDbs.get(db);
    if (known) return known;
    const places = Array.from({ length: ALONE_AT_ONCE_MAX }, (_, index) => index);
    const made = { groups: new Map(), aloneLine: createLine(places, WAITING_MAX) };
    ofDbs.set(db, made);
    return made;
  };

  const inHalves = async (db: Db, items: readonly Item[]): Promise<Tried<Result>[]> => {
    try {
      return [...(await options.together(db, items))];
    } catch (error) {
      // Only what PostgreSQL has answered says that nothing was done.
      if (!(error instanceof postgres.PostgresError)) throw error;
      if (items.length === 1) {
        db.report(error, 'what goes together was refused; it is done by itself');
        return [REFUSED];
      }
      const half = items.length >> 1;
      const first = await inHalves(db, items.slice(0, half));
      return [...first, ...(await inHalves(db, items.slice(half)))];
    }
  };

  const carrierOf = (db: Db, name: string): Together<Carried<Item>, Tried<Result>> => {
    const { groups } = carriersOf(db);
    const known = groups.get(name);
    if (known) return known;
    const { apart } = options;
    const made = together<Carried<Item>, Tried<Result>>({
      call: (carried) => {
        for (const one of carried) one.wasSent = true;
        return inHalves(
          db,
          carried.map(({ item }) => item),
        );
      },
      atOnceMax: AT_ONCE_MAX,
      waitingMax: WAITING_MAX,
      waitMsMax: CALL_DEADLINE_MS,
      // Nobody would fare better while the database is away. One call that took too long says nothing about the next.
      failsAll: (error) => error instanceof Problem && isWorthRetrying(error.cause),
      isLate: ({ deadlineMs }) => performance.now() >= deadlineMs,
      impatientMs: IMPATIENT_MS,
      ...(apart && { apart: ({ item }: Carried<Item>) => apart(item) }),
      onIdle: () => groups.delete(name),
    });
    groups.set(name, made);
    return made;
  };

  const doAlone = async (db: Db, item: Item, leftMs: () => number): Promise<Result> => {
    const { aloneLine } = carriersOf(db);
    const place = await aloneLine.take(leftMs());
    try {
      return await alone(db, item, leftMs());
    } finally {
      aloneLine.giveBack(place);
    }
  };

  return {
    do: async (db, item, onUnknown = () => undefined) => {
      const deadlineMs = performance.now() + CALL_DEADLINE_MS;
      const leftMs = () => deadlineMs - performance.now();
      try {
        if (db.isOneByOne) return await alone(db, item);
        for (let calls = 1; calls <= callsMax; calls += 1) {
          const carried = { item, deadlineMs, wasSent: false };
          const result = await carriedInTime(carrierOf(db, group(item)).do(carried), carried, onUnknown);
          if (result === REFUSED) break;
          if (result !== null) return result;
        }
        return await doAlone(db, item, leftMs);
      } catch (error) {
        if (!(error instanceof NotDone)) onUnknown();
        throw error instanceof NotDone ? error.why : error;
      }
    },
    isUnderWay: (db, name) => carriersOf(db).groups.has(name),
  };
}

/** The item was not sent, or what it comes to is told by `onUnknown` later. */
class NotDone extends Error {
  readonly why: unknown;
  constructor(why: unknown) {
    super('not done');
    this.why = why;
  }
}

/** Whoever has waited until the deadline goes; what the call then comes to is nobody's any more. */
async function carriedInTime<Item, Result>(
  result: Promise<Result>,
  carried: Carried<Item>,
  onUnknown: () => void,
): Promise<Result> {
  let timer: NodeJS.Timeout | undefined;
  let isLate = false;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => {
        isLate = true;
        reject(new Problem('unavailable', 'This took too long. Please try again.', { cause: 'deadline' }));
      },
      Math.max(0, carried.deadlineMs - performance.now()),
    );
  });
  try {
    return await Promise.race([result, late]);
  } catch (error) {
    if (isLate) {
      const tell = () => {
        if (carried.wasSent) onUnknown();
      };
      result.then(tell, tell);
    }
    throw isLate || !carried.wasSent ? new NotDone(error) : error;
  } finally {
    clearTimeout(timer);
  }
}

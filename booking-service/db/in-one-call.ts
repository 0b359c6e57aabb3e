import postgres from 'postgres';
import { Problem } from '#shared/problem.ts';
import { type Together, together } from '#shared/together.ts';
import { CALL_DEADLINE_MS, type Db } from './client.ts';
import { createLine, type Line } from './line.ts';

/** A call takes its locks for all of its items, and PostgreSQL's table of locks is shared by all sessions. */
const AT_ONCE_MAX = 128;
const WAITING_MAX = 4_000;
/** PostgreSQL has refused the item itself. */
const REFUSED = Symbol('refused');
type Tried<Result> = Result | null | typeof REFUSED;
/** At most so many of a kind wait by themselves: the other connections stay free for those whom nobody blocks. */
const ALONE_AT_ONCE_MAX = 3;

export type InOneCall<Item, Result> = {
  /** One item's own result, or its own error; answers or throws within CALL_DEADLINE_MS. */
  do: (db: Db, item: Item) => Promise<Result>;
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
  groups: Map<string, Together<Item, Tried<Result>>>;
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

  const carrierOf = (db: Db, name: string): Together<Item, Tried<Result>> => {
    const { groups } = carriersOf(db);
    const known = groups.get(name);
    if (known) return known;
    const made = together<Item, Tried<Result>>({
      call: (items) => inHalves(db, items),
      atOnceMax: AT_ONCE_MAX,
      waitingMax: WAITING_MAX,
      waitMsMax: CALL_DEADLINE_MS,
      failsAll: (error) => error instanceof Problem,
      ...(options.apart && { apart: options.apart }),
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
    do: async (db, item) => {
      if (db.isOneByOne) return alone(db, item);
      const deadlineMs = performance.now() + CALL_DEADLINE_MS;
      const leftMs = () => deadlineMs - performance.now();
      for (let calls = 1; calls <= callsMax; calls += 1) {
        const result = await within(carrierOf(db, group(item)).do(item), leftMs());
        if (result === REFUSED) break;
        if (result !== null) return result;
      }
      return doAlone(db, item, leftMs);
    },
    isUnderWay: (db, name) => carriersOf(db).groups.has(name),
  };
}

/** Whoever has waited so long goes; what the call then comes to is nobody's any more. */
async function within<Result>(result: Promise<Result>, ms: number): Promise<Result> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new Problem('unavailable', 'This took too long. Please try again.', { cause: 'deadline' }));
    }, ms);
  });
  try {
    return await Promise.race([result, late]);
  } finally {
    clearTimeout(timer);
  }
}

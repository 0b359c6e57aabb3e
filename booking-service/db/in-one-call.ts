import postgres from 'postgres';
import { Problem } from '#shared/problem.ts';
import { Failed, togetherByName } from '#shared/together.ts';
import { CALL_DEADLINE_MS, type Db } from './client.ts';
import { isWorthRetrying } from './failure.ts';
import { createLine, type Line } from './line.ts';

/** A call takes its locks for all of its items, and PostgreSQL's table of locks is shared by all sessions. */
const AT_ONCE_MAX = 128;
/** While one call is under way, that many are worth another: a smaller one costs more an item than it saves in waiting. */
const BESIDE_FROM = AT_ONCE_MAX / 2;
const WAITING_MAX = 4_000;
/** At most so many of a kind wait by themselves: the other connections stay free for those whom nobody blocks. */
const ALONE_AT_ONCE_MAX = 3;
/** Our own calls answer in some ten milliseconds: behind one that hangs, on a connection of its own, the others go on. */
const IMPATIENT_MS = 300;

/** PostgreSQL has refused the item itself. */
const REFUSED = Symbol('refused');
type Tried<Result> = Result | null | typeof REFUSED;

type Carried<Item> = { item: Item; deadlineMs: number; wasSent: boolean };
type Answers<Item, Result> = Map<Carried<Item>, Tried<Result> | Failed>;

/** Nobody would fare better while the database is away. One call that took too long says nothing about the next. */
const isAway = (error: unknown): boolean => error instanceof Problem && isWorthRetrying(error.cause);

export type Asking = {
  /** By then there is an answer, or `unavailable` (performance.now); CALL_DEADLINE_MS from now unless given. */
  deadlineMs?: number;
  /** Called where it throws and the item may have been done all the same, as soon as nothing more can come of it. */
  onUnknown?: () => void;
};

export type InOneCall<Item, Result> = {
  /** One item's own result, or its own error. */
  do: (db: Db, item: Item, asking?: Asking) => Promise<Result>;
  /** Whether a call of this group is under way. */
  isUnderWay: (db: Db, group: string) => boolean;
};

type Options<Item, Result> = {
  /** What the items are, for whoever counts them. */
  what: string;
  /** One result an item, in their order; null for one that is to be made by itself. Waits for nobody's lock. */
  together: (db: Db, items: readonly Item[]) => Promise<readonly (Result | null)[]>;
  /** Waits for others, and knows every case. */
  alone: (db: Db, item: Item, withinMs: number) => Promise<Result>;
  /** Items that have one of these names in common never go in one call, nor in two at once. */
  apart?: (item: Item) => readonly string[];
  /** Items that have one of these in common go in one call or in two that follow each other, in order of arrival. */
  inOrder?: (item: Item) => readonly number[];
  /** Whether two calls of a group may be under way at once, where there are many who ask. */
  twoAtOnce?: boolean;
  /** Only items of one group go in one call; without it all do. */
  group?: (item: Item) => string;
  /** In how many calls an item goes along, as long as none decides it, before it is made by itself; 1 unless given. */
  callsMax?: number;
};

/**
 * What requests ask of the database while a call is under way goes together in the next: one way there and back, one
 * commit, one write to the disk for all of them, judged in order of arrival. One that comes alone is not delayed.
 *
 * A call that PostgreSQL refuses for what stands in it is made again in halves, until the item that is to blame is by
 * itself and gets its own error; a half that gets no answer takes none from the others. An item that somebody outside stands
 * in the way of delays nobody else.
 */
export function inOneCall<Item, Result>(options: Options<Item, Result>): InOneCall<Item, Result> {
  const { alone, apart, inOrder, twoAtOnce = false, group = () => '', callsMax = 1 } = options;
  const aloneLines = new WeakMap<Db, Line<number>>();

  /** Each of `given` has the answer of the call that it was last in, or none where nobody waited for it any more. */
  const inHalves = async (
    db: Db,
    given: readonly Carried<Item>[],
    answers: Answers<Item, Result>,
  ): Promise<void> => {
    const nowMs = performance.now();
    const carried = given.filter(({ deadlineMs }) => deadlineMs > nowMs);
    if (carried.length === 0) return;
    for (const one of carried) one.wasSent = true;
    try {
      const items = carried.map(({ item }) => item);
      const results = await options.together(db, items);
      if (results.length !== items.length) throw new Error(`${results.length} results, not ${items.length}`);
      for (const [i, one] of carried.entries()) answers.set(one, results[i] as Result | null);
    } catch (error) {
      // Only what PostgreSQL has answered says that nothing was done.
      if (!(error instanceof postgres.PostgresError)) {
        for (const one of carried) answers.set(one, new Failed(error));
        return;
      }
      if (carried.length === 1) {
        db.report(error, 'what goes together was refused; it is done by itself');
        answers.set(carried[0] as Carried<Item>, REFUSED);
        return;
      }
      const half = carried.length >> 1;
      const [first, second] = [carried.slice(0, half), carried.slice(half)];
      await inHalves(db, first, answers);
      // What is known of the first half stays so, whatever becomes of the second.
      const last = answers.get(first.at(-1) as Carried<Item>);
      if (!(last instanceof Failed && isAway(last.error))) return inHalves(db, second, answers);
      for (const one of second) answers.set(one, last);
    }
  };

  const carriers = togetherByName<Db, Carried<Item>, Tried<Result>>((db) => ({
    call: async (carried) => {
      const answers: Answers<Item, Result> = new Map();
      await inHalves(db, carried, answers);
      return carried.map((one) => {
        const answer = answers.get(one);
        return answer === undefined && !answers.has(one) ? new Failed(tooLate()) : (answer as Tried<Result>);
      });
    },
    what: options.what,
    atOnceMax: AT_ONCE_MAX,
    waitingMax: WAITING_MAX,
    waitMsMax: CALL_DEADLINE_MS,
    untilMs: ({ deadlineMs }) => deadlineMs,
    failsAll: isAway,
    impatientMs: IMPATIENT_MS,
    ...(apart && { apart: ({ item }: Carried<Item>) => apart(item) }),
    ...(inOrder && { inOrder: ({ item }: Carried<Item>) => inOrder(item) }),
    ...(twoAtOnce && { besideFrom: BESIDE_FROM }),
  }));

  const goAlong = async (
    db: Db,
    item: Item,
    { deadlineMs, onUnknown }: Required<Asking>,
  ): Promise<Tried<Result>> => {
    const carried = { item, deadlineMs, wasSent: false };
    const answer = carriers.do(db, group(item), carried);
    try {
      return await within(answer, deadlineMs);
    } catch (error) {
      // What was not sent by the deadline never is. What was may yet come to something, which is nobody's any more.
      if (carried.wasSent) answer.then(onUnknown, onUnknown);
      throw error;
    }
  };

  const byItself = async (
    db: Db,
    item: Item,
    { deadlineMs, onUnknown }: Required<Asking>,
  ): Promise<Result> => {
    try {
      return await alone(db, item, deadlineMs - performance.now());
    } catch (error) {
      onUnknown();
      throw error;
    }
  };

  const goAlone = async (
    db: Db,
    item: Item,
    { deadlineMs, onUnknown }: Required<Asking>,
  ): Promise<Result> => {
    const line = aloneLines.get(db) ?? createLine([...Array(ALONE_AT_ONCE_MAX).keys()], WAITING_MAX);
    aloneLines.set(db, line);
    const place = await line.take(deadlineMs - performance.now());
    try {
      return await byItself(db, item, { deadlineMs, onUnknown });
    } finally {
      line.giveBack(place);
    }
  };

  return {
    do: async (
      db,
      item,
      { deadlineMs = performance.now() + CALL_DEADLINE_MS, onUnknown = () => {} } = {},
    ) => {
      const asking = { deadlineMs, onUnknown };
      if (db.isOneByOne) return byItself(db, item, asking);
      for (let calls = 1; calls <= callsMax; calls += 1) {
        const result = await goAlong(db, item, asking);
        if (result === REFUSED) break;
        if (result !== null) return result;
      }
      return goAlone(db, item, asking);
    },
    isUnderWay: carriers.isUnderWay,
  };
}

const tooLate = (): Problem =>
  new Problem('unavailable', 'This took too long. Please try again.', { cause: 'deadline' });

/** One promise and no more: it is made for each item of each call. */
function within<Result>(answer: Promise<Result>, deadlineMs: number): Promise<Result> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(tooLate()), Math.max(0, deadlineMs - performance.now()));
    answer.then(
      (result) => {
        clearTimeout(timer);
        resolve(result);
      },
      (error) => {
        clearTimeout(timer);
        reject(error);
      },
    );
  });
}

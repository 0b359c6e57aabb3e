export type Name = string | number;

export type Waiter = {
  /** Who has one of these in common with one before goes when that one has come back. */
  apart: ReadonlySet<Name>;
  /** Who has one of these in common with one before goes together with that one, or when it has come back. */
  inOrder: ReadonlySet<Name>;
  /** Nobody waits for it any more from then on (performance.now). */
  untilMs: number;
};

export type Departure<One> = {
  /** In order of arrival. */
  taken: One[];
  /** Those that nobody waits for any more. */
  late: One[];
  /** Those that were taken have come back: whoever waited for one of them may go. */
  end: () => void;
};

export type WaitingRow<One extends Waiter> = {
  count: () => number;
  /** How many wait for nobody. Of those that may only go along with one of them nobody is counted. */
  free: () => number;
  add: (one: One) => void;
  /** The next to go, at most `max`. */
  take: (max: number, nowMs: number) => Departure<One>;
  /** Nobody waits any more. */
  takeAll: () => One[];
};

type Place<One> = {
  one: One;
  /** In order of arrival. */
  number: number;
  /** By how many names it waits for others. */
  ahead: number;
  /** Who waits for it by one name each, and was not there before it. */
  apart: Place<One>[];
  inOrder: Place<One>[];
  /** It goes, if it does, together with one that it would have to wait for. */
  isAlong: boolean;
};

/** Who waits, in order of arrival. Taking costs by what is taken, however many stand behind each other by their names. */
export function createRow<One extends Waiter>(): WaitingRow<One> {
  const all = new Set<Place<One>>();
  /** Those that wait for nobody, in order. */
  const free: Place<One>[] = [];
  const lastOf = { apart: new Map<Name, Place<One>>(), inOrder: new Map<Name, Place<One>>() };
  let added = 0;

  const indexInFree = (number: number, from: number): number => {
    let [low, high] = [from, free.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((free[middle] as Place<One>).number < number) low = middle + 1;
      else high = middle;
    }
    return low;
  };

  /** One name fewer. One who came early goes before those who came later, those before `from` excepted. */
  const advance = (place: Place<One>, from: number) => {
    place.ahead -= 1;
    if (place.ahead === 0 && all.has(place)) free.splice(indexInFree(place.number, from), 0, place);
  };

  const stepBack = (place: Place<One>) => {
    if (place.ahead === 0) free.splice(indexInFree(place.number, 0), 1);
    place.ahead += 1;
    place.isAlong = false;
  };

  const standBehind = (kind: 'apart' | 'inOrder', place: Place<One>) => {
    const last = lastOf[kind];
    for (const name of place.one[kind]) {
      const before = last.get(name);
      last.set(name, place);
      if (!before) continue;
      before[kind].push(place);
      place.ahead += 1;
    }
  };

  const leave = (kind: 'apart' | 'inOrder', place: Place<One>, from: number) => {
    const last = lastOf[kind];
    for (const name of place.one[kind]) if (last.get(name) === place) last.delete(name);
    for (const follower of place[kind]) advance(follower, from);
    place[kind] = [];
  };

  return {
    count: () => all.size,
    free: () => free.length,
    add: (one) => {
      const place = { one, number: added, ahead: 0, apart: [], inOrder: [], isAlong: false };
      added += 1;
      all.add(place);
      standBehind('apart', place);
      standBehind('inOrder', place);
      if (place.ahead === 0) free.push(place);
    },
    take: (max, nowMs) => {
      const [taken, late]: [One[], One[]] = [[], []];
      /** Those taken; and those late that stand between two of them by a name: who is behind waits for the one before. */
      const gone: Place<One>[] = [];
      let looked = 0;
      for (; looked < free.length && taken.length < max; looked += 1) {
        const next = free[looked] as Place<One>;
        const isLate = next.one.untilMs <= nowMs;
        all.delete(next);
        (isLate ? late : taken).push(next.one);
        if (isLate) leave('apart', next, looked + 1);
        if (isLate && !next.isAlong) leave('inOrder', next, looked + 1);
        else gone.push(next);
        for (const follower of next.inOrder) {
          follower.isAlong = true;
          advance(follower, looked + 1);
        }
      }
      free.splice(0, looked);
      for (const place of gone) {
        place.inOrder = place.inOrder.filter((follower) => all.has(follower));
        place.inOrder.forEach(stepBack);
      }
      const end = () => {
        for (const place of gone.splice(0)) {
          leave('apart', place, 0);
          leave('inOrder', place, 0);
        }
      };
      return { taken, late, end };
    },
    takeAll: () => {
      const ones = [...all].map(({ one }) => one);
      all.clear();
      lastOf.apart.clear();
      lastOf.inOrder.clear();
      free.length = 0;
      return ones;
    },
  };
}

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

type Kind = 'apart' | 'inOrder';

type Place<One> = {
  one: One;
  /** In order of arrival. */
  number: number;
  /** By how many names it waits for others. */
  ahead: number;
  /** Who waits for it, and by which name. */
  behind: Record<Kind, { place: Place<One>; name: Name }[]>;
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
  };

  const standBehind = (kind: Kind, place: Place<One>) => {
    // Most have no names.
    if (place.one[kind].size === 0) return;
    const last = lastOf[kind];
    for (const name of place.one[kind]) {
      const before = last.get(name);
      last.set(name, place);
      if (!before) continue;
      before.behind[kind].push({ place, name });
      place.ahead += 1;
    }
  };

  /** Whoever stood behind it by a name stands behind `before` by that name, or behind nobody. */
  const leave = (
    kind: Kind,
    place: Place<One>,
    from: number,
    before: (name: Name) => Place<One> | undefined = () => undefined,
  ) => {
    if (place.one[kind].size === 0) return;
    const last = lastOf[kind];
    for (const name of place.one[kind]) {
      if (last.get(name) !== place) continue;
      const other = before(name);
      if (other) last.set(name, other);
      else last.delete(name);
    }
    for (const link of place.behind[kind]) {
      before(link.name)?.behind[kind].push(link);
      advance(link.place, from);
    }
    place.behind[kind] = [];
  };

  return {
    count: () => all.size,
    free: () => free.length,
    add: (one) => {
      const place: Place<One> = { one, number: added, ahead: 0, behind: { apart: [], inOrder: [] } };
      added += 1;
      all.add(place);
      standBehind('apart', place);
      standBehind('inOrder', place);
      if (place.ahead === 0) free.push(place);
    },
    take: (max, nowMs) => {
      const taken: Place<One>[] = [];
      const late: One[] = [];
      const lastTaken = (name: Name) => taken.findLast(({ one }) => one.inOrder.has(name));
      let looked = 0;
      for (; looked < free.length && taken.length < max; looked += 1) {
        const next = free[looked] as Place<One>;
        all.delete(next);
        if (next.one.untilMs <= nowMs) {
          late.push(next.one);
          leave('apart', next, looked + 1);
          // All that it may have waited for in order has come back, or goes along with this call.
          leave('inOrder', next, looked + 1, lastTaken);
          continue;
        }
        taken.push(next);
        for (const { place } of next.behind.inOrder) advance(place, looked + 1);
      }
      free.splice(0, looked);
      // Whoever could have gone along, and did not, waits until they have come back.
      for (const { behind } of taken) {
        behind.inOrder = behind.inOrder.filter(({ place }) => all.has(place));
        for (const { place } of behind.inOrder) stepBack(place);
      }
      const away = [...taken];
      const end = () => {
        for (const place of away.splice(0)) {
          leave('apart', place, 0);
          leave('inOrder', place, 0);
        }
      };
      return { taken: taken.map(({ one }) => one), late, end };
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

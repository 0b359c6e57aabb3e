export type Waiter = {
  /** Who has a name in common with one before is not taken together with that one, but after it. */
  names: ReadonlySet<string>;
  /** Nobody waits for it any more from then on (performance.now). */
  untilMs: number;
};

export type WaitingRow<One extends Waiter> = {
  count: () => number;
  add: (one: One) => void;
  /** The next to go, at most `max`, in order of arrival; those that nobody waits for any more are not among them. */
  take: (max: number, nowMs: number) => { taken: One[]; late: One[] };
  takeAll: () => One[];
};

type Place<One> = {
  one: One;
  /** In order of arrival. */
  number: number;
  /** By how many of its names it stands behind another, and who stands right behind it by one of them. */
  ahead: number;
  followers: Place<One>[];
};

/** Who waits, in order of arrival. Taking costs by what is taken, however many stand behind each other by their names. */
export function createRow<One extends Waiter>(): WaitingRow<One> {
  const all = new Set<Place<One>>();
  /** Those that stand behind nobody, in order. */
  const free: Place<One>[] = [];
  const lastOf = new Map<string, Place<One>>();
  let added = 0;

  /** One who came late and stood behind others goes before those who came later still. */
  const setFree = (place: Place<One>, from: number) => {
    let [low, high] = [from, free.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((free[middle] as Place<One>).number < place.number) low = middle + 1;
      else high = middle;
    }
    free.splice(low, 0, place);
  };

  const leave = (place: Place<One>, from: number) => {
    all.delete(place);
    for (const name of place.one.names) if (lastOf.get(name) === place) lastOf.delete(name);
    for (const follower of place.followers) {
      follower.ahead -= 1;
      if (follower.ahead === 0) setFree(follower, from);
    }
  };

  return {
    count: () => all.size,
    add: (one) => {
      const place: Place<One> = { one, number: added, ahead: 0, followers: [] };
      added += 1;
      all.add(place);
      for (const name of one.names) {
        const before = lastOf.get(name);
        lastOf.set(name, place);
        if (!before) continue;
        before.followers.push(place);
        place.ahead += 1;
      }
      if (place.ahead === 0) free.push(place);
    },
    take: (max, nowMs) => {
      const taken: Place<One>[] = [];
      const late: Place<One>[] = [];
      let looked = 0;
      for (; looked < free.length && taken.length < max; looked += 1) {
        const next = free[looked] as Place<One>;
        if (next.one.untilMs > nowMs) {
          taken.push(next);
          continue;
        }
        late.push(next);
        // Whoever stood behind it may go along now.
        leave(next, looked + 1);
      }
      free.splice(0, looked);
      for (const place of taken) leave(place, 0);
      return { taken: taken.map(({ one }) => one), late: late.map(({ one }) => one) };
    },
    takeAll: () => {
      const ones = [...all].map(({ one }) => one);
      all.clear();
      lastOf.clear();
      free.length = 0;
      return ones;
    },
  };
}

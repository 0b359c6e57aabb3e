import { Problem } from '#shared/problem.ts';

type Waiting<Item> = { resolve: (item: Item) => void; timer: NodeJS.Timeout };

export type Line<Item> = {
  /** Resolves to the next free item; throws `unavailable` when the line is full or the wait takes longer than `waitMsMax`. */
  take: (waitMsMax: number) => Promise<Item>;
  giveBack: (item: Item) => void;
  waiting: () => number;
};

/**
 * A bounded waiting line in front of a fixed set of items, first come first served. The driver would put a query behind
 * another one on a busy connection, where it waits for however long that one takes; here it waits for the first free one.
 */
export function createLine<Item>(items: readonly Item[], waitingMax: number): Line<Item> {
  const free = [...items];
  // A set keeps the order of arrival and lets those whose time is up step out of the middle.
  const waiting = new Set<Waiting<Item>>();

  const take = (waitMsMax: number): Promise<Item> => {
    const item = free.pop();
    if (item !== undefined) return Promise.resolve(item);
    if (waiting.size >= waitingMax) return Promise.reject(busy('full'));
    return new Promise((resolve, reject) => {
      const stepOut = () => {
        waiting.delete(entry);
        reject(busy('slow'));
      };
      const entry = { resolve, timer: setTimeout(stepOut, waitMsMax) };
      waiting.add(entry);
    });
  };

  const giveBack = (item: Item): void => {
    const next = waiting.values().next().value;
    if (!next) {
      free.push(item);
      return;
    }
    waiting.delete(next);
    clearTimeout(next.timer);
    next.resolve(item);
  };

  return { take, giveBack, waiting: () => waiting.size };
}

const busy = (how: string): Problem =>
  new Problem('unavailable', 'Too much is going on at once. Please try again in a moment.', {
    cause: `the line for the database is ${how}`,
  });

import { Problem } from './problem.ts';

export type Together<Item, Result> = {
  /** One item's own result. Rejects with what its call failed with, or `unavailable` when too many wait already. */
  do: (item: Item) => Promise<Result>;
};

type Waiting<Item, Result> = {
  item: Item;
  resolve: (result: Result) => void;
  reject: (error: unknown) => void;
};

/**
 * Carries items to a service in one call at a time: what arrives while a call is under way goes together in the next, in
 * order of arrival, at most `atOnceMax` in one. An item that comes alone is not delayed. `call` answers with one result an
 * item, in their order; a call that fails fails each of its items, once.
 */
export function together<Item, Result>(options: {
  call: (items: Item[]) => Promise<Result[]>;
  atOnceMax: number;
  waitingMax: number;
  /** Nothing is under way and nothing waits. */
  onIdle?: () => void;
}): Together<Item, Result> {
  const { call, atOnceMax, waitingMax, onIdle } = options;
  let waiting: Waiting<Item, Result>[] = [];
  let underWay = false;

  const carry = async () => {
    underWay = true;
    while (waiting.length > 0) {
      const batch = waiting.slice(0, atOnceMax);
      waiting = waiting.slice(atOnceMax);
      try {
        const results = await call(batch.map(({ item }) => item));
        if (results.length !== batch.length)
          throw new Error(`${results.length} results for ${batch.length} items`);
        batch.forEach(({ resolve }, i) => {
          resolve(results[i] as Result);
        });
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
    }
    underWay = false;
    onIdle?.();
  };

  return {
    do: (item) =>
      new Promise((resolve, reject) => {
        if (waiting.length >= waitingMax) {
          reject(new Problem('unavailable', 'Too many are asking at this moment.'));
          return;
        }
        waiting.push({ item, resolve, reject });
        // What else has arrived by the end of this turn of the event loop goes along.
        if (!underWay) {
          underWay = true;
          setImmediate(carry);
        }
      }),
  };
}

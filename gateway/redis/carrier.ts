import { type Together, together } from '#shared/together.ts';
import { isAway, type Store } from './script.ts';

/** Longer than this nothing waits for its turn: its own call may take as long again as Redis is waited for. */
const WAIT_MS_MAX = 400;

/**
 * What fans of one sale ask at one moment goes to Redis together: a carrier for each sale, for as long as it carries, for
 * anybody can name a sale that does not exist. When Redis is away, whoever waits behind the call that found out is told so
 * with it.
 */
export function saleCarrier<Item, Result>(
  call: (store: Store, sale: string, items: Item[]) => Promise<Result[]>,
  limits: { atOnceMax: number; waitingMax: number },
): (store: Store, sale: string, item: Item) => Promise<Result> {
  const carriers = new WeakMap<Store, Map<string, Together<Item, Result>>>();
  return (store, sale, item) => {
    const sales = carriers.get(store) ?? new Map<string, Together<Item, Result>>();
    carriers.set(store, sales);
    const known = sales.get(sale);
    if (known) return known.do(item);
    const carrier = together<Item, Result>({
      ...limits,
      call: (items) => call(store, sale, items),
      waitMsMax: WAIT_MS_MAX,
      failsAll: isAway,
      onIdle: () => sales.delete(sale),
    });
    sales.set(sale, carrier);
    return carrier.do(item);
  };
}

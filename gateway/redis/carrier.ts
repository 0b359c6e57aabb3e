import { togetherByName } from '#shared/together.ts';
import { isAway, type Store } from './script.ts';

/** Longer than this nothing waits for its turn: its own call may take as long again as Redis is waited for. */
const WAIT_MS_MAX = 400;

/**
 * What fans of one sale ask at one moment goes to Redis together. When Redis is away, whoever waits behind the call that
 * found out is told so with it.
 */
export const saleCarrier = <Item, Result>(
  call: (store: Store, sale: string, items: Item[]) => Promise<Result[]>,
  limits: { what: string; atOnceMax: number; waitingMax: number },
): ((store: Store, sale: string, item: Item) => Promise<Result>) =>
  togetherByName<Store, Item, Result>((store, sale) => ({
    ...limits,
    call: (items) => call(store, sale, items),
    waitMsMax: WAIT_MS_MAX,
    failsAll: isAway,
  })).do;

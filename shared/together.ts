import { histogram, ITEMS_BUCKETS } from './metrics/registry.ts';
import { Problem } from './problem.ts';
import { createRow, type Departure, type Name, type Waiter } from './waiting-row.ts';

export const itemsPerCall = histogram(
  'admit_one_items_per_call',
  'How many items went together in a call, by what they are.',
  ['what'],
  ITEMS_BUCKETS,
);

/** In place of a result: the item's own error, of a call that did better by others. */
export class Failed {
  readonly error: unknown;
  constructor(error: unknown) {
    this.error = error;
  }
}

export type Together<Item, Result> = {
  /** One item's own result. Rejects with what its call failed with, or `unavailable` when too many wait already. */
  do: (item: Item) => Promise<Result>;
};

type Waiting<Item, Result> = Waiter & {
  item: Item;
  resolve: (result: Result) => void;
  reject: (error: unknown) => void;
};

export type TogetherOptions<Item, Result> = {
  call: (items: Item[]) => Promise<(Result | Failed)[]>;
  /** What the items are, for whoever counts them; a few words in all. */
  what?: string;
  atOnceMax: number;
  waitingMax: number;
  waitMsMax: number;
  /** Of an item that has a deadline of its own, in place of `waitMsMax` from now (performance.now). */
  untilMs?: (item: Item) => number;
  failsAll: (error: unknown) => boolean;
  apart?: (item: Item) => readonly Name[];
  inOrder?: (item: Item) => readonly Name[];
  /** A second call goes beside the one that is under way as soon as so many can go with it; unless given, none does. */
  besideFrom?: number;
  /** A call that has not answered for so long keeps the next one waiting no more. */
  impatientMs?: number;
  /** Nothing is under way and nothing waits. */
  onIdle?: () => void;
};

/** However many hang. */
const CALLS_AT_ONCE_MAX = 4;
/** Of calls that do not hang. */
const BESIDE_MAX = 2;
const NAMELESS: ReadonlySet<Name> = new Set();

/**
 * Carries items to a service in one call at a time: what arrives while a call is under way goes together in the next, in
 * order of arrival, at most `atOnceMax` in one. An item that comes alone is not delayed. `call` answers with one result an
 * item, or its own failure, in their order; a call that fails fails each of its items, once.
 *
 * An item that has waited `waitMsMax` for its turn is not sent any more: its caller gets `unavailable`. Where `failsAll` says
 * of a failure that nobody would fare better, all that wait fail with it. Items that have one of the names which
 * `apart` says in common never go in one call: the later one waits until the earlier one's has ended. Those that have one of
 * the names which `inOrder` says in common do so too, or go in one call, in order.
 * With `impatientMs` a call that hangs delays only its own items: up to CALLS_AT_ONCE_MAX are under way then.
 */
export function together<Item, Result>(options: TogetherOptions<Item, Result>): Together<Item, Result> {
  const { call, atOnceMax, waitingMax, waitMsMax, failsAll, onIdle } = options;
  const { what, apart, inOrder, impatientMs, besideFrom = Number.POSITIVE_INFINITY } = options;
  const { untilMs = () => performance.now() + waitMsMax } = options;
  const waiting = createRow<Waiting<Item, Result>>();
  /** Loops that carry, and how many of them wait for a call that hangs. */
  let carriers = 0;
  let hanging = 0;

  /** The next to go, in order of arrival, without those that nobody waits for any more. */
  const takeBatch = (): Departure<Waiting<Item, Result>> => {
    const departure = waiting.take(atOnceMax, performance.now());
    for (const { reject } of departure.late) reject(tooMany());
    return departure;
  };

  const failWaiting = (error: unknown) => {
    if (!failsAll(error)) return;
    for (const { reject } of waiting.takeAll()) reject(error);
  };

  /** Calls for a batch; resolves to what tells each of it how it went. */
  const callFor = async (batch: Waiting<Item, Result>[]): Promise<() => void> => {
    if (what !== undefined) itemsPerCall.observe(batch.length, what);
    try {
      const results = await call(batch.map(({ item }) => item));
      if (results.length !== batch.length)
        throw new Error(`${results.length} results for ${batch.length} items`);
      for (const result of results) if (result instanceof Failed) failWaiting(result.error);
      return () =>
        batch.forEach(({ resolve, reject }, i) => {
          const result = results[i] as Result | Failed;
          if (result instanceof Failed) reject(result.error);
          else resolve(result);
        });
    } catch (error) {
      failWaiting(error);
      return () => {
        for (const { reject } of batch) reject(error);
      };
    }
  };

  const mayCarry = (others: number): boolean =>
    others === 0 || (others < BESIDE_MAX && waiting.free() >= besideFrom);

  const carry = async () => {
    let tell: (() => void) | null = null;
    while (mayCarry(carriers - hanging - 1)) {
      const { taken: batch, end } = takeBatch();
      if (batch.length === 0) break;
      const answered = callFor(batch);
      // When this call has been sent: while it is under way those of the one before do what they do with their answers.
      if (tell) setImmediate(tell);
      let isHanging = false;
      const timer =
        impatientMs === undefined
          ? undefined
          : setTimeout(() => {
              isHanging = true;
              hanging += 1;
              end();
              goOn();
            }, impatientMs);
      tell = await answered;
      clearTimeout(timer);
      end();
      if (isHanging) hanging -= 1;
    }
    tell?.();
    carriers -= 1;
    if (carriers === 0) onIdle?.();
  };

  /** Somebody carries, or begins to at the end of this turn of the event loop: what else has arrived by then goes along. */
  const goOn = () => {
    if (carriers >= CALLS_AT_ONCE_MAX || !mayCarry(carriers - hanging)) return;
    carriers += 1;
    setImmediate(carry);
  };

  return {
    do: (item) =>
      new Promise((resolve, reject) => {
        if (waiting.count() >= waitingMax) {
          reject(tooMany());
          return;
        }
        // Written out: as spreads it takes a microsecond, at every join.
        waiting.add({
          item,
          apart: namesOf(apart, item),
          inOrder: namesOf(inOrder, item),
          untilMs: untilMs(item),
          resolve,
          reject,
        });
        goOn();
      }),
  };
}

const namesOf = <Item>(of: ((item: Item) => readonly Name[]) | undefined, item: Item): ReadonlySet<Name> =>
  of ? new Set(of(item)) : NAMELESS;

/**
 * Carriers by name, each for as long as it carries: anybody can name what does not exist. `owner` is what they carry to: a
 * store, a database.
 */
export function togetherByName<Owner extends object, Item, Result>(
  optionsOf: (owner: Owner, name: string) => Omit<TogetherOptions<Item, Result>, 'onIdle'>,
): {
  do: (owner: Owner, name: string, item: Item) => Promise<Result>;
  isUnderWay: (owner: Owner, name: string) => boolean;
} {
  const owners = new WeakMap<Owner, Map<string, Together<Item, Result>>>();
  return {
    do: (owner, name, item) => {
      const carriers = owners.get(owner) ?? new Map<string, Together<Item, Result>>();
      owners.set(owner, carriers);
      const known = carriers.get(name);
      if (known) return known.do(item);
      const made = together<Item, Result>({
        ...optionsOf(owner, name),
        onIdle: () => carriers.delete(name),
      });
      carriers.set(name, made);
      return made.do(item);
    },
    isUnderWay: (owner, name) => owners.get(owner)?.has(name) ?? false,
  };
}

const tooMany = (): Problem => new Problem('unavailable', 'Too many are asking at this moment.');

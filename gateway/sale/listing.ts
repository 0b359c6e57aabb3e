import type { Clock } from '#shared/clock.ts';
import type { EventAnswer } from '#shared/contract/event.ts';
import {
  EVENTS_LISTED_MAX,
  type EventsAnswer,
  type EventWithSalesAnswer,
  type ListedSale,
  SALES_LISTED_MAX,
  type SaleStock,
} from '#shared/contract/sale.ts';
import { every, type Stop } from '#shared/every.ts';
import { Problem } from '#shared/problem.ts';
import type { QueueSnapshot } from '../queue/snapshot.ts';
import type { QueueWatch } from '../queue/watch.ts';
import type { Events } from './events.ts';
import { leftWord } from './public-sale.ts';
import type { SaleSync } from './sync.ts';

/** What is shown may be older than this process knows by so much, and no more. */
const GATHER_INTERVAL_MS = 100;
const LEARN_INTERVAL_MS = 250;
/** How long a visitor waits for a gateway that has just been started. */
const FIRST_LOOK_MS_MAX = 2_000;
/** A concert that began longer ago is not listed, whatever became of its sale. */
const SHOWN_AFTER_START_MS = 12 * 3_600_000;

/** An event and what a visitor may know of its sales; the same object for as long as nothing of it changes. */
export type ShownEvent = { event: EventAnswer; sales: readonly ListedSale[] };

/** What browsing shows, gathered from memory: no question of a visitor reaches a store. */
export type Listing = {
  /** The events on sale, the next concert first; the same array until something of it changes. Throws `unavailable`. */
  events: () => Promise<readonly ShownEvent[]>;
  /** One event, on sale or not. Throws `not-found`, `unavailable`. */
  event: (id: string) => Promise<ShownEvent>;
  stop: Stop;
};

export function keepListing(options: {
  watch: QueueWatch;
  sync: SaleSync;
  events: Events;
  clock: Clock;
}): Listing {
  const { watch, sync, events, clock } = options;
  let shown = new Map<string, ShownEvent>();
  let listed: readonly ShownEvent[] = [];
  let gatheredAt = Number.NEGATIVE_INFINITY;
  let begun = (): void => undefined;
  let hasBegun = false;
  const beginning = new Promise<void>((resolve) => {
    begun = resolve;
  });

  /** An empty list from a gateway that does not know yet would be believed, and cached. */
  const begins = async (): Promise<void> => {
    if (hasBegun || (await inTime(beginning))) return;
    throw new Problem('unavailable', 'The concerts are not known yet.');
  };

  const gather = (): void => {
    if (performance.now() - gatheredAt < GATHER_INTERVAL_MS) return;
    gatheredAt = performance.now();
    const before = shown;
    shown = new Map();
    for (const [id, snapshots] of salesByEvent(watch)) {
      const event = events.remembered(id);
      if (!event) continue;
      const sales = snapshots.map((snapshot) => listedSale(snapshot, sync.stockOf(snapshot.definition.sale)));
      shown.set(id, unchanged(before.get(id), { event, sales }));
    }
    const next = worthListing([...shown.values()], clock());
    const same = next.length === listed.length && next.every((each, i) => each === listed[i]);
    if (!same) listed = next;
  };

  /** The facts of every event on sale come into memory by themselves, and stay fresh there. */
  const stop = every(
    LEARN_INTERVAL_MS,
    async () => {
      const ids = new Set(watch.definitions().map(({ event }) => event));
      await Promise.allSettled([...ids].map(events.event));
      if (watch.hasLooked() && (ids.size > 0 || sync.isReady())) {
        hasBegun = true;
        begun();
      }
    },
    // Nothing is awaited that throws.
    () => undefined,
  );

  return {
    async events() {
      await begins();
      gather();
      return listed;
    },
    async event(id) {
      await begins();
      gather();
      const known = shown.get(id);
      if (known) return known;
      const event = await events.event(id);
      gather();
      return shown.get(id) ?? withoutSales(event);
    },
    stop,
  };
}

function salesByEvent(watch: QueueWatch): Map<string, QueueSnapshot[]> {
  const byEvent = new Map<string, QueueSnapshot[]>();
  for (const sale of watch.sales()) {
    const snapshot = watch.remembered(sale);
    if (!snapshot) continue;
    const { event } = snapshot.definition;
    const others = byEvent.get(event);
    if (others) others.push(snapshot);
    else byEvent.set(event, [snapshot]);
  }
  // The same order in every process: equal bytes have equal tags.
  for (const snapshots of byEvent.values()) {
    snapshots.sort((a, b) => inOrder(orderOf(a), orderOf(b)));
    snapshots.splice(SALES_LISTED_MAX);
  }
  return byEvent;
}

/** What is not over comes first, then what opens first. */
const orderOf = ({ state, definition }: QueueSnapshot): string =>
  `${state === 'closed' ? 1 : 0} ${definition.opensAt} ${definition.sale}`;

const inOrder = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** Made anew only when a setting, the state or what is left has changed, so that comparing it is comparing pointers. */
const made = new WeakMap<QueueSnapshot['definition'], ListedSale>();

function listedSale({ definition, state }: QueueSnapshot, stock: SaleStock | null): ListedSale {
  const left = stock && leftWord(stock);
  const before = made.get(definition);
  if (before && before.state === state && before.left === left) return before;
  const { sale, name, opensAt, lobbyOpensAt, closesAt, sections } = definition;
  const prices = sections.map(({ price }) => price);
  const lowestPrice = prices.reduce((low, price) => (price.amount < low.amount ? price : low));
  const names = sections.map((section) => section.name);
  const accessCodeNeeded = definition.accessCodeUses !== null;
  const listed = {
    sale,
    name,
    state,
    opensAt,
    lobbyOpensAt,
    closesAt,
    sections: names,
    lowestPrice,
    left,
    accessCodeNeeded,
  };
  made.set(definition, listed);
  return listed;
}

const unchanged = (before: ShownEvent | undefined, now: ShownEvent): ShownEvent => {
  const same =
    before?.event === now.event &&
    before.sales.length === now.sales.length &&
    before.sales.every((sale, i) => sale === now.sales[i]);
  return same ? before : now;
};

const isOver = ({ state }: ListedSale): boolean => state === 'closed';

const worthListing = (events: ShownEvent[], now: number): ShownEvent[] =>
  events
    .filter(({ event }) => Date.parse(event.startsAt) > now - SHOWN_AFTER_START_MS)
    .filter(({ sales }) => sales.some((sale) => !isOver(sale)))
    .sort((a, b) => inOrder(`${a.event.startsAt} ${a.event.event}`, `${b.event.startsAt} ${b.event.event}`))
    .slice(0, EVENTS_LISTED_MAX);

const apart = new WeakMap<EventAnswer, ShownEvent>();

/** An event that nothing is on sale of, the same object each time too. */
function withoutSales(event: EventAnswer): ShownEvent {
  const known = apart.get(event) ?? { event, sales: [] };
  apart.set(event, known);
  return known;
}

export const eventsAnswer = (events: readonly ShownEvent[]): EventsAnswer => ({
  events: events.map(({ event: { sections: _, ...facts }, sales }) => ({
    ...facts,
    sales: sales.filter((sale) => !isOver(sale)),
  })),
});

export const eventWithSales = ({ event, sales }: ShownEvent): EventWithSalesAnswer => ({
  ...event,
  sales: [...sales],
});

async function inTime(promise: Promise<void>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(resolve, FIRST_LOOK_MS_MAX, false);
  });
  try {
    return await Promise.race([promise.then(() => true), late]);
  } finally {
    clearTimeout(timer);
  }
}

import { setTimeout as delay } from 'node:timers/promises';
import type { Clock } from '#shared/clock.ts';
import type { Log } from '#shared/log.ts';
import { Problem } from '#shared/problem.ts';
import { type Event, listEvents } from '../catalogue/event.ts';
import { listSales, type Sale, withEvent } from '../catalogue/sale.ts';
import type { Db } from '../db/client.ts';
import { type ChangeLog, createChangeLog } from './change-log.ts';
import { type Changes, currentSnapshot, readChanges, readSeats } from './changes.ts';
import { oneAfterAnother } from './one-after-another.ts';
import { applySeatRows, createSeatStates, openEnded, type SeatStates, takeChanged } from './seat-states.ts';

const RENEW_INTERVAL_MS = 200;
/** How long a fan of a sale that is not in memory waits for it. */
const FIND_SALE_MS_MAX = 2_000;
/** Refreshes asked for by bookings follow each other no faster than this. */
const REFRESH_GAP_MS = 15;
/** Where renewals have not come for so long nobody waits for the next: fans would stand behind each other for nothing. */
const STALLED_AFTER_MS = 1_000;
/** Away for longer than this, and the notes may have been pruned: everything is read anew. */
const RELOAD_AFTER_MS = 5 * 60_000;

type LiveEvent = { event: Event; states: SeatStates; version: number; changes: ChangeLog };

export type Inventory = {
  /** Reads until there is something to serve, then keeps it current; resolves at once. */
  start: () => void;
  stop: () => Promise<void>;
  /** Resolves when everything committed before the call is in memory, or could not be read. */
  refresh: () => Promise<void>;
  /** Whether everything committed before the call is in memory; answers within `withinMs`, and at once where renewals do not come. */
  isRenewed: (withinMs: number) => Promise<boolean>;
  /** How old the memory may be, in ms; infinite before the first load. */
  ageMs: () => number;
  sales: () => Sale[];
  /** A sale that is in memory, by id. */
  saleOf: (id: string) => Sale | undefined;
  /** A sale by id; one that is not known yet is looked for once more in the database. Throws `unavailable`. */
  findSale: (id: string) => Promise<Sale | undefined>;
  /** An event that is on sale, by id; undefined for one that is not in memory. */
  eventOf: (event: string) => Event | undefined;
  /** What fans see of an event's seats as of now. The version rises with every visible change, through restarts too. */
  seatsOf: (event: string) => { states: SeatStates; version: number; changes: Pick<ChangeLog, 'since'> };
};

type Memory = { snapshot: string; server: string; sales: Map<string, Sale>; events: Map<string, LiveEvent> };

/** The states of all seats on sale, in memory, renewed several times a second. Browsing never asks PostgreSQL. */
export function createInventory(options: { db: Db; clock: Clock; log: Log }): Inventory {
  const { db, clock, log } = options;
  let memory: Memory | undefined;
  let renewedAtMs = Number.NEGATIVE_INFINITY;
  let databaseAheadMs = 0;
  /** The moment of the last renewal, by the database's clock: what others did later is not known here. */
  let knownAtMs = 0;
  let isFailing = false;
  let timer: NodeJS.Timeout | undefined;

  const nowMs = (): number => clock() + databaseAheadMs;
  const ageMs = (): number => clock() - renewedAtMs;

  const renew = async (): Promise<void> => {
    const startedAtMs = clock();
    try {
      if (!memory || startedAtMs - renewedAtMs > RELOAD_AFTER_MS) memory = await load(db, memory);
      let changes = await readChanges(db, memory.snapshot);
      // A standby that has taken over may not have the last commits, and gives their numbers once more.
      if (changes.server !== memory.server) {
        memory = await load(db, memory);
        changes = await readChanges(db, memory.snapshot);
      }
      databaseAheadMs = changes.nowMs - clock();
      knownAtMs = changes.nowMs;
      await takeOver(db, memory, changes);
      renewedAtMs = startedAtMs;
      if (isFailing) log.info('the inventory is current again');
      isFailing = false;
    } catch (error) {
      if (!isFailing) log.warn({ err: error }, 'the inventory cannot be renewed; serving what is known');
      isFailing = true;
    }
  };

  const refresh = oneAfterAnother(renew, REFRESH_GAP_MS);

  const isRenewed = async (withinMs: number): Promise<boolean> => {
    const askedAtMs = clock();
    const renewed = refresh();
    const isStalled = memory !== undefined && ageMs() > STALLED_AFTER_MS;
    if (!isStalled) await Promise.race([renewed, delay(withinMs, undefined, { ref: false })]);
    return renewedAtMs >= askedAtMs;
  };

  return {
    start: () => {
      void refresh();
      timer = setInterval(refresh, RENEW_INTERVAL_MS);
    },
    stop: async () => {
      clearInterval(timer);
      await refresh();
    },
    refresh,
    isRenewed,
    ageMs,
    sales: () => [...(memory?.sales.values() ?? [])],
    saleOf: (id) => memory?.sales.get(id),
    findSale: async (id) => {
      const known = memory?.sales.get(id);
      if (known) return known;
      const isCurrent = await isRenewed(FIND_SALE_MS_MAX);
      const found = memory?.sales.get(id);
      // Not found is an answer only when it was possible to look.
      if (!found && !isCurrent) throw new Problem('unavailable', 'Sales cannot be looked up for a moment.');
      return found;
    },
    eventOf: (id) => memory?.events.get(id)?.event,
    seatsOf: (id) => {
      const live = memory?.events.get(id);
      if (!live) throw new Error(`The inventory has no event ${id}.`);
      if (openEnded(live.states, nowMs())) moveOn(live, knownAtMs);
      return live;
    },
  };
}

async function load(db: Db, before: Memory | undefined): Promise<Memory> {
  const { snapshot, server, nowMs } = await currentSnapshot(db);
  const memory: Memory = {
    snapshot,
    server,
    sales: new Map(),
    events: before?.events ?? new Map(),
  };
  const stored = await listSales(db);
  await loadEvents(db, memory, [...new Set(stored.map((sale) => sale.event))], nowMs);
  for (const sale of stored) addSale(memory, sale);
  return memory;
}

async function loadEvents(db: Db, memory: Memory, ids: readonly string[], nowMs: number): Promise<void> {
  if (ids.length === 0) return;
  for (const event of await listEvents(db, ids)) {
    const states = createSeatStates(event.sections);
    applySeatRows(states, await readSeats(db, event.id), nowMs);
    const version = nextVersion(memory.events.get(event.id)?.version ?? 0, nowMs);
    takeChanged(states);
    memory.events.set(event.id, {
      event,
      states,
      version,
      changes: createChangeLog(Number.POSITIVE_INFINITY),
    });
  }
}

function addSale(memory: Memory, stored: Parameters<typeof withEvent>[0]): void {
  const live = memory.events.get(stored.event);
  if (live) memory.sales.set(stored.id, withEvent(stored, live.event));
}

/** An event comes into memory with its first sale; the changes of seats that are not there yet are not needed. */
async function takeOver(db: Db, memory: Memory, changes: Changes): Promise<void> {
  for (const [id, rows] of Object.entries(changes.seats)) {
    const live = memory.events.get(id);
    if (live && applySeatRows(live.states, rows, changes.nowMs)) moveOn(live, changes.nowMs);
  }
  if (changes.sales.length > 0) {
    const stored = await listSales(db, changes.sales);
    const missing = stored.map((sale) => sale.event).filter((event) => !memory.events.has(event));
    await loadEvents(db, memory, [...new Set(missing)], changes.nowMs);
    for (const sale of stored) addSale(memory, sale);
  }
  memory.snapshot = changes.snapshot;
  // What was read of an event is known to be whole as of now, and not as of when its reading began.
  for (const live of memory.events.values())
    if (!live.changes.isComplete()) live.changes = createChangeLog(Math.max(live.version, changes.nowMs));
}

/** Something looks different from now on. */
function moveOn(live: LiveEvent, nowMs: number): void {
  live.version = nextVersion(live.version, nowMs);
  live.changes.add(live.version, takeChanged(live.states));
}

/** The moment of the last visible change, made to rise always. */
const nextVersion = (before: number, nowMs: number): number => Math.max(before + 1, Math.floor(nowMs));

import type { Section } from '../catalogue/layout.ts';
import type { Db } from '../db/client.ts';
import { inOneCall } from '../db/in-one-call.ts';
import type { Inventory } from '../inventory/inventory.ts';
import { OPEN } from '../inventory/seat-states.ts';
import type { HoldAttempt, HoldOutcome } from './attempt.ts';
import { pickBest } from './pick-best.ts';
import { takeAlone } from './take-alone.ts';
import { type NamedAttempt, takeTogether } from './take-together.ts';

/** How often other seats are picked when those were gone, before the database searches by itself. */
const PICKS_MAX = 12;
/** For so long seats that were wanted here are passed over: by then the memory knows what has become of them. */
const PASSED_OVER_MS = 1_000;

type Picked = { attempt: NamedAttempt; outcome: HoldOutcome | null };

/** Seats that were picked are tried together; what somebody else has in hand is not waited for, for there are others. */
const picked = inOneCall<NamedAttempt, Picked>({
  together: async (db, attempts) => {
    const outcomes = await takeTogether(db, attempts);
    return attempts.map((attempt, i) => ({ attempt, outcome: outcomes[i] ?? null }));
  },
  alone: async (_db, attempt) => ({ attempt, outcome: null }),
  apart: ({ sale, fan }) => [`${sale} ${fan}`],
  group: ({ event }) => event,
});

/** Seats that somebody here is after, or has just got, by event: until when they are passed over. */
const passedOver = new WeakMap<Db, Map<string, Map<number, number>>>();

function passedOverOf(db: Db, event: string): Map<number, number> {
  const events = passedOver.get(db) ?? new Map<string, Map<number, number>>();
  passedOver.set(db, events);
  const seats = events.get(event) ?? new Map<number, number>();
  events.set(event, seats);
  const nowMs = performance.now();
  // In order of time, the earliest first.
  for (const [seat, untilMs] of seats) {
    if (untilMs > nowMs) break;
    seats.delete(seat);
  }
  return seats;
}

/**
 * Takes the best adjacent seats. They are picked by what is in memory, each for one fan of this process, and tried under
 * their locks with those of others; who finds them gone is given the next best. What is not found so, the database
 * searches under a lock of its own: only it says that there is none. Of a crowd of a thousand in a hall of 40,000 seats each
 * search would take it some 40 ms, one after another.
 */
export async function takeBest(
  db: Db,
  inventory: Inventory,
  attempt: HoldAttempt,
  giveBack: () => void,
): Promise<HoldOutcome> {
  const sections = sectionsOf(inventory, attempt);
  for (let pick = 1; pick <= PICKS_MAX; pick += 1) {
    const { shown } = inventory.seatsOf(attempt.event).states;
    const others = passedOverOf(db, attempt.event);
    const isOpen = (seat: number) => shown[seat] === OPEN && !others.has(seat);
    const first = pickBest(sections, attempt.quantity, isOpen);
    if (first === null) {
      if (pickBest(sections, attempt.quantity, (seat) => shown[seat] === OPEN) === null) break;
      // Others are after the last ones. Whoever does not get them leaves them to the next.
      await inventory.refresh();
      continue;
    }
    const seats = Array.from({ length: attempt.quantity }, (_, i) => first + i);
    for (const seat of seats) passOver(others, seat);
    const { outcome } = await picked.do(db, { ...attempt, seats }, giveBack);
    if (outcome === null || outcome.outcome === 'taken') continue;
    if (outcome.outcome !== 'held' || outcome.hold !== attempt.hold)
      // Nothing was taken.
      for (const seat of seats) others.delete(seat);
    return outcome;
  }
  return takeAlone(db, attempt).catch((error) => {
    giveBack();
    throw error;
  });
}

/**
 * Whether by what was committed when this was asked there is no such block any more; false for seats that are named. Of a
 * crowd all ask at once, and the memory is renewed once for them.
 */
export async function isBestGone(inventory: Inventory, attempt: HoldAttempt): Promise<boolean> {
  if (attempt.seats !== null) return false;
  const askedAtMs = performance.now();
  await inventory.refresh();
  // The memory may be as old as before: the database could not be asked.
  if (inventory.ageMs() > performance.now() - askedAtMs) return false;
  const { shown } = inventory.seatsOf(attempt.event).states;
  return pickBest(sectionsOf(inventory, attempt), attempt.quantity, (seat) => shown[seat] === OPEN) === null;
}

function passOver(seats: Map<number, number>, seat: number): void {
  // Last again, so that the order is that of time.
  seats.delete(seat);
  seats.set(seat, performance.now() + PASSED_OVER_MS);
}

const sectionsOf = (inventory: Inventory, { event, sections }: HoldAttempt): Section[] => {
  const all = inventory.eventOf(event)?.sections ?? [];
  return sections.flatMap((ordinal) => all.filter((section) => section.ordinal === ordinal));
};

import type { Db } from '../db/client.ts';
import type { Asking } from '../db/in-one-call.ts';
import type { Inventory } from '../inventory/inventory.ts';
import { OPEN } from '../inventory/seat-states.ts';
import type { HoldAttempt, HoldOutcome } from './attempt.ts';
import { pickBest } from './pick-best.ts';
import { trials } from './take-together.ts';

/** How often other seats are picked when those were gone, before the database searches by itself. */
const PICKS_MAX = 12;
/** A renewal takes some milliseconds; nobody waits longer for one. */
const RENEWAL_MS_MAX = 250;
/** For so long seats that were wanted here are passed over: by then the memory knows what has become of them. */
const PASSED_OVER_MS = 1_000;

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
 * Takes the best adjacent seats, or returns null when memory knows of none (any more). They are picked by what is in memory,
 * each for one fan of this process, and tried under their locks with those of others; who finds them gone is given the next
 * best. Only the database, searching under a lock of its own, says that there is none: of a hall of 40,000 seats each search
 * takes it some 30 ms, one after another.
 */
export async function pickAndTake(
  db: Db,
  inventory: Inventory,
  attempt: HoldAttempt,
  asking: Required<Asking>,
): Promise<HoldOutcome | null> {
  const pick = pickerOf(inventory, attempt);
  for (let picks = 1; picks <= PICKS_MAX; picks += 1) {
    const { shown } = inventory.seatsOf(attempt.event).states;
    const others = passedOverOf(db, attempt.event);
    const first = pick((seat) => shown[seat] === OPEN && !others.has(seat));
    if (first === null) {
      if (pick((seat) => shown[seat] === OPEN) === null) return null;
      // Others are after the last ones. Whoever does not get them leaves them to the next.
      if (!(await inventory.isRenewed(RENEWAL_MS_MAX))) return null;
      continue;
    }
    const seats = Array.from({ length: attempt.quantity }, (_, i) => first + i);
    for (const seat of seats) passOver(others, seat);
    const { outcome } = await trials.do(db, { attempt: { ...attempt, seats }, isPick: true }, asking);
    if (outcome === null || outcome.outcome === 'taken') continue;
    const isTaken = outcome.outcome === 'held' && outcome.hold === attempt.hold;
    if (!isTaken) for (const seat of seats) others.delete(seat);
    return outcome;
  }
  return null;
}

/**
 * Whether by what was committed when this was asked there is no such block any more; false for seats that are named, and
 * where that is not known soon. Of a crowd all ask at once, and the memory is renewed once for them.
 */
export async function isBestGone(inventory: Inventory, attempt: HoldAttempt): Promise<boolean> {
  if (attempt.seats !== null || !(await inventory.isRenewed(RENEWAL_MS_MAX))) return false;
  const { shown } = inventory.seatsOf(attempt.event).states;
  return pickerOf(inventory, attempt)((seat) => shown[seat] === OPEN) === null;
}

function passOver(seats: Map<number, number>, seat: number): void {
  // Last again, so that the order is that of time.
  seats.delete(seat);
  seats.set(seat, performance.now() + PASSED_OVER_MS);
}

/** What finds the best block for an attempt among the seats that are open. */
function pickerOf(inventory: Inventory, { event, sections, quantity, accessible }: HoldAttempt) {
  const all = inventory.eventOf(event)?.sections ?? [];
  const inOrder = sections.flatMap((ordinal) => all.filter((section) => section.ordinal === ordinal));
  return (isOpen: (seat: number) => boolean) => pickBest(inOrder, quantity, isOpen, accessible);
}

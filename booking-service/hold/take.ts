import type { Db } from '../db/client.ts';
import { inOneCall } from '../db/in-one-call.ts';
import type { Inventory } from '../inventory/inventory.ts';
import type { HoldAttempt, HoldOutcome } from './attempt.ts';
import { releaseHold } from './release.ts';
import { takeAlone } from './take-alone.ts';
import { takeBest } from './take-best.ts';
import { type NamedAttempt, takeTogether } from './take-together.ts';

/** Our own calls keep a seat for a few milliseconds: whoever has it longer is waited for by those alone who want it. */
const CALLS_MAX = 3;

/** Attempts on named seats, those of one event together. */
const named = inOneCall<NamedAttempt, HoldOutcome>({
  together: takeTogether,
  alone: takeAlone,
  apart: ({ sale, fan }) => [`${sale} ${fan}`],
  group: ({ event }) => event,
  callsMax: CALLS_MAX,
});

/**
 * Takes all the seats or none. `seats` of a refusal are those that are taken. Without an inventory to pick from, the database
 * searches for the best ones.
 *
 * When the outcome stays unknown the caller has no hold to speak of, so one that was made all the same is given back;
 * one with an idempotency key waits for its key instead.
 */
export async function takeSeats(
  db: Db,
  attempt: HoldAttempt,
  inventory: Inventory | null = null,
): Promise<HoldOutcome> {
  const giveBack = () => {
    // The fan's lock makes this come after a call that was given up, should that still be under way.
    if (attempt.idempotencyKey === null) releaseHold(db, attempt).catch(() => undefined);
  };
  if (isNamed(attempt)) return named.do(db, attempt, giveBack);
  if (inventory !== null && !db.isOneByOne) return takeBest(db, inventory, attempt, giveBack);
  return takeAlone(db, attempt).catch((error) => {
    giveBack();
    throw error;
  });
}

/** Whether others are at this very moment after seats of the event. */
export const isCrush = (db: Db, event: string): boolean => db.waiting() > 0 || named.isUnderWay(db, event);

const isNamed = (attempt: HoldAttempt): attempt is NamedAttempt => attempt.seats !== null;

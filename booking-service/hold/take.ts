import { CALL_DEADLINE_MS, type Db } from '../db/client.ts';
import type { Inventory } from '../inventory/inventory.ts';
import type { HoldAttempt, HoldOutcome } from './attempt.ts';
import { releaseHold } from './release.ts';
import { takeAlone } from './take-alone.ts';
import { pickAndTake } from './take-best.ts';
import { type NamedAttempt, trials } from './take-together.ts';

/**
 * Takes all the seats or none, and answers or throws within CALL_DEADLINE_MS. `seats` of a refusal are those that are taken.
 * Without an inventory to pick from, the database searches for the best ones.
 *
 * When the outcome stays unknown the caller has no hold to speak of, so one that was made all the same is given back;
 * one with an idempotency key waits for its key instead.
 */
export async function takeSeats(
  db: Db,
  attempt: HoldAttempt,
  inventory: Inventory | null = null,
): Promise<HoldOutcome> {
  const onUnknown = () => {
    // The fan's lock makes this come after a call that was given up, should that still be under way.
    if (attempt.idempotencyKey === null) releaseHold(db, attempt).catch(() => undefined);
  };
  const asking = { deadlineMs: performance.now() + CALL_DEADLINE_MS, onUnknown };
  if (isNamed(attempt)) {
    const { outcome } = await trials.do(db, { attempt, isPick: false }, asking);
    if (outcome === null) throw new Error('Seats that are named were not waited for.');
    return outcome;
  }
  const picked =
    inventory === null || db.isOneByOne ? null : await pickAndTake(db, inventory, attempt, asking);
  if (picked !== null) return picked;
  try {
    return await takeAlone(db, attempt, asking.deadlineMs - performance.now());
  } catch (error) {
    onUnknown();
    throw error;
  }
}

/** Whether others are at this very moment after seats of the event. */
export const isCrush = (db: Db, event: string): boolean => db.waiting() > 0 || trials.isUnderWay(db, event);

const isNamed = (attempt: HoldAttempt): attempt is NamedAttempt => attempt.seats !== null;

import postgres from 'postgres';
import { Problem } from '#shared/problem.ts';
import type { Db } from '../db/client.ts';
import type { Hold } from './read-holds.ts';
import { releaseHold } from './release.ts';

/** How many holds one admission may make in all, so that nobody keeps seats from others by holding them for ever. */
const HOLDS_PER_ADMISSION_MAX = 30;
/** How long the same seats are refused unasked, after they could not be had because somebody keeps one locked. */
const LOCKED_REMEMBERED_MS = 500;
const LOCK_NOT_AVAILABLE = '55P03';

export type HoldAttempt = {
  /** Made before the call, so that an attempt whose answer was lost finds itself. */
  hold: string;
  sale: string;
  event: string;
  fan: string;
  admission: string;
  idempotencyKey: string | null;
  requestDigest: string;
  /** Sorted indexes, or null for the best `quantity` adjacent seats in the first of `sections` that has them. */
  seats: readonly number[] | null;
  quantity: number;
  sections: readonly number[];
  holdMs: number;
  seatsPerFan: number;
};

export type HoldOutcome =
  | (Hold & { outcome: 'held'; holdsEnd: Date | null })
  | { outcome: 'taken' | 'mismatch' | 'limit' | 'holds-limit'; seats: number[]; holdsEnd: Date | null };

/**
 * Takes all the seats or none. `seats` of a refusal are those that are taken.
 *
 * When the outcome stays unknown the caller has no hold to speak of, so one that was made all the same is given back;
 * one with an idempotency key waits for its key instead.
 */
export async function takeSeats(db: Db, attempt: HoldAttempt): Promise<HoldOutcome> {
  try {
    return await callTakeSeats(db, attempt);
  } catch (error) {
    if (isLockFailure(error)) rememberLocked(attempt);
    // The fan's lock makes this come after the call that was given up, should that still be under way.
    if (attempt.idempotencyKey === null) releaseHold(db, attempt).catch(() => undefined);
    throw error;
  }
}

/** What was found locked lately. A crowd that wants it would otherwise wait for it once each, ten at a time. */
const foundLocked = new Set<string>();

const wish = ({ event, seats, sections, quantity }: HoldAttempt): string =>
  JSON.stringify([event, seats ?? { sections, quantity }]);

function rememberLocked(attempt: HoldAttempt): void {
  const wanted = wish(attempt);
  foundLocked.add(wanted);
  setTimeout(() => foundLocked.delete(wanted), LOCKED_REMEMBERED_MS).unref();
}

const isLockFailure = (error: unknown): boolean =>
  error instanceof Problem &&
  error.cause instanceof postgres.PostgresError &&
  error.cause.code === LOCK_NOT_AVAILABLE;

const callTakeSeats = (db: Db, attempt: HoldAttempt): Promise<HoldOutcome> =>
  db.callOne<HoldOutcome>((sql) => {
    // Looked at when it is this call's turn: what was found meanwhile counts for those who waited in line.
    if (foundLocked.has(wish(attempt)))
      throw new Problem('unavailable', 'These seats cannot be had at the moment. Please try again.');
    return sql`
      select outcome, hold, seats, amount, expires_at as "expiresAt", holds_end as "holdsEnd"
      from take_seats(${attempt.hold}, ${attempt.sale}, ${attempt.event}, ${attempt.fan}, ${attempt.admission},
        ${attempt.idempotencyKey}, ${attempt.requestDigest}, ${attempt.seats as number[] | null}::int[],
        ${attempt.quantity}, ${attempt.sections as number[]}::int[], ${attempt.holdMs},
        ${attempt.seatsPerFan}, ${HOLDS_PER_ADMISSION_MAX})`;
  });

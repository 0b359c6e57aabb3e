import postgres from 'postgres';
import { Problem } from '#shared/problem.ts';
import type { Db } from '../db/client.ts';
import { HOLDS_PER_ADMISSION_MAX, type HoldAttempt, type HoldOutcome } from './attempt.ts';

/** How long the same seats are refused unasked, after they could not be had because somebody keeps one locked. */
const LOCKED_REMEMBERED_MS = 500;
const LOCK_NOT_AVAILABLE = '55P03';

/** One attempt in a call of its own, which waits for whoever has its fan or its seats locked, though only briefly. */
export async function takeAlone(db: Db, attempt: HoldAttempt, withinMs?: number): Promise<HoldOutcome> {
  try {
    return await callTakeSeats(db, attempt, withinMs);
  } catch (error) {
    if (isLockFailure(error)) rememberLocked(attempt);
    throw error;
  }
}

/** What was found locked lately. A crowd that wants it would otherwise wait for it once each, ten at a time. */
const foundLocked = new Set<string>();

const wish = ({ event, seats, sections, quantity, accessible = 0 }: HoldAttempt): string =>
  JSON.stringify([event, seats ?? { sections, quantity, accessible }]);

function rememberLocked(attempt: HoldAttempt): void {
  const wanted = wish(attempt);
  foundLocked.add(wanted);
  setTimeout(() => foundLocked.delete(wanted), LOCKED_REMEMBERED_MS).unref();
}

const isLockFailure = (error: unknown): boolean =>
  error instanceof Problem &&
  error.cause instanceof postgres.PostgresError &&
  error.cause.code === LOCK_NOT_AVAILABLE;

const callTakeSeats = (db: Db, attempt: HoldAttempt, withinMs?: number): Promise<HoldOutcome> =>
  db.callOne<HoldOutcome>((sql) => {
    // Looked at when it is this call's turn: what was found meanwhile counts for those who waited in line.
    if (foundLocked.has(wish(attempt)))
      throw new Problem('unavailable', 'These seats cannot be had at the moment. Please try again.');
    return sql`
      select outcome, hold, seats, amount, expires_at as "expiresAt", holds_end as "holdsEnd"
      from take_seats(${attempt.hold}, ${attempt.sale}, ${attempt.event}, ${attempt.fan}, ${attempt.admission},
        ${attempt.idempotencyKey}, ${attempt.requestDigest}, ${attempt.seats as number[] | null}::int[],
        ${attempt.quantity}, ${attempt.sections as number[]}::int[], ${attempt.holdMs},
        ${attempt.seatsPerFan}, ${HOLDS_PER_ADMISSION_MAX}, ${attempt.accessible ?? 0})`;
  }, withinMs);

import type { Db } from '../db/client.ts';
import { HOLDS_PER_ADMISSION_MAX, type HoldAttempt, type HoldOutcome } from './attempt.ts';

/** An attempt on seats that are named. */
export type NamedAttempt = HoldAttempt & { seats: readonly number[] };
type Row = HoldOutcome | { outcome: 'busy' };

/** All attempts on named seats of one event, judged in the order given; null for one that is to be made by itself. */
export async function takeTogether(
  db: Db,
  attempts: readonly NamedAttempt[],
): Promise<(HoldOutcome | null)[]> {
  const wanted = [...new Set(attempts.flatMap(({ seats }) => seats))].sort((a, b) => a - b);
  const placeOf = new Map(wanted.map((seat, index) => [seat, index + 1]));
  const wishes = attempts.map(({ seats }) => `{${seats.join(',')}}`);
  const places = attempts.map(({ seats }) => `{${seats.map((seat) => placeOf.get(seat)).join(',')}}`);
  const column = <Name extends keyof HoldAttempt>(name: Name) => attempts.map((attempt) => attempt[name]);
  const rows = await db.call<Row>(
    (sql) => sql`
      select outcome, hold, seats, amount, expires_at as "expiresAt", holds_end as "holdsEnd"
      from take_seats_together(${attempts[0]?.event ?? ''}, ${wanted}::int[], ${wishes}::text[], ${places}::text[],
        ${column('hold')}::text[], ${column('sale')}::text[], ${column('fan')}::text[],
        ${column('admission')}::text[], ${column('idempotencyKey') as string[]}::text[],
        ${column('requestDigest')}::text[], ${column('holdMs')}::float8[], ${column('seatsPerFan')}::int[],
        ${HOLDS_PER_ADMISSION_MAX})`,
  );
  return rows.map((row) => (row.outcome === 'busy' ? null : row));
}

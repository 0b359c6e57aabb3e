import type { Db } from '../db/client.ts';
import { inOneCall } from '../db/in-one-call.ts';
import { HOLDS_PER_ADMISSION_MAX, type HoldAttempt, type HoldOutcome } from './attempt.ts';
import { takeAlone } from './take-alone.ts';

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

/** Our own calls keep a seat for a few milliseconds: whoever has it longer is waited for by those alone who named it. */
const CALLS_MAX = 3;

type Trial = {
  attempt: NamedAttempt;
  /** Of seats that were picked there are others: nobody waits for one that somebody has in hand. */
  isPick: boolean;
};

/** All trials of one event, judged in order of arrival. `outcome` is null for picked seats that somebody has in hand. */
export const trials = inOneCall<Trial, { outcome: HoldOutcome | null }>({
  what: 'take-seats',
  together: async (db, asked) => {
    const outcomes = await takeTogether(
      db,
      asked.map(({ attempt }) => attempt),
    );
    return outcomes.map((outcome, i) => (outcome === null && !asked[i]?.isPick ? null : { outcome }));
  },
  alone: async (db, { attempt }, withinMs) => ({ outcome: await takeAlone(db, attempt, withinMs) }),
  apart: ({ attempt: { sale, fan } }) => [`${sale} ${fan}`],
  // Whoever named a seat first is judged first.
  inOrder: ({ attempt: { seats } }) => seats,
  twoAtOnce: true,
  group: ({ attempt: { event } }) => event,
  callsMax: CALLS_MAX,
});

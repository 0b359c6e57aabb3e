import type postgres from 'postgres';
import type { Bounds, Check } from '../check.ts';

export type Sql = postgres.Sql;
export type BooksRow = { about: string; finding: string };

export type BooksBounds = Bounds & {
  /** Replaces what the sales say, for tests that sell under a limit of their own. */
  seatsPerFan?: number;
};

/** A check of PostgreSQL: one statement, so one moment, whose rows are what must not be. */
export type BooksCheck = Check & {
  find: (sql: Sql, bounds: BooksBounds) => postgres.PendingQuery<BooksRow[]>;
};

/** `A-1-14`, from the columns `event` and `seat` of a table or alias; `#13` where the event has no such seat. */
export const seatName = (sql: Sql, of: string) => sql`coalesce((
  select section.name || '-' || (${sql(of)}.seat - first_seat) / seats_per_row + 1
    || '-' || (${sql(of)}.seat - first_seat) % seats_per_row + 1
  from section where section.event = ${sql(of)}.event
    and ${sql(of)}.seat between first_seat and first_seat + rows * seats_per_row - 1
), '#' || ${sql(of)}.seat)`;

/** The seats that holds claim at this moment, a row each: sold ones, and those whose hold has not run out. */
export const claimedSeats = (sql: Sql) => sql`(
  select id, event, sale, fan, state, unnest(seats) as seat from hold
  where state = 'confirmed' or (state in ('active', 'paying') and expires_at > clock_timestamp())
)`;

export const overdue = (sql: Sql, since: postgres.PendingQuery<postgres.Row[]>, { patienceMs }: Bounds) =>
  sql`${since} < clock_timestamp() - ${patienceMs} * interval '1 millisecond'`;

import type { Db } from '../db/client.ts';
import type { SeatRow } from './seat-states.ts';

const CHANGES_KEPT_MINUTES = 15;
const CHANGES_PRUNED_MAX = 1_000;

/** What changed since a snapshot, and the snapshot to ask from next time. */
export type Changes = {
  snapshot: string;
  /** Which server said so, since its start. After another one a snapshot says nothing: it may know less. */
  server: string;
  /** The database's clock, in epoch ms: it is the one that decides when a hold is over. */
  nowMs: number;
  sales: string[];
  seats: Record<string, SeatRow[]>;
};

/** Where to begin: what is read after this and what readChanges then tells overlap, and nothing is missed. */
export const currentSnapshot = (db: Db): Promise<Pick<Changes, 'snapshot' | 'server' | 'nowMs'>> =>
  db.callOne<Pick<Changes, 'snapshot' | 'server' | 'nowMs'>>(
    (sql) => sql`
      select pg_current_snapshot()::text as snapshot, pg_postmaster_start_time()::text as server,
        (extract(epoch from clock_timestamp()) * 1000)::float8 as "nowMs"`,
  );

/**
 * Every change that was committed since, exactly once: numbers and times are given before a commit, so only the
 * snapshot tells what was visible already. The seats are read as they are now, not as the note said.
 */
export async function readChanges(db: Db, since: string): Promise<Changes> {
  const { seats, ...read } = await db.callOne<
    Omit<Changes, 'seats'> & { seats: Record<string, SeatColumns> }
  >(
    (sql) => sql`
      with note as materialized (
        select event, sale, seats from inventory_change
        where xid >= pg_snapshot_xmin(${since}::pg_snapshot)
          and not pg_visible_in_snapshot(xid, ${since}::pg_snapshot)
      ),
      changed as (select distinct event, unnest(seats) as seat from note)
      select
        pg_current_snapshot()::text as snapshot, pg_postmaster_start_time()::text as server,
        (extract(epoch from clock_timestamp()) * 1000)::float8 as "nowMs",
        to_jsonb(array(select distinct sale from note where sale is not null)) as sales,
        coalesce((
          select json_object_agg(event, json_build_array(seats, states, ends)) from (
            select event, array_agg(seat) as seats, array_agg(state) as states,
              array_agg(date_part('epoch', held_until) * 1000) as ends
            from changed cross join lateral (
              select state, held_until from seat
              where seat.event = changed.event and seat.seat = changed.seat limit 1
            ) as now
            group by event
          ) as by_event
        ), '{}') as seats`,
  );
  const rows = Object.entries(seats).map(([event, columns]) => [event, rowsOf(columns)] as const);
  return { ...read, seats: Object.fromEntries(rows) };
}

/** An object a seat is what takes PostgreSQL longest when many seats have changed. */
type SeatColumns = [seats: number[], states: number[], heldUntilMs: (number | null)[]];

const rowsOf = ([seats, states, heldUntilMs]: SeatColumns): SeatRow[] =>
  seats.map((seat, i) => ({
    seat,
    state: states[i] as number,
    heldUntilMs: heldUntilMs[i] as number | null,
  }));

/** All seats of an event that are not simply open. */
export function readSeats(db: Db, event: string): Promise<readonly SeatRow[]> {
  return db.call<SeatRow>(
    (sql) => sql`
      select seat, state, (extract(epoch from held_until) * 1000)::float8 as "heldUntilMs"
      from seat where event = ${event} and state <> 0`,
  );
}

/**
 * Notes are for processes that look several times a second; one that was away for minutes reads everything anew.
 * Resolves to whether there are probably more to prune.
 */
export async function pruneChanges(db: Db): Promise<boolean> {
  const pruned = await db.call<{ id: string }>(
    (sql) => sql`
      delete from inventory_change where id in (
        select id from inventory_change
        where at < clock_timestamp() - ${CHANGES_KEPT_MINUTES} * interval '1 minute'
        order by id limit ${CHANGES_PRUNED_MAX}
      ) returning id`,
  );
  return pruned.length === CHANGES_PRUNED_MAX;
}

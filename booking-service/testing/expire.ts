import type { Db } from '../db/client.ts';

/** Moves the end of a hold into the past, as if its time had gone by. */
export async function expireHold(db: Db, hold: string): Promise<void> {
  await db.call(
    (sql) => sql`
      with ended as (
        update hold set expires_at = clock_timestamp() - interval '1 second' where id = ${hold}
        returning id, event, seats, expires_at
      ),
      freed as (
        update seat set held_until = ended.expires_at from ended
        where seat.event = ended.event and seat.seat = any (ended.seats) and seat.hold = ended.id
      )
      insert into inventory_change (event, seats) select event, seats from ended`,
  );
}

/** Moves the end of an order's lease into the past, as if whoever worked on it had not been heard of for so long. */
export async function expireLease(db: Db, order: string, ago = '1 minute'): Promise<void> {
  await db.call(
    (sql) => sql`
      update ticket_order set lease_until = clock_timestamp() - ${ago}::interval where id = ${order}`,
  );
}

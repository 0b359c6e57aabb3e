import type { Act } from '../audit/act.ts';
import type { Db } from '../db/client.ts';

/** `taken` names the seats that are held or sold; `blocked` those that were not blocked before. */
export type BlockOutcome = { outcome: 'blocked' | 'taken'; seats: number[] };

/** Takes seats off sale, all or none. An expired hold counts as open, as it does for fans. `seats` are sorted. */
export const blockSeats = (
  db: Db,
  event: string,
  seats: readonly number[],
  act: Act,
): Promise<BlockOutcome> =>
  db.callOne<BlockOutcome>(
    (sql) => sql`
      select outcome, seats
      from block_seats(${act.audit}, ${event}, ${seats as number[]}::int[], ${act.by}, ${act.reason})`,
  );

/** Puts what is blocked of these seats back on sale; resolves to the seats that were. */
export async function unblockSeats(
  db: Db,
  event: string,
  seats: readonly number[],
  act: Act,
): Promise<number[]> {
  const row = await db.callOne<{ seats: number[] }>(
    (sql) => sql`
      select unblock_seats(${act.audit}, ${event}, ${seats as number[]}::int[], ${act.by}, ${act.reason}) as seats`,
  );
  return row.seats;
}

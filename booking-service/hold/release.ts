import type { Db } from '../db/client.ts';

type Release = { outcome: 'released' | 'paying' | 'confirmed' | 'missing'; holdsEnd: Date | null };

export const releaseHold = (db: Db, of: { hold: string; sale: string; fan: string }): Promise<Release> =>
  db.callOne<Release>(
    (sql) => sql`
      select outcome, holds_end as "holdsEnd" from release_hold(${of.hold}, ${of.sale}, ${of.fan})`,
  );

/** Gives back all that a fan who left still holds, except what is being paid. */
export async function releaseHoldsOfFan(db: Db, of: { sale: string; fan: string }): Promise<void> {
  await db.call((sql) => sql`select release_holds_of_fan(${of.sale}, ${of.fan})`);
}

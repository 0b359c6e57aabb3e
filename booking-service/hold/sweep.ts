import type { Db } from '../db/client.ts';

const HOLDS_PER_SWEEP_MAX = 200;

/** Tidies away holds past their time, which block nothing anyway. Resolves to whether there are probably more. */
export async function sweepHolds(db: Db): Promise<boolean> {
  const { swept } = await db.callOne<{ swept: number }>(
    (sql) => sql`select sweep_holds(${HOLDS_PER_SWEEP_MAX}) as swept`,
  );
  // Not all of them: one whose seat somebody keeps locked is left out, and must not slow down the others.
  return swept > HOLDS_PER_SWEEP_MAX / 2;
}

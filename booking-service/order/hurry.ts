import type { Db } from '../db/client.ts';
import { LEASE_MS } from '../outbox/deliver.ts';
import type { OutageWatch } from '../payment/outage.ts';

/** A provider that comes and goes uses up no patience: attempts that count are brought forward so seldom. */
const HURRIED_EVERY_MS = 10 * 60_000;
const HURRIED_PER_RUN_MAX = 2_000;

/**
 * When the provider has come back, what waits for its next attempt, for minutes or up to an hour, has it now. Each run takes
 * some, and resolves to whether there are probably more.
 */
export function hurryAfterOutage(
  db: Db,
  outage: Pick<OutageWatch, 'isAway' | 'hasComeBack'>,
  { perRunMax = HURRIED_PER_RUN_MAX, clock = () => performance.now() } = {},
): () => Promise<boolean> {
  let begunAt = Number.NEGATIVE_INFINITY;
  let isUnderWay = false;
  return async () => {
    if (!isUnderWay && clock() - begunAt >= HURRIED_EVERY_MS && outage.hasComeBack()) {
      begunAt = clock();
      isUnderWay = true;
    }
    if (!isUnderWay) return false;
    // Gone again: what is not hurried yet keeps its time.
    isUnderWay = !outage.isAway();
    if (!isUnderWay) return false;
    const { hurried } = await db.callOne<{ hurried: number }>(
      (sql) => sql`select hurry_payments(${perRunMax}, ${LEASE_MS}) as hurried`,
    );
    isUnderWay = hurried >= perRunMax;
    return isUnderWay;
  };
}

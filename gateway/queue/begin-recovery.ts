import type { Log } from '#shared/log.ts';
import { type Store, saleScript } from '../redis/script.ts';
import { LONGEST_POLL_MS } from './pace.ts';

const begin = saleScript<[string] | [begun: 0 | 1]>(new URL('./begin-recovery.lua', import.meta.url));

/** What tells that Redis has lost data: the epoch it is in, and the highest epoch and version that were ever seen. */
export type Loss = { epoch: number; seenEpoch: number; seenVersion: number };

/**
 * Redis has lost data of this sale's queue: begins a new epoch with a recovery, unless another gateway has done so. Throws
 * `unavailable`.
 */
export async function beginRecovery(store: Store, sale: string, loss: Loss, log: Log): Promise<void> {
  const { epoch, seenEpoch, seenVersion } = loss;
  const [begun] = await begin(store, sale, [epoch, seenEpoch, seenVersion, LONGEST_POLL_MS]);
  if (begun === 1)
    log.error({ sale, ...loss }, 'Redis has lost data of this queue: places are being restored');
}

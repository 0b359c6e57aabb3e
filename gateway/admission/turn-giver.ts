import { everyEach, type Stop } from '#shared/every.ts';
import type { Log } from '#shared/log.ts';
import type { QueueWatch } from '../queue/watch.ts';
import { type Store, saleScript } from '../redis/script.ts';

const TURNS_INTERVAL_MS = 200;
/** One run gives up to this many slices of 500 turns; what is left waits for the next run. */
const SLICES_PER_RUN_MAX = 10;

const script = saleScript<[string] | [given: number, more: 0 | 1]>(
  new URL('./give-turns.lua', import.meta.url),
);

/** Ends what is over and gives the turns that capacity and rate allow at this moment; returns how many. */
export async function giveTurns(store: Store, sale: string): Promise<number> {
  let sum = 0;
  for (let slice = 0; slice < SLICES_PER_RUN_MAX; slice += 1) {
    const [given, more] = await script(store, sale);
    if (typeof given === 'string') break;
    sum += given;
    if (more === 0) break;
  }
  return sum;
}

/**
 * Every gateway gives turns for every sale, several times a second. The script alone decides, so it does not matter how
 * many do it, who was first, or who died in the middle.
 */
export function keepGivingTurns(store: Store, watch: QueueWatch, log: Log): Stop {
  return everyEach(
    TURNS_INTERVAL_MS,
    watch.sales,
    async (sale) => {
      if ((await giveTurns(store, sale)) > 0) await watch.renew(sale);
    },
    (error) => log.warn({ err: error }, 'turns could not be given'),
  );
}

import { isSettled } from '#shared/contract/sale.ts';
import { everyEach, type Stop } from '#shared/every.ts';
import type { Log } from '#shared/log.ts';
import { type Store, saleScript } from '../redis/script.ts';
import { estimateWait } from './estimate.ts';
import type { QueueSnapshot } from './snapshot.ts';
import type { QueueWatch } from './watch.ts';

/** More often than measure.lua acts, so that it acts in time whichever gateway dies. */
const MEASURE_INTERVAL_MS = 2_000;
/** Of all who wait, so far back are those whose forecasts are noted. */
const DEPTHS = [1 / 8, 1 / 2, 1];

const measure = saleScript<0 | 1>(new URL('./measure.lua', import.meta.url));

/**
 * Measures how fast a queue moves, which estimates are made of, and notes some of what its fans are told; every ten
 * seconds, however often it is called. What becomes of the forecasts is counted when their turns come.
 */
export const measureQueue = (store: Store, snapshot: QueueSnapshot): Promise<0 | 1> =>
  measure(store, snapshot.definition.sale, forecasts(snapshot));

/** As measure.lua takes them. While the draw is written down nobody's position is their rank among those who wait. */
function forecasts({ waiting, outlook, drawState }: QueueSnapshot): number[] {
  if (waiting === 0 || !isSettled(drawState)) return [];
  const positions = new Set(DEPTHS.map((depth) => Math.ceil(waiting * depth)));
  return [...positions].flatMap((position) => {
    const estimate = estimateWait(outlook, position);
    return estimate ? [position, estimate.lowSeconds * 1000, estimate.highSeconds * 1000] : [];
  });
}

/** Keeps measuring every open queue that this process knows. */
export function keepMeasuring(store: Store, watch: QueueWatch, log: Log): Stop {
  return everyEach(
    MEASURE_INTERVAL_MS,
    watch.sales,
    async (sale) => {
      const snapshot = watch.remembered(sale);
      if (snapshot?.state === 'open') await measureQueue(store, snapshot);
    },
    (error) => log.warn({ err: error }, 'a queue could not be measured'),
  );
}

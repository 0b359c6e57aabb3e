import { everyEach, type Stop } from '#shared/every.ts';
import type { Log } from '#shared/log.ts';
import { writeDraw } from '../lobby/draw.ts';
import { freezeLobby } from '../lobby/freeze.ts';
import type { QueueWatch } from '../queue/watch.ts';
import type { Store } from '../redis/script.ts';

const LOOK_INTERVAL_MS = 200;

/** Freezes each lobby when its sale opens and writes its draw, beside the turns, which flow meanwhile. */
export function keepOpening(store: Store, watch: QueueWatch, log: Log): Stop {
  return everyEach(
    LOOK_INTERVAL_MS,
    watch.sales,
    async (sale) => {
      const snapshot = watch.remembered(sale);
      const begun = snapshot && snapshot.state !== 'scheduled' && snapshot.state !== 'lobby';
      if (begun && snapshot.drawState === 'committed') await freezeLobby(store, sale);
      if (snapshot?.drawState === 'drawing') {
        await writeDraw(store, sale);
        await watch.renew(sale);
      }
    },
    (error) => log.warn({ err: error }, 'a draw could not be written'),
  );
}

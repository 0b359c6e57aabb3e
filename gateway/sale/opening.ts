import { setTimeout as wait } from 'node:timers/promises';
import { everyEach, type Stop } from '#shared/every.ts';
import type { Log } from '#shared/log.ts';
import type { Drawing } from '../lobby/draw.ts';
import { freezeLobby } from '../lobby/freeze.ts';
import type { QueueSnapshot } from '../queue/snapshot.ts';
import type { QueueWatch } from '../queue/watch.ts';
import type { Store } from '../redis/script.ts';

const LOOK_INTERVAL_MS = 200;
/** Redis' clock decides when a sale opens; it is asked so often around the moment at which this process expects it. */
const OPENING_ASKED_EVERY_MS = 5;
const OPENING_ASKED_MAX = 60;

export type Opening = {
  store: Store;
  watch: QueueWatch;
  drawing: Pick<Drawing, 'readAhead' | 'write' | 'takesUp' | 'forget'>;
  /** Gives the turns that are due in a sale: the front of a draw is served as soon as it is written. */
  giveTurns: (sale: string) => Promise<unknown>;
  /** Asks for a draw's beacon where it is due. */
  askBeacon: (sale: string, snapshot: QueueSnapshot) => Promise<unknown>;
  log: Log;
};

/**
 * Reads lobbies while they are open, freezes each at the very moment its sale opens, and writes its draw, beside the
 * turns, which flow meanwhile.
 */
export function keepOpening({ store, watch, drawing, giveTurns, askBeacon, log }: Opening): Stop {
  const unfinished = new Set<string>();
  const stop = everyEach(
    LOOK_INTERVAL_MS,
    watch.sales,
    async (sale) => {
      const snapshot = watch.remembered(sale);
      if (!snapshot) return;
      switch (snapshot.drawState) {
        case 'committed':
          if (snapshot.state === 'lobby') await drawing.readAhead(sale);
          if (!(await freezeInTime(store, sale, snapshot))) return;
          return draw(sale);
        case 'frozen':
        case 'drawing':
          return draw(sale);
        case 'awaitingBeacon':
          return askBeacon(sale, snapshot);
        default:
          unfinished.delete(sale);
          return drawing.forget(sale);
      }
    },
    (error) => log.warn({ err: error }, 'a draw could not be written'),
  );

  const draw = async (sale: string): Promise<void> => {
    // What failed here is gone on with here, at the next look; what another works on is left to it.
    if (!unfinished.has(sale) && !(await drawing.takesUp(sale))) return;
    unfinished.add(sale);
    await drawing.write(sale, () => giveTurns(sale));
    unfinished.delete(sale);
    await watch.renew(sale);
  };

  return stop;
}

/** Whether the lobby is frozen; waits for an opening that comes before the next look. */
async function freezeInTime(store: Store, sale: string, snapshot: QueueSnapshot): Promise<boolean> {
  const { state, definition, asOf, readAt } = snapshot;
  if (state !== 'scheduled' && state !== 'lobby') return freezeLobby(store, sale);
  const left = () => Date.parse(definition.opensAt) - (asOf + (performance.now() - readAt));
  if (left() > 2 * LOOK_INTERVAL_MS) return false;
  await wait(Math.max(0, left()));
  for (let asked = 0; asked < OPENING_ASKED_MAX; asked += 1) {
    if (await freezeLobby(store, sale)) return true;
    await wait(OPENING_ASKED_EVERY_MS);
  }
  return false;
}

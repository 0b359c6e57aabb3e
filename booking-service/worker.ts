import type { Log } from '#shared/log.ts';
import { sweepHolds } from './hold/sweep.ts';
import { pruneChanges } from './inventory/changes.ts';
import { reconcileOrders } from './order/reconcile.ts';
import type { Till } from './order/settle.ts';
import { deliverNext, type Outbox } from './outbox/deliver.ts';

/** Without a word from the booking service the worker looks this often by itself. */
const LOOK_INTERVAL_MS = 500;
/** Of each kind. */
const DELIVERIES_AT_ONCE = 4;
const SWEEP_INTERVAL_MS = 1_000;
const PRUNE_INTERVAL_MS = 60_000;

export type Worker = { wake: () => void; stop: () => Promise<void> };

/**
 * Everything that happens outside requests. Any number of workers may run: each piece of work is taken under a lease, or
 * skipped while another has it.
 */
export function startWorker({ till, outbox, log }: { till: Till; outbox: Outbox; log: Log }): Worker {
  const { db } = till;
  const onError = (error: unknown) => log.warn({ err: error }, 'the worker will try again');
  const loops = [
    ...Array.from({ length: DELIVERIES_AT_ONCE }, () => [
      startLoop(() => deliverNext(outbox, 'order-confirmed-mail'), LOOK_INTERVAL_MS, onError),
      startLoop(() => deliverNext(outbox, 'admission-finished'), LOOK_INTERVAL_MS, onError),
    ]).flat(),
    startLoop(() => reconcileOrders(till), LOOK_INTERVAL_MS, onError),
    startLoop(() => sweepHolds(db), SWEEP_INTERVAL_MS, onError),
    startLoop(() => pruneChanges(db), PRUNE_INTERVAL_MS, onError),
  ];
  return {
    wake: () => {
      for (const loop of loops) loop.wake();
    },
    stop: async () => {
      await Promise.all(loops.map((loop) => loop.stop()));
    },
  };
}

/**
 * Repeats `task`: at once while it says that there is more, otherwise when woken or after `intervalMs`. A failing task
 * is reported and comes again all the same.
 */
function startLoop(
  task: () => Promise<boolean>,
  intervalMs: number,
  onError: (error: unknown) => void,
): { wake: () => void; stop: () => Promise<void> } {
  let stopped = false;
  let woken = false;
  let endPause = (): void => undefined;

  const pause = (): Promise<void> =>
    new Promise((resolve) => {
      const timer = setTimeout(resolve, intervalMs);
      endPause = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  const run = async (): Promise<void> => {
    while (!stopped) {
      woken = false;
      const more = await task().catch((error) => {
        onError(error);
        return false;
      });
      if (!more && !woken && !stopped) await pause();
    }
  };

  const running = run();
  const wake = (): void => {
    woken = true;
    endPause();
  };
  return {
    wake,
    stop: () => {
      stopped = true;
      endPause();
      return running;
    },
  };
}

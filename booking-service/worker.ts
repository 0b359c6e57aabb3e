import type { Log } from '#shared/log.ts';
import { sweepHolds } from './hold/sweep.ts';
import { searchLostOrders } from './intake/lost.ts';
import { startOrderJobs } from './intake/worker.ts';
import { pruneChanges } from './inventory/changes.ts';
import { hurryAfterOutage } from './order/hurry.ts';
import { reconcileOrders } from './order/reconcile.ts';
import type { Till } from './order/settle.ts';
import { retryGivenUpPayments } from './outbox/dead-letters.ts';
import { deliverNext, type Outbox } from './outbox/deliver.ts';
import type { OutageWatch } from './payment/outage.ts';

/** Without a word from the booking service the worker looks this often by itself. */
const LOOK_INTERVAL_MS = 500;
/** Of each kind. */
const DELIVERIES_AT_ONCE = 4;
const LOST_ORDERS_INTERVAL_MS = 1_000;
const SWEEP_INTERVAL_MS = 1_000;
const PRUNE_INTERVAL_MS = 60_000;
const GIVEN_UP_INTERVAL_MS = 60_000;
/** Booked orders wake the deliverers together. */
const WAKE_GAP_MS = 50;

export type Worker = { wake: () => void; stop: () => Promise<void> };

/**
 * Everything that happens outside requests. Any number of workers may run: each piece of work is taken under a lease, or
 * skipped while another has it.
 */
export function startWorker(options: {
  till: Till;
  outbox: Outbox;
  /** Of the provider that both ask. */
  outage: Pick<OutageWatch, 'isAway' | 'hasComeBack'>;
  redisUrl: string;
  log: Log;
}): Worker {
  const { till, outbox, outage, redisUrl, log } = options;
  const { db } = till;
  const onError = (error: unknown) => log.warn({ err: error }, 'the worker will try again');
  let wakeTimer: NodeJS.Timeout | undefined;
  const onBooked = () => {
    wakeTimer ??= setTimeout(() => {
      wakeTimer = undefined;
      wake();
    }, WAKE_GAP_MS);
  };
  const jobs = startOrderJobs({ redisUrl, till, onBooked, log });
  const loops = [
    ...Array.from({ length: DELIVERIES_AT_ONCE }, () => [
      startLoop(() => deliverNext(outbox, 'order-confirmed-mail'), LOOK_INTERVAL_MS, onError),
      startLoop(() => deliverNext(outbox, 'order-failed-mail'), LOOK_INTERVAL_MS, onError),
      startLoop(() => deliverNext(outbox, 'order-refunded-mail'), LOOK_INTERVAL_MS, onError),
      startLoop(() => deliverNext(outbox, 'payment-capture'), LOOK_INTERVAL_MS, onError),
      startLoop(() => deliverNext(outbox, 'payment-cancellation'), LOOK_INTERVAL_MS, onError),
      startLoop(() => deliverNext(outbox, 'payment-refund'), LOOK_INTERVAL_MS, onError),
      startLoop(() => deliverNext(outbox, 'admission-finished'), LOOK_INTERVAL_MS, onError),
    ]).flat(),
    startLoop(() => reconcileOrders(till), LOOK_INTERVAL_MS, onError),
    startLoop(hurryAfterOutage(db, outage), LOOK_INTERVAL_MS, onError),
    startLoop(searchLostOrders(till, jobs.hasJob), LOST_ORDERS_INTERVAL_MS, onError),
    startLoop(() => sweepHolds(db), SWEEP_INTERVAL_MS, onError),
    startLoop(() => retryGivenUpPayments(db), GIVEN_UP_INTERVAL_MS, onError),
    startLoop(() => pruneChanges(db), PRUNE_INTERVAL_MS, onError),
  ];
  const wake = () => {
    for (const loop of loops) loop.wake();
  };
  return {
    wake,
    stop: async () => {
      await jobs.stop();
      clearTimeout(wakeTimer);
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

import { setTimeout as delay } from 'node:timers/promises';

/**
 * Runs `work` one at a time. A call while it runs asks for one more run afterwards, which all calls until then share:
 * each caller gets a run that began after it asked.
 */
export function oneAfterAnother(work: () => Promise<void>, gapMs: number): () => Promise<void> {
  let running: Promise<void> | undefined;
  let next: Promise<void> | undefined;

  const start = (): Promise<void> => {
    running = work().finally(() => {
      running = undefined;
    });
    return running;
  };

  return () => {
    if (!running) return next ?? start();
    next ??= running
      .then(() => delay(gapMs))
      .then(() => {
        next = undefined;
        return start();
      });
    return next;
  };
}

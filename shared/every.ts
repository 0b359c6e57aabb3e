/** Ends the repetition and resolves when a run under way has finished. */
export type Stop = () => Promise<void>;

/**
 * Runs a task again and again, `intervalMs` after the end of the run before, never twice at once. A failing run is
 * reported and the next one comes all the same: every such task is written so that a later run makes up for it.
 */
export function every(
  intervalMs: number,
  task: () => Promise<unknown>,
  onError: (error: unknown) => void,
): Stop {
  let stopped = false;
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<void> = Promise.resolve();
  const run = async () => {
    try {
      await task();
    } catch (error) {
      onError(error);
    }
    if (!stopped) schedule();
  };
  const schedule = () => {
    timer = setTimeout(() => {
      running = run();
    }, intervalMs);
  };
  running = run();
  return () => {
    stopped = true;
    clearTimeout(timer);
    return running;
  };
}

/**
 * The same for each of several things by itself: one whose run takes long delays only its own next run. Resolves, when
 * stopped, once all runs under way have finished.
 */
export function everyEach(
  intervalMs: number,
  keys: () => string[],
  task: (key: string) => Promise<unknown>,
  onError: (error: unknown) => void,
): Stop {
  const underWay = new Map<string, Promise<void>>();
  const stop = every(
    intervalMs,
    async () => {
      for (const key of keys()) {
        if (underWay.has(key)) continue;
        const run = task(key)
          .then(() => undefined, onError)
          .finally(() => underWay.delete(key));
        underWay.set(key, run);
      }
    },
    onError,
  );
  return async () => {
    await stop();
    await Promise.all(underWay.values());
  };
}

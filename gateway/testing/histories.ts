import fc from 'fast-check';

/** Something that happens in a history, with the name under which a failure tells it. */
export type Act<History> = [name: string, act: (history: History) => Promise<unknown>];

/** What is played: one per history. */
export type Played<History> = { history: History; end: () => Promise<void>; stop: () => Promise<void> };

/**
 * Plays random histories, one after another, each to its end. A failure prints its seed and the shortest history that shows
 * it; with its `SEED` and `HISTORY_PATH`, from the environment, that one is played again.
 */
export async function playHistories<History>(
  begin: () => Promise<Played<History>>,
  acts: fc.Arbitrary<Act<History>[]>,
  histories: number,
  { SEED, HISTORY_PATH }: { SEED?: string; HISTORY_PATH?: string },
): Promise<void> {
  await fc.assert(
    fc.asyncProperty(acts, async (script) => {
      const { history, end, stop } = await begin();
      try {
        for (const [, act] of script) await act(history);
        await end();
      } finally {
        await stop();
      }
    }),
    {
      numRuns: histories,
      ...(SEED === undefined ? {} : { seed: Number(SEED) }),
      ...(HISTORY_PATH === undefined ? {} : { path: HISTORY_PATH }),
      reporter: (details) => {
        if (!details.failed) return;
        const { seed, counterexample, counterexamplePath: path, errorInstance } = details;
        const told = counterexample?.[0].map(([name]) => name).join('; ');
        const { stack = errorInstance } = (errorInstance ?? {}) as Error;
        throw new Error(`seed ${seed}, path ${path}: ${told}\n${stack}`);
      },
    },
  );
}

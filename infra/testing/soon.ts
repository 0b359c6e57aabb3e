/**
 * How long a test waits for what comes by itself, on a machine that is busy with other tests: the limit of every
 * `expect.poll` that has none of its own, and given to `vi.waitFor` and `vi.waitUntil`, which have a second. What is promised
 * within a time has that time.
 */
export const SOON_MS = 10_000;

/**
 * How long a test waits for what comes by itself, on a machine that is busy with other tests: the limit of every wait that has
 * none of its own. What is promised within a time is measured, and not waited for.
 */
export const SOON_MS = 10_000;

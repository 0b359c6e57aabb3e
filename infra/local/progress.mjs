const MS_PER_SECOND = 1000;

/** One short line on standard output. */
export const say = (line) => void process.stdout.write(`${line}\n`);

/** Does the work and says what is ready and how long it took; says nothing when it fails. */
export async function timed(what, work) {
  const startedAt = performance.now();
  const result = await work();
  const seconds = (performance.now() - startedAt) / MS_PER_SECOND;
  say(`${typeof what === 'function' ? what(result) : what} (${seconds.toFixed(1)} s)`);
  return result;
}

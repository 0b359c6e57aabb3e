/**
 * The wall clock of a process that is given this by `--import`, shifted by CLOCK_SHIFT_MS: a machine whose clock nobody
 * sets. Timers go by another clock, as on such a machine.
 */
const shiftMs = Number(process.env.CLOCK_SHIFT_MS);
if (!Number.isFinite(shiftMs)) throw new Error('CLOCK_SHIFT_MS must be a number of milliseconds.');

const realNow = Date.now;
Date.now = () => realNow() + shiftMs;
globalThis.Date = new Proxy(Date, {
  construct: (RealDate, given, as) =>
    Reflect.construct(RealDate, given.length === 0 ? [RealDate.now()] : given, as),
  apply: (RealDate) => new RealDate(RealDate.now()).toString(),
});

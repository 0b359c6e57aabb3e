/** One step of the search: whether the shop bore so many whole fans a second. */
export type Tried = { rate: number; isGood: boolean };

/** Each step comes twice as fast, until one fails; then the rates between are halved. */
const GROWTH = 2;
/** The knee is known when the lowest rate that failed is so close to the highest that was borne. */
const PRECISION = 1.15;
const RATE_MAX = 10_000;
/** One failure may be somebody else's doing on the machine. */
const FAILURES_MIN = 2;

/** The highest rate that was borne below all that failed twice, or null. */
export function lastGood(tried: readonly Tried[]): number | null {
  const limit = firstFailed(tried) ?? Number.POSITIVE_INFINITY;
  const good = tried.filter(({ rate, isGood }) => isGood && rate < limit).map(({ rate }) => rate);
  return good.length === 0 ? null : Math.max(...good);
}

/** The rate to try next, or null when the knee is known, or there is none to be found. */
export function nextRate(tried: readonly Tried[], from: number): number | null {
  const last = tried.at(-1);
  if (!last) return from;
  if (!last.isGood && failuresOf(tried, last.rate) < FAILURES_MIN) return last.rate;
  const good = lastGood(tried);
  const failed = firstFailed(tried);
  if (failed === null) return last.rate * GROWTH <= RATE_MAX ? last.rate * GROWTH : null;
  if (good === null) return failed > 1 ? Math.floor(failed / GROWTH) : null;
  const between = Math.round(Math.sqrt(good * failed));
  return failed / good <= PRECISION || between <= good || between >= failed ? null : between;
}

const failuresOf = (tried: readonly Tried[], rate: number): number =>
  tried.filter((each) => each.rate === rate && !each.isGood).length;

function firstFailed(tried: readonly Tried[]): number | null {
  const failed = tried
    .map(({ rate }) => rate)
    .filter(
      (rate) =>
        failuresOf(tried, rate) >= FAILURES_MIN && !tried.some((each) => each.rate === rate && each.isGood),
    );
  return failed.length === 0 ? null : Math.min(...failed);
}

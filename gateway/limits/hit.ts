import { counter } from '#shared/metrics/registry.ts';

const hits = counter('admit_one_limits_hit_total', 'Requests that a limit kept from being done, by limit.', [
  'limit',
]);

export type LimitHit = 'joins' | 'codes' | 'credentials' | 'claims' | 'requests' | 'polls' | 'admission';

/** Somebody was told 429. */
export const countHit = (limit: LimitHit): void => hits.count(limit);

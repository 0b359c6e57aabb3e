import { expect, test } from 'vitest';
import { createPulse } from './pulse.ts';

const fine = { failed: false, slow: false };

test('a minute of bookings as percentiles and errors; what is older is forgotten, and no sale sees another’s', () => {
  let nowMs = 1_000_000;
  const pulse = createPulse(() => nowMs);
  expect(pulse.lastMinute('a')).toEqual({ requests: 0, errors: 0, p50Ms: null, p99Ms: null });
  for (let i = 0; i < 98; i += 1) pulse.note('a', 10, fine);
  pulse.note('a', 900, { failed: false, slow: true });
  pulse.note('a', 4_000, { failed: true, slow: true });
  const { p50Ms, p99Ms, ...counts } = pulse.lastMinute('a');
  expect(counts).toEqual({ requests: 100, errors: 1 });
  expect(p50Ms).toBeGreaterThanOrEqual(10);
  expect(p50Ms).toBeLessThanOrEqual(13);
  expect(p99Ms).toBeGreaterThanOrEqual(900);
  expect(p99Ms).toBeLessThanOrEqual(1_125);
  expect(pulse.lastMinute('b').requests).toBe(0);
  nowMs += 59_000;
  pulse.note('a', 0, fine);
  expect(pulse.lastMinute('a').requests).toBe(101);
  nowMs += 1_000;
  expect(pulse.lastMinute('a')).toEqual({ requests: 1, errors: 0, p50Ms: 1, p99Ms: 1 });
  pulse.note('a', 3_600_000, { failed: true, slow: true });
  expect(pulse.lastMinute('a').p99Ms).toBeGreaterThan(10_000);
  // Sums are of everything, and belong to who asks.
  const sum = pulse.sinceStart('a');
  expect(sum).toEqual({ requests: 102, errors: 2, slow: 3 });
  pulse.note('a', 10, fine);
  expect(sum.requests).toBe(102);
  expect(pulse.sinceStart('b')).toEqual({ requests: 0, errors: 0, slow: 0 });
});

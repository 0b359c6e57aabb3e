import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';

const preload = new URL('./shifted-clock.mjs', import.meta.url).href;
const script = `
  const given = new Date(2026, 5, 1, 12);
  console.log(JSON.stringify({
    now: Date.now(), made: new Date().getTime(), called: Date.parse(Date()),
    given: [given.getHours(), given instanceof Date, new Date(5).getTime(), Date.UTC(1970, 0, 1)],
    subclass: new (class extends Date {})().getTime(),
  }));`;

test.each([-90_000, 90_000])(
  'a process whose clock is shifted by %i ms reads it everywhere so, and no other time',
  (shiftMs) => {
    const from = Date.now();
    const output = execFileSync(process.execPath, ['--import', preload, '--eval', script], {
      env: { PATH: process.env.PATH, CLOCK_SHIFT_MS: String(shiftMs) },
      encoding: 'utf8',
    });
    const to = Date.now();
    const { now, made, called, subclass, given } = JSON.parse(output) as Record<string, number> & {
      given: unknown;
    };
    for (const read of [now, made, subclass]) {
      expect(read).toBeGreaterThanOrEqual(from + shiftMs);
      expect(read).toBeLessThanOrEqual(to + shiftMs);
    }
    expect(Math.abs(Number(called) - from - shiftMs)).toBeLessThan(to - from + 1_000);
    expect(given).toEqual([12, true, 5, 0]);
  },
);

import { expect, test } from 'vitest';
import { localTime, momentAt } from './zoned-time.ts';

test.each([
  ['2031-06-14T20:00', 'Europe/Berlin', '2031-06-14T18:00:00.000Z'],
  ['2031-01-14 20:00', 'Europe/Berlin', '2031-01-14T19:00:00.000Z'],
  ['2031-06-14T20:00', 'Asia/Kathmandu', '2031-06-14T14:15:00.000Z'],
  ['2031-06-14T00:00', 'America/New_York', '2031-06-14T04:00:00.000Z'],
  // The hour that comes twice: the first.
  ['2026-10-25T02:30', 'Europe/Berlin', '2026-10-25T00:30:00.000Z'],
])('%s at %s is the moment that the venue’s clock shows', (local, zone, moment) => {
  expect(momentAt(local, zone)).toBe(moment);
  expect(localTime(Date.parse(moment), zone)).toBe(local.replace(' ', 'T'));
});

test.each([
  ['2026-03-29T02:30', 'Europe/Berlin'],
  ['2026-02-30T20:00', 'Europe/Berlin'],
  ['tomorrow', 'Europe/Berlin'],
  [undefined, 'Europe/Berlin'],
  ['2031-06-14T20:00', 'Europe/Atlantis'],
])('%s at %s is no moment', (local, zone) => {
  expect(momentAt(local, zone)).toBeNull();
});

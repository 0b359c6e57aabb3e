import { expect, test } from 'vitest';
import type { StatsAnswer } from '#shared/contract/stats.ts';
import { someStats } from '../../testing/console-states.ts';
import { locales } from '../locale.ts';
import { alarmsOf, tilesOf } from './figures.ts';

/** Each figure of the shop stands at the limit that it may reach. */
const calm: StatsAnswer = { ...someStats, door: { requests: 1_000, errors: 20, p50Ms: 12, p99Ms: 1_500 } };
const { live } = locales.en.texts.console;
const { number } = locales.en;
const alarms = (figures: Partial<StatsAnswer>, ageMs = 0) =>
  alarmsOf({ ...calm, ...figures }, ageMs, live, number);

test('nothing is an alarm up to its limit, and everything beyond it is', () => {
  const { door } = calm;
  expect(alarms({}, 5_000)).toEqual([]);
  expect(alarms({ door: { requests: 0, errors: 0, p50Ms: null, p99Ms: null } })).toEqual([]);
  expect(alarms({}, 5_001)).toEqual([expect.stringContaining('more than 5 seconds old')]);
  expect(alarms({ door: { ...door, errors: 21 } })).toEqual([expect.stringContaining('21 of 1,000')]);
  expect(alarms({ door: { ...door, p99Ms: 1_501 } })).toEqual([expect.stringContaining('1,501 ms')]);
  expect(alarms({ rateReason: 'errors' })).toEqual([live.alarms.slowed]);
  expect(alarms({ seats: null, durable: false })).toEqual([live.alarms.seatsUnknown, live.alarms.notDurable]);
});

test.each(Object.values(locales))(
  'every figure is written in words of its language, and none is left out: $name',
  (locale) => {
    const writing = { number: locale.number, clock: (iso: string) => iso };
    const words = locale.texts.console.live;
    for (const stats of [
      calm,
      { ...calm, seats: null, estimate: null, noShowShare: null, lobby: 7, returning: 1 },
    ]) {
      const tiles = tilesOf(stats, words, writing);
      expect(tiles.map(({ id }) => id).sort()).toEqual(Object.keys(words.tiles).sort());
      expect(
        JSON.stringify([tiles, alarmsOf({ ...stats, durable: false }, 9_000, words, number)]),
      ).not.toMatch(/[{]\w+[}]/);
    }
  },
);

test('waits are rounded outward', () => {
  const wait = (estimate: StatsAnswer['estimate']) =>
    tilesOf({ ...calm, estimate }, live, { number, clock: String }).find(({ id }) => id === 'wait')?.value;
  expect(wait({ lowSeconds: 400, highSeconds: 530 })).toBe('6 to 9 min');
  expect(wait({ lowSeconds: 20, highSeconds: 119 })).toBe('20 to 119 s');
  expect(wait(null)).toBe('–');
});

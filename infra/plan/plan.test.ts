import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { claimTurn, finishAdmission } from '../../gateway/admission/admission.ts';
import type { SigningKeys } from '../../gateway/admission/signing-keys.ts';
import { giveTurns } from '../../gateway/admission/turn-giver.ts';
import { leavePlace, takePlace } from '../../gateway/queue/place.ts';
import { saleKey } from '../../gateway/redis/keys.ts';
import { type QueueFixture, queueFixture } from '../../gateway/testing/queue-fixture.ts';
import { testSigningKeys } from '../../gateway/testing/test-keys.ts';
import { createRandom } from '../testing/random.ts';
import { type Evening, playEvening, rules } from './evening.ts';
import { measured } from './figures.ts';
import { main, readOptions } from './main.ts';
import { needsOf } from './needs.ts';

const small: Evening = {
  ...{
    fans: 2_000,
    arriveSeconds: 60,
    seats: 1_000_000,
    seatsPerFanMax: 4,
    capacity: 60,
    admitPerMinute: 600,
  },
  ...{ claimSeconds: 10, admissionSeconds: 120, shoppingSeconds: 20 },
  ...{ noShowShare: 0.2, leaveShareAnHour: 0.5, emptyHandedShare: 0.2 },
};
const at = (values: number[], share: number) =>
  [...values].sort((a, b) => a - b)[Math.floor(share * (values.length - 1))] as number;

describe('the model of an evening', () => {
  test('loses nobody: whoever came bought, went, missed a turn, gave up or was too late', () => {
    for (const seats of [100, 1_000, 1_000_000]) {
      const evening = { ...small, seats };
      const { moments, waits, bought, missed, gaveUp, tooLate, seatsSold } = playEvening(
        evening,
        `seats ${seats}`,
      );
      const claims = moments.reduce((sum, moment) => sum + moment.claims, 0);
      expect(waits.length + gaveUp + tooLate).toBe(evening.fans);
      expect(claims + missed).toBe(waits.length);
      expect(bought).toBeLessThanOrEqual(claims);
      expect(seatsSold).toBeLessThanOrEqual(seats);
      if (seats < 1_000_000) expect(seatsSold).toBe(seats);
      for (const { admitted, waiting, ready } of moments) {
        expect(admitted).toBeLessThanOrEqual(evening.capacity);
        expect(Math.min(admitted, waiting, ready)).toBeGreaterThanOrEqual(0);
      }
    }
  });

  test('goes by the figures of the scripts', async () => {
    const files = ['../../gateway/admission/give-turns.lua', '../../gateway/redis/prelude/endings.lua'];
    const texts = await Promise.all(files.map((file) => readFile(new URL(file, import.meta.url), 'utf8')));
    for (const [name, value] of Object.entries(rules)) {
      const [, found] = new RegExp(`^local ${name} = ([\\d.]+)$`, 'm').exec(texts.join('\n')) ?? [];
      expect(Number(found), name).toBe(value);
    }
  });

  test('is the same for the same seed, and another for another one', () => {
    expect(playEvening(small, 'a')).toEqual(playEvening(small, 'a'));
    expect(playEvening(small, 'a').waits).not.toEqual(playEvening(small, 'b').waits);
  });
});

describe('the real queue', () => {
  let f: QueueFixture;
  let keys: SigningKeys;
  beforeAll(async () => {
    f = await queueFixture();
    keys = await testSigningKeys();
  });
  afterAll(() => f.close());

  test('has its fans wait as long as the model says', async () => {
    const model = playEvening(small, 'model');
    const real = await playForReal(f, keys, small);
    for (const share of [0.1, 0.5, 0.9, 1]) {
      const [expected, found] = [at(model.waits, share), at(real, share)];
      expect(Math.abs(found - expected), `${share}: ${found} s, by the model ${expected} s`).toBeLessThan(
        Math.max(10, 0.1 * expected),
      );
    }
    expect(Math.abs(real.length - model.waits.length)).toBeLessThan(0.05 * small.fans);
  }, 120_000);
});

/** The same evening with the queue's own code and a clock that is put on; the seconds that each turn was waited for. */
async function playForReal(f: QueueFixture, keys: SigningKeys, evening: Evening): Promise<number[]> {
  const random = createRandom('real');
  const { capacity, admitPerMinute, claimSeconds, admissionSeconds } = evening;
  const times = { claimSeconds, admissionSeconds, graceSeconds: 86_400 };
  const sale = await f.sale({ capacity, admitPerMinute, ...times });
  const joinedAt = new Map<string, number>();
  const called = new Set<string>();
  const acts = new Map<number, (() => Promise<unknown>)[]>();
  const later = (second: number, act: () => Promise<unknown>) =>
    acts.set(second, [...(acts.get(second) ?? []), act]);
  const waits: number[] = [];

  for (let fan = 0; fan < evening.fans; fan += 1) {
    const share = random.chance(0.5) ? random.next() / 6 : random.next();
    const second = Math.floor(share * evening.arriveSeconds);
    const patience = (Math.log(1 - random.next()) / Math.log(1 - evening.leaveShareAnHour)) * 3_600;
    const id = `fan-${fan}`;
    later(second, async () => {
      await takePlace(f.store, sale, { ticketEntry: null, keyEntry: id });
      joinedAt.set(id, second);
    });
    later(second + Math.ceil(patience), async () => {
      if (!called.has(id)) await leavePlace(f.store, sale, id);
    });
  }
  for (let second = 0; ; second += 1) {
    for (const act of acts.get(second) ?? []) await act();
    while ((await giveTurns(f.store, sale)) > 0);
    const ready = await f.redis.zrange(saleKey(sale, 'ready'), '0', '-1');
    for (const id of ready.filter((each) => !called.has(each))) {
      called.add(id);
      waits.push(second - (joinedAt.get(id) as number));
      if (random.chance(evening.noShowShare)) continue;
      const claimed = second + random.between(1, 5);
      later(claimed, () => claimTurn(f.store, keys, sale, id));
      const half = evening.shoppingSeconds / 2;
      const shopping = Math.min(
        admissionSeconds,
        Math.max(2, Math.round(half - Math.log(1 - random.next()) * half)),
      );
      later(claimed + shopping, () => finishAdmission(f.store, sale, id, 'an-order'));
    }
    const [waiting, inside, left] = await Promise.all([
      f.redis.zcard(saleKey(sale, 'waiting')),
      f.redis.zcard(saleKey(sale, 'admitted')),
      f.redis.zcard(saleKey(sale, 'ready')),
    ]);
    if (second > evening.arriveSeconds && waiting + inside + left === 0) return waits;
    f.pass(1);
  }
}

describe('what an evening needs', () => {
  const million = (args: string[]) => readOptions(args) as NonNullable<ReturnType<typeof readOptions>>;

  test('grows with the fans, and shrinks with faster machines and with later arrivals', () => {
    const needs = (args: string[]) => {
      const { evening, seed, speed } = million(args);
      return needsOf(playEvening(evening, seed), measured, speed);
    };
    const few = needs(['--fans', '20000']);
    const many = needs(['--fans', '400000']);
    expect(many.gateway.count).toBeGreaterThan(few.gateway.count);
    expect(many.redis.bytes).toBeGreaterThan(few.redis.bytes);
    expect(needs(['--fans', '400000', '--speed', '4']).gateway.count).toBeLessThan(many.gateway.count);
    const slowly = needs(['--fans', '400000', '--arrive', '20m']);
    expect(slowly.redis.busyShare).toBeLessThan(many.redis.busyShare / 2);
    for (const { gateway, booking } of [few, many, slowly]) {
      expect(gateway.busyShare).toBeLessThanOrEqual(0.6);
      expect(Math.min(gateway.count, booking.count)).toBeGreaterThanOrEqual(2);
    }
  });

  test('is not told of an option that is none, or of a time without its unit', async () => {
    const wrong = [
      ['--fans', '2k'],
      ['--arrive', '60'],
      ['--no-show', '100'],
      ['--rate', '0.5'],
      ['--bogus', '1'],
    ];
    const said = vi.spyOn(process.stderr, 'write').mockImplementation(() => true);
    for (const args of wrong) expect(await main({ args }), args.join(' ')).toBe(2);
    expect(said.mock.calls.map(([text]) => String(text).split('\n')[0])).toEqual([
      '--fans must be a number from 1 to 10000000.',
      '--arrive must be a time from 1s to 24h, such as 90s, 5m or 1h.',
      '--no-show must be a number from 0 to 99.',
      '--rate must be a number from 1 to 1000000.',
      expect.stringContaining('--bogus'),
    ]);
    said.mockRestore();
  });
});

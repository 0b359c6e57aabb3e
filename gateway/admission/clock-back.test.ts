import { afterAll, beforeAll, expect, test } from 'vitest';
import { SaleSettings } from '#shared/contract/sale.ts';
import { beginRecovery } from '../queue/begin-recovery.ts';
import { measureQueue } from '../queue/forecast.ts';
import { takePlace } from '../queue/place.ts';
import { type QueueSnapshot, readSnapshot } from '../queue/snapshot.ts';
import { saleKey } from '../redis/keys.ts';
import { changeSale } from '../sale/live-sale.ts';
import { RECOVERY_SECONDS } from '../testing/losing-redis.ts';
import {
  definitionAt,
  entryOf,
  type QueueFixture,
  queueFixture,
  silentLog,
} from '../testing/queue-fixture.ts';
import { giveTurns } from './turn-giver.ts';

/** A machine that starts with a wrong clock is put right in its first minute. */
const BACK_SECONDS = -3_600;
const SETTLE_SECONDS = 2;
const RAMP_SECONDS = 30;
const RATE = 600;

let f: QueueFixture;
beforeAll(async () => {
  f = await queueFixture();
});
afterAll(() => f?.close());

const settings = () => ({ opensAt: new Date(f.now() - 86_400_000).toISOString(), admitPerMinute: RATE });

/** A sale with many fans, and a Redis whose clock goes back as soon as they have joined. */
async function queueOf(fans: number): Promise<string> {
  const sale = await f.sale(settings());
  for (let i = 0; i < fans; i += 1) await join(sale, `fan-${i}`);
  return sale;
}

const join = (sale: string, name: string) =>
  takePlace(f.store, sale, { ticketEntry: null, keyEntry: entryOf(name) });

/** Turns in so many seconds, asked for as often as gateways do. */
async function turnsWithin(sale: string, seconds: number): Promise<number> {
  let given = 0;
  for (let tick = 0; tick < 5 * seconds; tick += 1) {
    f.pass(0.2);
    given += await giveTurns(f.store, sale);
  }
  return given;
}

test('of a Redis that has just started numbers and turns are given soon, though its clock is put back', async () => {
  const sale = await queueOf(3);
  await f.redis.hset(saleKey(sale, 'queue'), 'runId', 'before');
  await giveTurns(f.store, sale);
  f.pass(BACK_SECONDS);
  expect(await turnsWithin(sale, SETTLE_SECONDS + 1)).toBe(3);
  expect(await join(sale, 'late')).toMatchObject({ created: true });
});

test('a recovery ends in its time though the clock goes back, and turns flow', async () => {
  const sale = await queueOf(3);
  await beginRecovery(f.store, sale, { epoch: 1, seenEpoch: 1, seenVersion: 9 }, silentLog);
  f.pass(BACK_SECONDS);
  await giveTurns(f.store, sale);
  f.pass(RECOVERY_SECONDS);
  expect(await turnsWithin(sale, 10)).toBe(3);
  expect(await readSnapshot(f.store, sale, null)).toMatchObject({ recovering: false });
});

test('a rate that grows, or was lowered, does not stay where it was until the clock has caught up', async () => {
  const sale = await queueOf(3);
  const live = { ...definitionAt(f.now()), sale, ...settings() };
  for (const [version, paused] of [true, false].entries()) {
    const next = { ...live, paused, version: version + 2 };
    const of = { at: live.opensAt, by: 'ada', action: 'patch' as const, reason: null, before: null };
    await changeSale(
      f.store,
      next,
      { ...of, version: next.version, settings: SaleSettings.parse(next) },
      { reopens: false },
    );
  }
  const strained = { answered: { requests: 10, errors: 5, slow: 0 }, seats: null };
  f.pass(RAMP_SECONDS + 10);
  await giveTurns(f.store, sale, strained);
  const rate = async () => Number(await f.redis.hget(saleKey(sale, 'queue'), 'effectivePerMinute'));
  expect(await rate()).toBeLessThan(RATE);
  f.pass(BACK_SECONDS);
  await turnsWithin(sale, RAMP_SECONDS + 1);
  expect(await rate()).toBe(RATE);
});

test('the pace of a queue is measured on, and turns from before are no turns of the last minute', async () => {
  const sale = await queueOf(3);
  expect(await turnsWithin(sale, 1)).toBe(3);
  const snapshot = async () => (await readSnapshot(f.store, sale, null)) as QueueSnapshot;
  expect(await measureQueue(f.store, await snapshot())).toBe(1);
  expect(await snapshot()).toMatchObject({ turnsLastMinute: 3 });
  f.pass(BACK_SECONDS);
  expect(await snapshot()).toMatchObject({ turnsLastMinute: 0 });
  expect(await measureQueue(f.store, await snapshot())).toBe(1);
  expect(await measureQueue(f.store, await snapshot())).toBe(0);
});

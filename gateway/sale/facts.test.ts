import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { z } from 'zod';
import { Problem } from '#shared/problem.ts';
import { SOON_MS } from '../../infra/testing/soon.ts';
import { factKeys } from '../redis/keys.ts';
import { type QueueFixture, queueFixture, silentLog } from '../testing/queue-fixture.ts';
import { nothingHere, rememberFacts } from './facts.ts';

type Fact = { name: string };
const Fact = z.object({ name: z.string() });

let f: QueueFixture;
beforeEach(async () => {
  f = await queueFixture();
});
afterEach(() => f.close());

type Ask = (key: string) => Promise<Fact>;

/** A gateway process's memory over the shared Redis. */
const gateway = (ask: Ask, { ageMsMax = 60_000, askUnknown = ask } = {}) =>
  rememberFacts<Fact>({
    ...{ store: f.store, kind: 'event', schema: Fact, ageMsMax, ask, askUnknown, log: silentLog },
  });

const away: Ask = async () => {
  throw new Problem('unavailable', 'away');
};

/** An ask that is answered when the test says so, and counts. */
function slowAsk() {
  let asked = 0;
  let answer = (_: Fact): void => undefined;
  const answered = new Promise<Fact>((resolve) => {
    answer = resolve;
  });
  const ask: Ask = () => {
    asked += 1;
    return answered;
  };
  return { ask, asked: () => asked, answer: (name: string) => answer({ name }) };
}

test('a crowd at three gateways asks the booking service once', async () => {
  const { ask, asked, answer } = slowAsk();
  const gateways = [gateway(ask), gateway(ask), gateway(ask)];
  const crowd = Array.from({ length: 300 }, (_, i) => gateways[i % 3]!.find('one', { exists: true }));
  await vi.waitUntil(() => asked() > 0, SOON_MS);
  answer('Nora');
  expect(new Set((await Promise.all(crowd)).map(({ name }) => name))).toEqual(new Set(['Nora']));
  expect(asked()).toBe(1);
});

test('a gateway that starts while the booking service is away finds what another one heard', async () => {
  await gateway(async () => ({ name: 'Nora' })).find('one', { exists: true });
  for (const exists of [true, false]) {
    expect(await gateway(away).find('one', { exists })).toEqual({ name: 'Nora' });
  }
});

test('what is old is answered at once and renewed behind the answer, by one gateway', async () => {
  let name = 'Nora';
  const ask = vi.fn(async () => ({ name }));
  const one = gateway(ask, { ageMsMax: 0 });
  expect(await one.find('one', { exists: true })).toEqual({ name: 'Nora' });
  name = 'Nora & the Night Trains';
  expect(await one.find('one', { exists: true })).toEqual({ name: 'Nora' });
  await vi.waitUntil(() => one.remembered('one')?.name === name, SOON_MS);
  expect(ask).toHaveBeenCalledTimes(2);
});

test('a booking service that is away takes nothing from whoever remembers, in the process or in Redis', async () => {
  let ask: Ask = async () => ({ name: 'Nora' });
  const one = gateway((key) => ask(key), { ageMsMax: 0 });
  await one.find('one', { exists: true });
  ask = away;
  const other = gateway(away, { ageMsMax: 0 });
  for (let i = 0; i < 5; i += 1) {
    expect(await one.find('one', { exists: true })).toEqual({ name: 'Nora' });
    expect(await other.find('one', { exists: true })).toEqual({ name: 'Nora' });
  }
});

test('a gateway that died while it asked delays the others for a second, and keeps nobody out', async () => {
  await f.redis.set(factKeys('event', 'one')[1], 'of a gateway that is no more', 'PX', 60_000);
  expect(await gateway(async () => ({ name: 'Nora' })).find('one', { exists: true })).toEqual({
    name: 'Nora',
  });
});

test('an answer that took long does not replace a newer one', async () => {
  const { ask, asked, answer } = slowAsk();
  const slow = gateway(ask).find('one', { exists: true });
  await vi.waitUntil(() => asked() > 0, SOON_MS);
  // Its time is over: another gateway asks, and is answered first.
  await f.redis.del(factKeys('event', 'one')[1]);
  await gateway(async () => ({ name: 'newer' })).find('one', { exists: true });
  await f.redis.hset(factKeys('event', 'one')[0], 'at', String(Date.now() + 1_000));
  answer('older');
  await slow;
  expect(await gateway(away).find('one', { exists: true })).toEqual({ name: 'newer' });
});

test('what does not exist is not found, remembered for a moment, and leaves no key', async () => {
  const askUnknown = vi.fn<Ask>(async () => {
    throw nothingHere();
  });
  const one = gateway(away, { askUnknown });
  for (let i = 0; i < 20; i += 1) {
    await expect(one.find('made-up', { exists: false })).rejects.toMatchObject({ code: 'not-found' });
  }
  expect(askUnknown).toHaveBeenCalledTimes(1);
  expect(await f.redis.dbsize()).toBe(0);
});

test('what another version of the program wrote is asked for again', async () => {
  await f.redis.hset(factKeys('event', 'one')[0], 'at', String(Date.now()), 'body', '{"title":"Nora"}');
  expect(await gateway(async () => ({ name: 'Nora' })).find('one', { exists: true })).toEqual({
    name: 'Nora',
  });
});

test('without Redis every gateway asks for itself, once', async () => {
  f.redis.disconnect();
  const ask = vi.fn(async () => ({ name: 'Nora' }));
  const one = gateway(ask);
  await Promise.all(Array.from({ length: 50 }, () => one.find('one', { exists: true })));
  expect(ask).toHaveBeenCalledTimes(1);
});

test('everything that is kept has a lifetime, and nobody is left asking', async () => {
  await gateway(async () => ({ name: 'Nora' })).find('one', { exists: true });
  await expect(gateway(away).find('two', { exists: true })).rejects.toMatchObject({ code: 'unavailable' });
  const keys = await f.redis.keys('*');
  expect(keys).toEqual([factKeys('event', 'one')[0]]);
  expect(await f.redis.pttl(keys[0]!)).toBeGreaterThan(0);
});

import { afterAll, beforeAll, expect, test } from 'vitest';
import { leavePlace, takePlace } from '../queue/place.ts';
import { readSnapshot } from '../queue/snapshot.ts';
import { positionOf } from '../queue/waiting-bits.ts';
import { saleKey } from '../redis/keys.ts';
import { census, type QueueFixture, queueFixture } from '../testing/queue-fixture.ts';
import { testSigningKeys } from '../testing/test-keys.ts';
import { claimTurn, finishAdmission } from './admission.ts';
import type { SigningKeys } from './signing-keys.ts';
import { giveTurns } from './turn-giver.ts';

const FANS = 100_000;
const CAPACITY = 5_000;
const AT_ONCE = 100;
const CLAIM_SECONDS = 20;
const STEP_SECONDS = 2;

let f: QueueFixture;
let keys: SigningKeys;
beforeAll(async () => {
  f = await queueFixture();
  keys = await testSigningKeys();
});
afterAll(() => f.close());

const idOf = (number: number) => `fan-${number}`;
const numberOf = (id: string) => Number(id.slice(4));

/** Of ten fans one leaves while waiting, one lets the turn pass, one leaves when it comes. */
const leavesEarly = (number: number) => number % 10 === 3;
const staysAway = (number: number) => number % 10 === 6;
const leavesAtTurn = (number: number) => number % 10 === 9;

async function eachOf<Item>(items: Item[], act: (item: Item) => Promise<unknown>): Promise<void> {
  for (let i = 0; i < items.length; i += AT_ONCE) await Promise.all(items.slice(i, i + AT_ONCE).map(act));
}

test('a queue of 100,000 of whom three in ten give up goes through the shop in order, and no room stays empty', async () => {
  const sale = await f.sale({
    capacity: CAPACITY,
    admitPerMinute: 1_000_000,
    claimSeconds: CLAIM_SECONDS,
    graceSeconds: 86_400,
  });
  const numbers = Array.from({ length: FANS }, (_, i) => i + 1);
  await eachOf(numbers, (number) => takePlace(f.store, sale, { ticketEntry: null, keyEntry: idOf(number) }));
  const early = numbers.filter(leavesEarly);
  let gone = 0;

  const shopping = new Map<number, number>();
  const called = new Set<number>();
  let highest = 0;
  let bought = 0;
  for (let step = 0; ; step += 1) {
    await eachOf(early.slice(gone, gone + 1_000), (number) => leavePlace(f.store, sale, idOf(number)));
    gone += 1_000;
    while ((await giveTurns(f.store, sale)) > 0);
    const count = await census(f.redis, sale);
    expect(count.joined).toBe(count.waiting + count.ready + count.admitted + count.ended);
    expect(count.admitted).toBeLessThanOrEqual(CAPACITY);
    // What became free since the last step has been given away.
    if (count.waiting > 0) expect(count.ready + count.admitted).toBeGreaterThanOrEqual(CAPACITY);
    if (count.waiting + count.ready + count.admitted === 0) break;

    const ready = await f.redis.zrange(saleKey(sale, 'ready'), '0', '-1');
    const turns = ready.map(numberOf).filter((number) => !called.has(number));
    const [next] = await f.redis.zrange(saleKey(sale, 'waiting'), '0', '0');
    for (const number of turns) {
      expect(number).toBeGreaterThan(highest);
      if (next) expect(number).toBeLessThan(numberOf(next));
      called.add(number);
    }
    highest = turns.reduce((most, number) => Math.max(most, number), highest);
    await eachOf(turns.filter(leavesAtTurn), (number) => leavePlace(f.store, sale, idOf(number)));
    await eachOf(
      turns.filter((number) => !leavesAtTurn(number) && !staysAway(number)),
      async (number) => {
        await claimTurn(f.store, keys, sale, idOf(number));
        shopping.set(number, step + 1 + (number % 3));
      },
    );
    if (step % 5 === 0) await comparePositions(sale);
    f.pass(STEP_SECONDS);
    const done = [...shopping].filter(([, until]) => until <= step).map(([number]) => number);
    await eachOf(done, (number) => finishAdmission(f.store, sale, idOf(number), 'an-order'));
    for (const number of done) shopping.delete(number);
    bought += done.length;
  }
  expect(bought).toBe(numbers.filter((n) => !leavesEarly(n) && !staysAway(n) && !leavesAtTurn(n)).length);
  const counters = await f.redis.hgetall(saleKey(sale, 'queue'));
  expect(Number(counters['ended:finished'])).toBe(bought);
  expect(await f.redis.bitcount(saleKey(sale, 'waiting-bits'))).toBe(0);
}, 240_000);

/** Of many who wait: the position from the bits is the rank in the sorted set. */
async function comparePositions(sale: string): Promise<void> {
  const waiting = await f.redis.zcard(saleKey(sale, 'waiting'));
  if (waiting === 0) return;
  const snapshot = await readSnapshot(f.store, sale, null);
  for (let i = 0; i < 50; i += 1) {
    const rank = Math.floor((i * waiting) / 50);
    const [id] = await f.redis.zrange(saleKey(sale, 'waiting'), String(rank), String(rank));
    expect(positionOf(snapshot!.bits, numberOf(id as string))).toBe(rank + 1);
  }
}

import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { HOLDS_END_UNKNOWN, internalHeaders } from '#shared/internal.ts';
import { startProxy } from '../../infra/testing/proxy.ts';
import { createApp } from '../app.ts';
import { createDb } from '../db/client.ts';
import { createTestProvider } from '../payment/test-provider.ts';
import type { TestBooking } from '../testing/booking.ts';
import { holdSeats, placeOrder } from '../testing/buy.ts';
import { everybodyEnds } from '../testing/everybody-ends.ts';
import { startSelling } from '../testing/on-sale.ts';
import { through } from '../testing/through.ts';

const SEATS_PER_FAN = 4;
const ANSWER_MS_MAX = 3_000;
/** Begin, authorise, confirm, capture, settle, read. */
const CALLS = 6;
const [BEGIN, CONFIRM] = [1, 3];

let booking: TestBooking;
let sale: string;

beforeAll(async () => {
  const hall = [{ name: 'A', rows: 2, seatsPerRow: 20, amount: 5_000 }];
  ({ booking, sale } = await startSelling(hall, { seatsPerFan: SEATS_PER_FAN }));
});
afterAll(() => booking.stop());

/** A booking service whose way to PostgreSQL says nothing any more from one of its calls on, counted from `begin`. */
async function serviceCutOff(before: number) {
  const proxy = await startProxy(booking.databaseUrl);
  const direct = createDb(proxy.url, { applicationName: 'cut-off' });
  let calls = Number.NEGATIVE_INFINITY;
  const db = through(direct, (statement, withinMs) => {
    calls += 1;
    if (calls === before) proxy.stall();
    return direct.call(statement, withinMs);
  });
  const { app } = createApp({ ...booking.dependencies, db, payments: createTestProvider(db) });
  const close = async () => {
    proxy.cut();
    await direct.close();
    proxy.close();
  };
  const begin = () => {
    calls = 0;
  };
  return { app, close, begin };
}

test.each([2_000, 2_600])(
  'seats are given back within 3 s where that takes PostgreSQL %i ms and no renewal comes',
  async (ms) => {
    const fan = await booking.admit(sale);
    const hold = await holdSeats(fan, `A-2-${ms / 200}`);
    const db = through(booking.db, async (statement, withinMs) => {
      await delay(ms);
      return booking.db.call(statement, withinMs);
    });
    const isRenewed = (withinMs: number) => delay(withinMs, false);
    const { app } = createApp({
      ...booking.dependencies,
      db,
      inventory: { ...booking.inventory, isRenewed },
    });
    const startedMs = performance.now();
    expect((await fan.request('DELETE', `/holds/${hold}`, { app })).status).toBe(204);
    expect(performance.now() - startedMs).toBeLessThan(ANSWER_MS_MAX);
  },
);

test('an order has an answer within 3 s, at whichever of its calls PostgreSQL falls silent, and is never half', async () => {
  const attempts = await Promise.all(
    Array.from({ length: CALLS }, async (_, i) => {
      const fan = await booking.admit(sale);
      const hold = await holdSeats(fan, `A-1-${i + 1}`);
      const { app, close, begin } = await serviceCutOff(i + 1);
      // Its connections are there, and the token is known.
      await Promise.all([1, 2, 3].map(() => fan.request('GET', '/orders', { app })));
      begin();
      const startedMs = performance.now();
      const answer = await placeOrder(fan, hold, { app });
      const tookMs = performance.now() - startedMs;
      await close();
      return { fan, hold, answer, tookMs, call: i + 1 };
    }),
  );
  for (const { answer, tookMs, call } of attempts) {
    expect(tookMs, `call ${call}`).toBeLessThan(ANSWER_MS_MAX);
    const isClear = answer.status === 201 || answer.status === 503 || answer.body.code === 'in-progress';
    expect(isClear, `call ${call}: ${answer.status} ${answer.body.code}`).toBe(true);
    if (answer.status !== 201) expect(answer.headers.get('retry-after')).not.toBeNull();
    // Whoever has bought is not told that the shop is away, and the gateway is told.
    if (call <= CONFIRM) continue;
    expect(answer.status, `call ${call}`).not.toBe(503);
    expect(answer.headers.get(internalHeaders.order), `call ${call}`).toBe(answer.body.order);
  }
  for (const { answer, call } of attempts) {
    // The hold is being paid by then: saying nothing would take back the time that it was given for that. An order says more.
    if (answer.body.code === 'in-progress' && answer.headers.get(internalHeaders.order) === null)
      expect(answer.headers.get(internalHeaders.holdEnds), `call ${call}`).toBe(HOLDS_END_UNKNOWN);
  }
  await everybodyEnds(booking, attempts, SEATS_PER_FAN);
});

/** A booking service each of whose calls of PostgreSQL takes as long as its number says; those of the provider do not. */
function slowService(callMs: (call: number) => number) {
  let calls = Number.NEGATIVE_INFINITY;
  const db = through(booking.db, async (statement, withinMs) => {
    calls += 1;
    if (calls > 0) await delay(callMs(calls));
    return booking.db.call(statement, withinMs);
  });
  const { app } = createApp({ ...booking.dependencies, db });
  const begin = () => {
    calls = 0;
  };
  return { app, begin };
}

describe('with a slow database an order has an answer within 3 s, and the same key buys it', () => {
  // Without the provider's, the second call is the one that confirms.
  const slownesses: [string, string, (call: number) => number][] = [
    ['where each call takes 900 ms', 'A-2-1', () => 900],
    ['where beginning and confirming take 2.5 s each', 'A-2-2', (call) => (call <= 2 ? 2_500 : 0)],
    ['where only beginning is slow', 'A-2-3', (call) => (call === BEGIN ? 2_500 : 0)],
  ];
  test.each(slownesses)('%s', async (_, seat, callMs) => {
    const fan = await booking.admit(sale);
    const hold = await holdSeats(fan, seat);
    const { app, begin } = slowService(callMs);
    await fan.request('GET', '/orders', { app });
    begin();
    const startedMs = performance.now();
    const answer = await placeOrder(fan, hold, { app });
    expect(performance.now() - startedMs).toBeLessThan(ANSWER_MS_MAX);
    const { order } = answer.body;
    if (answer.status !== 201) expect(answer).toMatchObject({ status: 409, body: { code: 'in-progress' } });
    await vi.waitFor(
      async () => expect(await placeOrder(fan, hold)).toMatchObject({ status: 201, body: { order } }),
      { timeout: 8_000 },
    );
  });
});

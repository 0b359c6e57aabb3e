import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ExtendedHold, type ExtendedHoldsPage, PAYMENT_EXTENSION_SECONDS } from '#shared/internal.ts';
import type { TestBooking, TestFan } from '../testing/booking.ts';
import { holdSeats, placeOrder } from '../testing/buy.ts';
import { expireHold } from '../testing/expire.ts';
import { startSelling } from '../testing/on-sale.ts';

const FANS = 1_050;

let booking: TestBooking;
let sale: string;
beforeAll(async () => {
  const hall = [{ name: 'A', rows: 40, seatsPerRow: 40, amount: 5_000 }];
  ({ booking, sale } = await startSelling(hall, { seatsPerFan: 6 }));
});
afterAll(() => booking.stop());

async function extendedHolds(of = sale): Promise<ExtendedHold[]> {
  const all: ExtendedHold[] = [];
  for (let after: string | null = ''; after !== null; ) {
    const path = `/internal/sales/${of}/extended-holds?after=${after}`;
    const { status, body } = await booking.internal('GET', path);
    expect(status).toBe(200);
    const page: ExtendedHoldsPage = body as unknown as ExtendedHoldsPage;
    all.push(...page.holds);
    after = page.next;
  }
  return all;
}

const admit = (number: number): Promise<TestFan> => booking.admit(sale, { number });

test('told are the holds that are paid for and not over, of this sale, with whose they are and how long they last', async () => {
  const [looks, pays, waits, buys, late, nameless] = await Promise.all([
    ...[1, 2, 3, 4, 5].map(admit),
    booking.admit(sale, { number: undefined }),
  ]);
  await holdSeats(looks!, 'A-1-1');
  await placeOrder(pays!, await holdSeats(pays!, 'A-1-2', 'A-1-3'), { token: 'tok_declined' });
  const order = {
    json: { hold: '', buyer: { name: 'A', email: 'a@example.org' }, payment: { token: 'tok_ok' } },
  };
  order.json.hold = await holdSeats(waits!, 'A-1-4');
  const headers = { 'idempotency-key': 'one', prefer: 'respond-async' };
  expect((await waits!.request('POST', '/orders', { ...order, headers })).status).toBe(202);
  expect((await placeOrder(buys!, await holdSeats(buys!, 'A-1-5'))).status).toBe(201);
  const over = await holdSeats(late!, 'A-1-6');
  await placeOrder(late!, over, { token: 'tok_declined' });
  await expireHold(booking.db, over);
  await placeOrder(nameless!, await holdSeats(nameless!, 'A-1-7'), { token: 'tok_declined' });
  const holds = await extendedHolds();
  const told = holds.map(({ entry, queueNumber }) => [entry, queueNumber]);
  expect(told.sort()).toEqual(
    [
      [pays!.id, 2],
      [waits!.id, 3],
      [nameless!.id, null],
    ].sort(),
  );
  for (const { admittedAt } of holds)
    expect(Math.abs((admittedAt as number) * 1_000 - Date.now())).toBeLessThan(60_000);
  for (const { leftMs } of holds)
    expect(Math.abs(leftMs - PAYMENT_EXTENSION_SECONDS * 1_000)).toBeLessThan(10_000);
  expect(await extendedHolds('AAAAAAAAAAA')).toEqual([]);
});

test('all of them, however many there are', async () => {
  const seats = Array.from({ length: FANS }, (_, i) => `A-${10 + Math.floor(i / 40)}-${(i % 40) + 1}`);
  const numbers: number[] = [];
  const queue = [...seats.entries()];
  const some = async () => {
    for (let next = queue.pop(); next; next = queue.pop()) {
      const [i, seat] = next;
      const fan = await admit(1_000 + i);
      await placeOrder(fan, await holdSeats(fan, seat), { token: 'tok_declined' });
      numbers.push(1_000 + i);
    }
  };
  await Promise.all(Array.from({ length: 20 }, some));
  const told = (await extendedHolds()).map(({ queueNumber }) => Number(queueNumber));
  expect(told.filter((number) => number >= 1_000).sort()).toEqual(numbers.sort());
}, 60_000);

test('only the gateway may ask', async () => {
  const path = `/internal/sales/${sale}/extended-holds`;
  expect((await booking.send('GET', path)).status).toBe(401);
});

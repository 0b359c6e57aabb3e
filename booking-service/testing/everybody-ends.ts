import { expect } from 'vitest';
import type { TestBooking, TestFan } from './booking.ts';
import { placeOrder } from './buy.ts';
import { settlePayments } from './settle-payments.ts';
import { violations } from './violations.ts';

/** Each fan's own key goes on to the end, whatever came between, and nothing is half, double or owed. */
export async function everybodyEnds(
  booking: TestBooking,
  fans: { fan: TestFan; hold: string }[],
  seatsPerFan: number,
): Promise<void> {
  await booking.db.call(
    (sql) => sql`
      update ticket_order set lease_until = clock_timestamp() - interval '1 second' where state = 'inProgress'`,
  );
  for (const [i, { fan, hold }] of fans.entries()) {
    expect((await placeOrder(fan, hold)).status, `fan ${i + 1}`).toBe(201);
    expect((await fan.request('GET', '/orders')).body.orders, `fan ${i + 1}`).toHaveLength(1);
  }
  await booking.db.call(
    (sql) => sql`
      update ticket_order set lease_until = clock_timestamp() - interval '1 minute' where payment <> 'settled'`,
  );
  await settlePayments(booking);
  expect(await violations(booking.db, seatsPerFan)).toEqual([]);
  const owing = await booking.db.call((sql) => sql`select id from ticket_order where payment <> 'settled'`);
  expect(owing).toEqual([]);
}

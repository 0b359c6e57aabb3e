import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startBooking, type TestBooking } from '../../../booking-service/testing/booking.ts';
import { buyer, holdSeats, placeOrder } from '../../../booking-service/testing/buy.ts';
import { booksChecks, findIn } from './books.ts';
import type { Sql } from './check.ts';

const PATIENCE_MS = 60_000;

let booking: TestBooking;
let sql: Sql;
/** Ids of the healthy shop that the faults are planted in. */
const known = { event: '', sale: '', order: '', secondOrder: '', failedOrder: '', hold: '', fan: '' };

beforeAll(async () => {
  booking = await startBooking();
  sql = postgres(booking.databaseUrl, { max: 1, onnotice: () => {} });
  const event = await booking.makeEvent([
    { name: 'A', rows: 2, seatsPerRow: 10, amount: 6_500 },
    { name: 'B', rows: 2, seatsPerRow: 10, amount: 4_000 },
  ]);
  const sale = await booking.makeSale(event.event, { seatsPerFan: 3, sections: ['A'] });
  const [ada, bob, cleo, dora] = await Promise.all([1, 2, 3, 4].map(() => booking.admit(sale.sale)));
  const bought = await placeOrder(ada!, await holdSeats(ada!, 'A-1-1', 'A-1-2'), { email: buyer.email });
  const alsoBought = await placeOrder(bob!, await holdSeats(bob!, 'A-1-5'));
  const declined = await placeOrder(cleo!, await holdSeats(cleo!, 'A-2-1'), { token: 'tok_declined' });
  Object.assign(known, {
    event: event.event,
    sale: sale.sale,
    order: bought.body.order,
    secondOrder: alsoBought.body.order,
    failedOrder: declined.body.order,
    hold: await holdSeats(dora!, 'A-2-5', 'A-2-6'),
    fan: ada!.id,
  });
});
afterAll(async () => {
  await sql?.end();
  await booking?.stop();
});

/** What the checks say after a change that is then undone: by check, their sentences. */
async function saidAfter(plant: () => Promise<unknown>): Promise<Record<string, string[]>> {
  await sql`begin`;
  try {
    await plant();
    const said: Record<string, string[]> = {};
    for (const check of booksChecks) {
      const rows = await findIn(sql, check, { patienceMs: PATIENCE_MS });
      if (rows.length > 0) said[check.name] = rows.map((row) => row.finding);
    }
    return said;
  } finally {
    await sql`rollback`;
  }
}

test.each(['book', 'ask', 'tell'])(
  'work that is noted, “%s”, of an order that has none is told',
  async (kind) => {
    const said = await saidAfter(() => sql`insert into order_work values (${kind}, ${known.order})`);
    expect(Object.keys(said)).toEqual(['work-is-noted']);
  },
);

test('a healthy shop gives nothing to say', async () => {
  expect(await saidAfter(async () => {})).toEqual({});
});

/** Each changes rows by hand, as no function of the booking service would. */
const plants: Record<string, () => Promise<unknown>> = {
  'one-ticket-per-seat': async () => {
    await sql`drop index ticket_live`;
    await sql`insert into ticket (code, ticket_order, event, seat) values ('twin', ${known.order}, ${known.event}, 0)`;
  },
  'sold-seats-have-tickets': () => sql`update seat set state = 2 where event = ${known.event} and seat = 30`,
  'tickets-are-of-sold-seats': async () => {
    await sql`update seat set state = 0 where event = ${known.event} and seat = 4`;
    await sql`update hold set state = 'released' where 4 = any (seats)`;
    await sql`update ticket_order set state = 'refunded' where id = ${known.secondOrder}`;
    await sql`update test_payment set state = 'refunded' where payment = ${known.secondOrder}`;
    await sql`
      insert into outbox_message (id, kind, ticket_order)
      values ('refund', 'order-refunded-mail', ${known.secondOrder})`;
  },
  'one-hold-per-seat': () => sql`
    insert into hold (id, sale, event, fan, admission, request_digest, state, seats, amount, expires_at)
    select 'second', sale, event, 'other', 'other', '', 'active', seats, amount, expires_at
    from hold where id = ${known.hold}`,
  'holds-are-whole': () => sql`update seat set state = 0 where event = ${known.event} and seat = 14`,
  'no-seat-held-by-nobody': () => sql`
    update seat set state = 1, hold = null, held_until = clock_timestamp() + interval '1 hour'
    where event = ${known.event} and seat = 33`,
  'seats-are-those-of-the-layout': () => sql`delete from seat where event = ${known.event} and seat = 39`,
  'seats-are-as-their-log-says': async () => {
    await sql`alter table seat disable trigger logged`;
    await sql`update seat set hold = 'nobody' where event = ${known.event} and seat = 35`;
  },
  'seats-changed-as-they-may': async () => {
    const [{ hold }] = (await sql`select hold from seat where event = ${known.event} and seat = 0`) as [
      { hold: string },
    ];
    for (const [state, by] of [[1, 'thief'] as const, [2, hold] as const])
      await sql`update seat set state = ${state}, hold = ${by} where event = ${known.event} and seat = 0`;
  },
  'the-audit-is-as-it-was-written': async () => {
    await sql`alter table sale_change disable trigger append_only`;
    await sql`update sale_change set reason = 'another one' where sale = ${known.sale}`;
  },
  'sales-sell-what-is-theirs': () => sql`update sale set sections = '{1}' where id = ${known.sale}`,
  'orders-have-their-tickets': () =>
    sql`update hold set seats = '{4, 4}' where id = (select hold from ticket_order where id = ${known.secondOrder})`,
  'tickets-have-their-order': () =>
    sql`update ticket set ticket_order = 'nobody' where ticket_order = ${known.secondOrder}`,
  'one-order-per-hold': () => sql`update ticket_order set hold = 'none' where id = ${known.secondOrder}`,
  'orders-come-to-an-end': () => sql`
    update ticket_order set state = 'inProgress', payment = 'unknown',
      created_at = clock_timestamp() - interval '2 minutes' where id = ${known.failedOrder}`,
  'work-is-noted': async () => {
    await sql`alter table ticket_order disable trigger work_is_noted_anew`;
    await sql`update ticket_order set state = 'inProgress', payment = 'unknown' where id = ${known.failedOrder}`;
  },
  'refunds-are-in-the-audit': async () => {
    await sql`select refund_order(${known.order}, 'audit', 'message', 'organiser', null)`;
    await sql`drop trigger append_only on audit_entry`;
    await sql`delete from audit_entry`;
  },
  'one-order-per-key': async () => {
    await sql`alter table ticket_order drop constraint ticket_order_sale_fan_idempotency_key_key`;
    await sql`
      insert into ticket_order
      select (jsonb_populate_record(ticket_order, '{"id": "twin"}')).* from ticket_order where id = ${known.failedOrder}`;
  },
  'orders-cost-what-their-seats-cost': async () => {
    await sql`update ticket_order set amount = 1 where id = ${known.order}`;
    await sql`update test_payment set amount = 1 where payment = ${known.order}`;
  },
  'confirmed-orders-are-captured-once': () =>
    sql`update test_payment set captures = 2 where payment = ${known.order}`,
  'nobody-pays-for-nothing': () =>
    sql`update test_payment set state = 'authorised' where payment = ${known.failedOrder}`,
  'payments-have-their-order': () => sql`
    insert into test_payment (payment, amount, currency, state) values ('nobody', 100, 'EUR', 'captured')`,
  'nothing-is-owed-for-long': () => sql`
    update ticket_order set payment = 'captureDue', created_at = clock_timestamp() - interval '2 minutes'
    where id = ${known.order}`,
  'no-payment-is-given-up': () => sql`
    insert into outbox_message (id, kind, ticket_order, state) values ('r', 'payment-refund', ${known.order}, 'dead')`,
  'orders-have-their-mail': () =>
    sql`delete from outbox_message where ticket_order = ${known.order} and kind = 'order-confirmed-mail'`,
  'mail-is-delivered': () => sql`
    update outbox_message set created_at = clock_timestamp() - interval '2 minutes', attempts = 3
    where ticket_order = ${known.order} and kind = 'order-confirmed-mail'`,
  'no-mail-is-given-up': () => sql`
    update outbox_message set state = 'dead', last_error = '550 No such mailbox'
    where ticket_order = ${known.order} and kind = 'order-confirmed-mail'`,
  'the-gateway-hears-of-orders': () => sql`
    update outbox_message set created_at = clock_timestamp() - interval '2 minutes'
    where ticket_order = ${known.order} and kind = 'admission-finished'`,
  'one-order-per-admission': () => sql`
    update ticket_order set idempotency_key = 'another', (fan, admission) = (
      select fan, admission from ticket_order where id = ${known.order}
    ) where id = ${known.secondOrder}`,
  'seats-per-fan': async () => {
    await sql`
      insert into hold (id, sale, event, fan, admission, request_digest, state, seats, amount, expires_at)
      select 'third', sale, event, fan, 'other', '', 'active', '{17, 18}', amount, clock_timestamp() + interval '1 hour'
      from hold where fan = ${known.fan}`;
    await sql`
      update seat set state = 1, hold = 'third', held_until = clock_timestamp() + interval '1 hour'
      where event = ${known.event} and seat in (17, 18)`;
  },
  'seats-per-buyer': async () => {
    await sql`update ticket_order set email_key = 'one@example.org'`;
    await sql`
      update ticket_order set state = 'inProgress', lease_until = clock_timestamp() + interval '1 minute'
      where id = ${known.failedOrder}`;
  },
};

/** Faults that cannot be planted without a second one showing too, with that second one. */
const together: Record<string, string[]> = {
  'one-ticket-per-seat': ['orders-have-their-tickets'],
  'one-hold-per-seat': ['holds-are-whole'],
  'holds-are-whole': ['seats-changed-as-they-may'],
  'tickets-are-of-sold-seats': ['tickets-have-their-order', 'refunds-are-in-the-audit'],
  'orders-have-their-tickets': ['one-hold-per-seat', 'orders-cost-what-their-seats-cost'],
  'tickets-have-their-order': ['orders-have-their-tickets'],
  'refunds-are-in-the-audit': ['the-audit-is-as-it-was-written'],
};

describe('a planted fault makes its check speak, and no other', () => {
  test.each(Object.entries(plants))('%s', async (name, plant) => {
    const said = await saidAfter(plant);
    expect(Object.keys(said).sort()).toEqual([name, ...(together[name] ?? [])].sort());
    for (const sentence of Object.values(said).flat()) expect(sentence).toMatch(/^[A-Z].*\w\)?$/);
  });
});

test('an order that was refunded, or taken for later and failed, without a word by mail', async () => {
  const refunded = await saidAfter(async () => {
    const [codes] = await sql<{ result: string }[]>`
      select refund_order(${known.order}, 'audit', 'message', 'organiser', null) as result`;
    expect(codes?.result).toBe('confirmed');
    await sql`delete from outbox_message where kind = 'order-refunded-mail'`;
  });
  expect(Object.keys(refunded)).toEqual(['orders-have-their-mail']);
  const failed = await saidAfter(
    () => sql`update ticket_order set respond_async = true where id = ${known.failedOrder}`,
  );
  expect(Object.keys(failed)).toEqual(['orders-have-their-mail']);
});

test('a refund as the organiser makes it gives nothing to say', async () => {
  expect(
    await saidAfter(() => sql`select refund_order(${known.order}, 'audit', 'message', 'organiser', null)`),
  ).toEqual({});
});

test('a live hold that is swept, and whose seat somebody else has bought since, is found in the log', async () => {
  const said = await saidAfter(async () => {
    await sql`update seat set state = 0 where event = ${known.event} and seat = 14`;
    await sql`update hold set state = 'expired' where id = ${known.hold}`;
    await sql`update seat set state = 0 where hold = ${known.hold}`;
  });
  expect(Object.keys(said)).toEqual(['seats-changed-as-they-may']);
});

test('every check has its planted fault', () => {
  expect(Object.keys(plants).sort()).toEqual(booksChecks.map((check) => check.name).sort());
});

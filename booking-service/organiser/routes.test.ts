import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { AuditEntry, OrganiserOrder } from '#shared/contract/organiser.ts';
import type { SaleDefinition } from '#shared/contract/sale.ts';
import { internalHeaders } from '#shared/internal.ts';
import { type Event, findEvent } from '../catalogue/event.ts';
import { listOrders } from '../order/list-orders.ts';
import { organiserName, startBooking, type TestBooking } from '../testing/booking.ts';
import { holdSeats, placeOrder } from '../testing/buy.ts';

let booking: TestBooking;
let event: string;
let sale: string;
let definition: SaleDefinition;

beforeAll(async () => {
  booking = await startBooking();
});

beforeEach(async () => {
  event = (await booking.makeEvent([{ name: 'A', rows: 2, seatsPerRow: 10, amount: 5_000 }])).event;
  definition = await booking.makeSale(event);
  sale = definition.sale;
});

afterAll(() => booking.stop());

const get = (path: string) => booking.internal('GET', `/internal${path}`);
const post = (path: string, json: unknown, headers = {}) =>
  booking.internal('POST', `/internal${path}`, { json, headers });

async function buy(seat: string, token = 'tok_ok', email?: string): Promise<string> {
  const fan = await booking.admit(sale);
  const { body } = await placeOrder(fan, await holdSeats(fan, seat), {
    token,
    ...(email && { email }),
  });
  return String(body.order);
}

describe('the orders of a sale', () => {
  test('come newest first, a page at a time, each once, without the codes of their tickets', async () => {
    const ids: string[] = [];
    for (let number = 1; number <= 5; number += 1) ids.unshift(await buy(`A-1-${number}`));
    const read: OrganiserOrder[] = [];
    const next: (string | null)[] = [];
    for (let after = ''; ; ) {
      const { status, body } = await get(`/sales/${sale}/orders?limit=2${after}`);
      expect(status).toBe(200);
      read.push(...(body.orders as OrganiserOrder[]));
      next.push(body.next as string | null);
      if (body.next === null) break;
      // What comes meanwhile moves nothing.
      await buy(`A-2-${next.length}`);
      after = `&after=${body.next}`;
    }
    expect(read.map(({ order }) => order)).toEqual(ids);
    expect(next).toHaveLength(3);
    expect(Object.keys(read[0] as object).sort()).toEqual(
      ['buyer', 'createdAt', 'failure', 'order', 'sale', 'seats', 'state', 'total'].sort(),
    );
    expect(read[0]).toMatchObject({ seats: [{ seat: 'A-1-5', price: { amount: 5_000, currency: 'EUR' } }] });
  });

  test('may be asked for by state', async () => {
    await buy('A-1-1');
    const failed = await buy('A-1-2', 'tok_declined');
    const { body } = await get(`/sales/${sale}/orders?state=failed`);
    expect(body).toMatchObject({ orders: [{ order: failed, failure: 'payment-declined' }], next: null });
  });

  const found = async (find: string, more = '') => {
    const { status, body } = await get(`/sales/${sale}/orders?find=${encodeURIComponent(find)}${more}`);
    expect(status).toBe(200);
    return (body.orders as OrganiserOrder[]).map(({ order }) => order);
  };

  test('are found by number, by the beginning of an e-mail address and by seat, in this sale alone', async () => {
    const [ada, eve, underscore] = [
      await buy('A-1-1', 'tok_ok', 'Ada.Lovelace@example.org'),
      await buy('A-1-2', 'tok_ok', 'eve@example.org'),
      await buy('A-1-3', 'tok_ok', 'a_a@example.org'),
    ];
    const other = await booking.makeSale(event);
    const fan = await booking.admit(other.sale);
    const { body } = await placeOrder(fan, await holdSeats(fan, 'A-2-1'), {
      email: 'ada.lovelace@example.org',
    });
    expect(await found(ada)).toEqual([ada]);
    expect(await found(String(body.order))).toEqual([]);
    expect(await found('ada.lovelace@example.org')).toEqual([ada]);
    expect(await found(' ADA.')).toEqual([ada]);
    expect(await found('lovelace')).toEqual([]);
    expect(await found('A-1-2')).toEqual([eve]);
    expect(await found('A-2-1')).toEqual([]);
    expect(await found('A-9-9')).toEqual([]);
    expect(await found('a_a')).toEqual([underscore]);
    for (const wild of ['%%%', '___', 'e%e@', "' or true --", '\\\\\\'])
      expect(await found(wild)).toEqual([]);
    expect(await found('eve', '&state=failed')).toEqual([]);
    expect(await found('eve', '&state=confirmed')).toEqual([eve]);
  });

  test('of a seat are found whoever has it, pays for it, or had it and got the money back', async () => {
    const first = await buy('A-1-1');
    await post(`/orders/${first}/refund`, { reason: 'ill' });
    const second = await buy('A-1-1');
    const failed = await buy('A-1-2', 'tok_declined');
    expect(await found('A-1-1')).toEqual([second, first]);
    expect(await found('A-1-2')).toEqual([failed]);
  });

  test('that are found come in pages too', async () => {
    const ids: string[] = [];
    for (let number = 1; number <= 3; number += 1)
      ids.unshift(await buy(`A-1-${number}`, 'tok_ok', `many+${number}@example.org`));
    await buy('A-2-1', 'tok_ok', 'other@example.org');
    const first = (await get(`/sales/${sale}/orders?find=many&limit=2`)).body;
    const second = (await get(`/sales/${sale}/orders?find=many&limit=2&after=${first.next}`)).body;
    const read = [first, second].flatMap(({ orders }) => orders as OrganiserOrder[]);
    expect([read.map(({ order }) => order), second.next]).toEqual([ids, null]);
  });

  test.each([
    ...['limit=0', 'limit=501', 'limit=x', 'after=x', 'after=1.2.3', 'state=open', 'page=2'],
    ...['find=ab', `find=${'a'.repeat(255)}`, 'find=%20a%20', 'find=abc%00'],
  ])('refuse %s', async (query) => {
    expect(await get(`/sales/${sale}/orders?${query}`)).toMatchObject({
      status: 422,
      body: { code: 'invalid-field' },
    });
  });

  test('of a sale that is not there are not found', async () => {
    expect((await get('/sales/nothing/orders')).status).toBe(404);
    expect((await get('/sales/nothing/audit')).status).toBe(404);
  });

  test('cost each page a look into indexes, however many there are', async () => {
    await booking.db.call(
      (sql) => sql`
        insert into hold (id, sale, event, fan, admission, request_digest, state, seats, amount, expires_at)
        select 'hold-' || n, ${sale}, ${event}, 'fan-' || n, 'a', '', 'released', '{0}', 1, clock_timestamp()
        from generate_series(1, 20000) as n`,
    );
    await booking.db.call(
      (sql) => sql`
        insert into ticket_order (id, sale, event, fan, admission, idempotency_key, request_digest, hold, buyer_name,
          buyer_email, email_key, amount, currency, state, payment, lease_until)
        select 'order-' || n, ${sale}, ${event}, 'fan-' || n, 'a', 'k', '', 'hold-' || n, 'Ada', 'a@b.c', 'a@b.c', 1, 'EUR',
          'failed', 'settled', clock_timestamp()
        from generate_series(1, 20000) as n`,
    );
    await booking.db.call(
      (sql) => sql`
        insert into ticket (code, ticket_order, event, seat, live)
        select 'code-' || n, 'order-' || n, ${event}, n, n % 2 = 0 from generate_series(1, 20000) as n`,
    );
    await booking.db.call((sql) => sql`analyze`);
    const plans: string[] = [];
    const explaining: TestBooking['db'] = {
      ...booking.db,
      call: async (statement) => {
        const plan = await booking.db.call<{ 'QUERY PLAN': string }>((sql) => sql`explain ${statement(sql)}`);
        plans.push(plan.map((row) => row['QUERY PLAN']).join('\n'));
        return booking.db.call(statement);
      },
    };
    const found = await findEvent(booking.db, event);
    const first = await listOrders(explaining, { event: found as Event, sale }, { limit: 500 });
    const second = await listOrders(
      explaining,
      { event: found as Event, sale },
      { limit: 500, after: first.next as string },
    );
    expect([first.orders.length, second.orders.length, plans.length]).toEqual([500, 500, 2]);
    for (const plan of plans) {
      expect(plan).toContain('Index Scan Backward using ticket_order_sale');
      expect(plan).not.toMatch(/Seq Scan|Sort/);
    }
    await listOrders(explaining, { event: found as Event, sale }, { limit: 500, find: 'A-1-1' });
    for (const index of [
      'ticket_order_pkey',
      'ticket_order_buyer',
      'ticket_live',
      'ticket_void',
      'seat_pkey',
    ])
      expect(plans[2]).toContain(index);
    expect(plans[2]).not.toContain('Seq Scan');
  });

  test('that are looked for by what many addresses begin with are read a page at a time', async () => {
    const others = 20_000;
    await booking.db.call(
      (sql) => sql`
        insert into hold (id, sale, event, fan, admission, request_digest, state, seats, amount, expires_at)
        values ('none', ${sale}, ${event}, 'many', 'a', '', 'released', '{0}', 1, clock_timestamp())`,
    );
    await booking.db.call(
      (sql) => sql`
        insert into ticket_order (id, sale, event, fan, admission, idempotency_key, request_digest, hold, buyer_name,
          buyer_email, email_key, amount, currency, state, payment, lease_until,
          created_at)
        select 'many-' || n, ${sale}, ${event}, 'many-' || n, 'a', 'k', '', 'none', 'Ada', 'fan' || n || '@b.c', '', 1, 'EUR',
          case n % 2 when 0 then 'failed' else 'confirmed' end, 'settled', clock_timestamp(),
          clock_timestamp() + n * interval '1 second'
        from generate_series(1, ${others}::int) as n`,
    );
    await booking.db.call((sql) => sql`analyze`);
    const rowsRead: number[] = [];
    const measuring: TestBooking['db'] = {
      ...booking.db,
      call: async (statement) => {
        const plan = await booking.db.call<{ 'QUERY PLAN': string }>(
          (sql) => sql`explain (analyze, timing off, costs off, summary off) ${statement(sql)}`,
        );
        const lines = plan.map((row) => row['QUERY PLAN']);
        const rows = lines.map((line) =>
          Number(/rows=(\d+)|Removed by Filter: (\d+)/.exec(line)?.slice(1).join('') ?? 0),
        );
        rowsRead.push(Math.max(...rows));
        return booking.db.call(statement);
      },
    };
    const place = { event: (await findEvent(booking.db, event)) as Event, sale };
    const seen: string[] = [];
    for (let after: string | undefined, pages = 0; pages < 3; pages += 1) {
      const page = await listOrders(measuring, place, {
        ...{ limit: 100, find: 'FAN', state: 'confirmed' as const },
        ...(after !== undefined && { after }),
      });
      seen.push(...page.orders.map(({ order }) => order));
      after = page.next as string;
    }
    expect(seen).toEqual(Array.from({ length: 300 }, (_, i) => `many-${others - 1 - 2 * i}`));
    expect(Math.max(...rowsRead)).toBeLessThan(1_000);
  });
});

describe('the audit of a sale', () => {
  const audit = async (query = '') =>
    (await get(`/sales/${sale}/audit${query}`)).body as unknown as {
      entries: AuditEntry[];
      next: string | null;
    };

  test('tells who did what, when, from what to what, and why, the newest first', async () => {
    const { sale: _, event: __, sections, createdAt, version, ...settings } = definition;
    const at = '2035-12-01T10:00:00.000Z';
    const paused = { ...settings, paused: true };
    await post(`/sales/${sale}/changes`, {
      changes: [
        { version: 2, at, by: 'Zoë', action: 'pause', reason: 'fire alarm', settings: paused },
        {
          ...{ version: 3, at: '2035-12-01T10:00:01.000Z', by: 'ada', action: 'patch', reason: null },
          settings: { ...paused, capacity: 7, notice: { text: 'Wait', at } },
        },
      ],
    });
    await post(
      `/events/${event}/seats/block`,
      { seats: ['A-1-1'], reason: 'desk' },
      {
        [internalHeaders.organiser]: encodeURIComponent('Zoë'),
      },
    );
    const order = await buy('A-1-2');
    await post(`/orders/${order}/refund`, { reason: 'ill' });
    await post(`/events/${event}/seats/unblock`, { seats: ['A-1-1'], reason: 'no desk' });

    const { entries, next } = await audit();
    expect(next).toBeNull();
    expect(entries).toMatchObject([
      {
        ...{ action: 'patch', by: 'ada', version: 3, durable: true },
        from: { capacity: 100, notice: null },
        to: { capacity: 7, notice: { text: 'Wait', at } },
      },
      { action: 'pause', by: 'Zoë', at, reason: 'fire alarm', from: { paused: false }, to: { paused: true } },
      { action: 'unblock', by: organiserName, seats: ['A-1-1'], reason: 'no desk' },
      {
        ...{ action: 'refund', by: organiserName, reason: 'ill', order, seats: ['A-1-2'] },
        ...{ from: { state: 'confirmed' }, to: { state: 'refunded' } },
      },
      {
        ...{ action: 'block', by: 'Zoë', reason: 'desk', seats: ['A-1-1'] },
        ...{ from: { status: 'open' }, to: { status: 'blocked' } },
      },
      {
        action: 'makeSale',
        by: organiserName,
        version: 1,
        from: null,
        to: { capacity: 100, name: 'A sale', sections: ['A'] },
      },
      {
        ...{ action: 'makeEvent', by: organiserName, from: null },
        to: { name: 'A concert', venue: 'A hall', startsAt: '2030-05-01T19:00:00.000Z' },
      },
    ]);
    expect(Object.keys(entries[0]?.to as object).sort()).toEqual(['capacity', 'notice']);
  });

  test('comes in pages that miss and repeat nothing', async () => {
    for (const command of ['block', 'unblock', 'block', 'unblock', 'block', 'unblock', 'block']) {
      await post(`/events/${event}/seats/${command}`, { seats: ['A-1-1'], reason: 'r' });
    }
    const whole = (await audit()).entries.map(({ id }) => id);
    const paged: string[] = [];
    for (let after = ''; ; ) {
      const { entries, next } = await audit(`?limit=2${after}`);
      paged.push(...entries.map(({ id }) => id));
      if (next === null) break;
      after = `&after=${next}`;
    }
    expect(whole).toHaveLength(9);
    expect(paged).toEqual(whole);
  });

  test('is of this sale: another one’s refunds are not in it, the event’s blocks are in both', async () => {
    const order = await buy('A-1-3');
    await post(`/orders/${order}/refund`, { reason: 'ill' });
    await post(`/events/${event}/seats/block`, { seats: ['A-1-4'], reason: 'desk' });
    sale = (await booking.makeSale(event)).sale;
    expect((await audit()).entries.map(({ action }) => action)).toEqual(['makeSale', 'block', 'makeEvent']);
  });

  test.each(['audit_entry', 'sale_change'])('cannot be rewritten: %s is append-only', async (table) => {
    await post(`/events/${event}/seats/block`, { seats: ['A-1-5'], reason: 'desk' });
    for (const statement of [
      `update ${table} set by = 'nobody'`,
      `delete from ${table}`,
      `truncate ${table}`,
    ]) {
      await expect(booking.db.call((sql) => sql.unsafe(statement))).rejects.toThrow('append-only');
    }
  });
});

describe('dead letters', () => {
  const die = (order: string, kind: string) =>
    booking.db.call(
      (sql) => sql`
        update outbox_message set state = 'dead', attempts = 24, last_error = '550 No such mailbox'
        where ticket_order = ${order} and kind = ${kind}`,
    );

  test('are listed with whom they did not reach, and are due again with fresh attempts when resent', async () => {
    const order = await buy('A-1-6');
    await die(order, 'order-confirmed-mail');
    await die(order, 'admission-finished');
    const { body } = await get('/mail/dead');
    const messages = body.messages as { message: string; kind: string }[];
    expect(messages).toMatchObject(
      messages.map(({ kind }) => ({
        ...{ order, sale, attempts: 24, lastError: '550 No such mailbox' },
        recipient: kind === 'admission-finished' ? null : expect.stringContaining('@example.org'),
      })),
    );
    expect(messages.map(({ kind }) => kind).sort()).toEqual(['admission-finished', 'order-confirmed-mail']);

    const mail = messages.find(({ kind }) => kind === 'order-confirmed-mail')?.message as string;
    const resend = () => post(`/mail/${mail}/resend`, { reason: 'mailbox made' });
    const twice = await Promise.all([resend(), resend()]);
    for (const answer of twice) {
      expect(answer).toMatchObject({ status: 200, body: { message: mail, state: 'due' } });
    }
    const [stored] = await booking.db.call(
      (sql) =>
        sql`select state, attempts, due_at <= clock_timestamp() as due from outbox_message where id = ${mail}`,
    );
    expect(stored).toEqual({ state: 'due', attempts: 0, due: true });
    expect((await get('/mail/dead')).body.messages).toHaveLength(1);
    const { entries } = (await get(`/sales/${sale}/audit`)).body as unknown as { entries: AuditEntry[] };
    expect(entries.filter(({ action }) => action === 'resend')).toMatchObject([
      {
        ...{ by: organiserName, reason: 'mailbox made', order, message: mail },
        ...{ from: { state: 'dead', attempts: 24 }, to: { state: 'due', attempts: 0 } },
      },
    ]);
  });

  test('that were delivered meanwhile stay so, and unknown ones are not found', async () => {
    const order = await buy('A-1-7');
    const { id } = await booking.db.callOne<{ id: string }>(
      (sql) => sql`
        update outbox_message set state = 'sent' where ticket_order = ${order} and kind = 'order-confirmed-mail'
        returning id`,
    );
    expect(await post(`/mail/${id}/resend`, {})).toMatchObject({ status: 200, body: { state: 'sent' } });
    expect((await post('/mail/nothing/resend', {})).status).toBe(404);
  });
});

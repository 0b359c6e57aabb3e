import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import postgres from 'postgres';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { listMails } from '../mail/folder.ts';
import { createFolderTransport } from '../mail/transport.ts';
import { defaultPatience } from '../outbox/deliver.ts';
import { organiserName, startBooking, type TestBooking, type TestFan } from '../testing/booking.ts';
import { buyer, holdSeats, placeOrder } from '../testing/buy.ts';
import { expireHold, expireLease } from '../testing/expire.ts';
import { inJam } from '../testing/jam.ts';
import { mutateFunction } from '../testing/mutate.ts';
import { settlePayments } from '../testing/settle-payments.ts';
import { violations } from '../testing/violations.ts';
import { mailsConfirmedOrder, mailsRefundedOrder } from './deliverers.ts';

const REFUNDS_BY_MESSAGE = new URL('../db/migrations/0017-refunds-by-message.sql', import.meta.url);
const SEATS_PER_FAN = 2;
const CONNECTIONS = 10;

let booking: TestBooking;
let event: string;
let sale: string;
let fan: TestFan;

beforeEach(async () => {
  booking = await startBooking();
  event = (await booking.makeEvent([{ name: 'A', rows: 1, seatsPerRow: 10, amount: 5_000 }])).event;
  sale = (await booking.makeSale(event, { seatsPerFan: SEATS_PER_FAN })).sale;
  fan = await booking.admit(sale);
});

afterEach(async () => {
  vi.restoreAllMocks();
  await booking.stop();
});

const refund = (order: string, reason = 'ill') =>
  booking.internal('POST', `/internal/orders/${order}/refund`, { json: { reason } });

const buy = async (by: TestFan, ...seats: string[]): Promise<string> => {
  const placed = await placeOrder(by, await holdSeats(by, ...seats), { email: buyer.email });
  expect(placed.status).toBe(201);
  return String(placed.body.order);
};

/** What a worker does for orders that have ended, as often as something is due. */
const reconcile = (patience = defaultPatience): Promise<void> => settlePayments(booking, patience);
const found = () => violations(booking.db, SEATS_PER_FAN);

/** Everything that a refund leaves behind. */
const tracesOf = (order: string) =>
  booking.db.callOne<Record<string, unknown>>(
    (sql) => sql`
      select state, payment,
        (select count(*)::int from ticket where ticket_order = ${order} and live) as live,
        (select count(*)::int from outbox_message
          where ticket_order = ${order} and kind = 'order-refunded-mail') as mails,
        (select count(*)::int from audit_entry where ticket_order = ${order} and action = 'refund') as audited,
        (select state || ' ' || refunds from test_payment where payment = ${order}) as money
      from ticket_order where id = ${order}`,
  );
const refundedOnce = { state: 'refunded', payment: 'settled', live: 0, mails: 1, audited: 1 };

describe('a refund', () => {
  test('ends the order, opens its seats and gives the money back, once, in somebody’s name', async () => {
    const order = await buy(fan, 'A-1-1', 'A-1-2');
    const first = await refund(order);
    expect(first).toMatchObject({
      status: 200,
      body: {
        ...{ order, sale, state: 'refunded', failure: null, buyer },
        seats: [{ seat: 'A-1-1', price: { amount: 5_000, currency: 'EUR' } }, { seat: 'A-1-2' }],
        total: { amount: 10_000, currency: 'EUR' },
      },
    });
    expect(first.body).not.toHaveProperty('tickets');
    await reconcile();
    expect(await tracesOf(order)).toEqual({ ...refundedOnce, money: 'refunded 1' });
    expect((await refund(order, 'again')).body).toEqual(first.body);
    await reconcile();
    expect(await tracesOf(order)).toEqual({ ...refundedOnce, money: 'refunded 1' });
    const [entry] = await booking.db.call(
      (sql) => sql`select by, reason, event, sale, seats from audit_entry`,
    );
    expect(entry).toEqual({ by: organiserName, reason: 'ill', event, sale, seats: [0, 1] });
    expect(await found()).toEqual([]);
  });

  test('is what the fan then reads, without codes; a replayed key still has its answer', async () => {
    const hold = await holdSeats(fan, 'A-1-1');
    const placed = await placeOrder(fan, hold);
    await refund(String(placed.body.order));
    const read = await fan.request('GET', `/orders/${placed.body.order}`);
    expect(read).toMatchObject({
      status: 200,
      body: { state: 'refunded', tickets: [], seats: [{ seat: 'A-1-1' }] },
    });
    expect(await placeOrder(fan, hold)).toMatchObject({ status: 201, body: placed.body });
    expect(await found()).toEqual([]);
  });

  test('lets the seats be sold once more, to the same buyer as well', async () => {
    const order = await buy(fan, 'A-1-1', 'A-1-2');
    await refund(order);
    const again = await buy(await booking.admit(sale), 'A-1-1', 'A-1-2');
    expect(await refund(order)).toMatchObject({ status: 200, body: { state: 'refunded' } });
    const tickets = await booking.db.call(
      (sql) => sql`select seat from ticket where ticket_order = ${again} and live`,
    );
    expect(tickets).toHaveLength(2);
    await reconcile();
    expect(await found()).toEqual([]);
  });

  test('of an order that is not confirmed is refused, and changes nothing', async () => {
    const paying = await placeOrder(fan, await holdSeats(fan, 'A-1-1'), { token: 'tok_unknown' });
    expect(await refund(String(paying.body.order))).toMatchObject({
      status: 409,
      body: { code: 'in-progress' },
    });
    const other = await booking.admit(sale);
    const failed = await placeOrder(other, await holdSeats(other, 'A-1-2'), { token: 'tok_declined' });
    expect(await refund(String(failed.body.order))).toMatchObject({
      status: 409,
      body: { code: 'not-refundable' },
    });
    expect(await refund('nothing')).toMatchObject({ status: 404, body: { code: 'not-found' } });
    await expireLease(booking.db, String(paying.body.order));
    await reconcile();
    expect(await refund(String(paying.body.order))).toMatchObject({ status: 200 });
    expect(await booking.db.call((sql) => sql`select from audit_entry`)).toHaveLength(1);
  });

  test('is told by mail; tickets that were not mailed yet are not mailed any more', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'admit-one-refund-'));
    const mail = createFolderTransport(folder);
    const order = await buy(fan, 'A-1-1');
    await refund(order);
    const message = { id: 'm', kind: 'order-confirmed-mail', order, attempts: 1 } as const;
    await mailsConfirmedOrder(booking.db, mail, 'http://shop.example')(message);
    expect(await listMails(folder)).toEqual([]);
    await mailsRefundedOrder(booking.db, mail)({ ...message, kind: 'order-refunded-mail' });
    expect(await listMails(folder)).toMatchObject([
      { to: buyer.email, subject: 'Your order was refunded: A concert' },
    ]);
    await rm(folder, { recursive: true });
  });
});

describe('the money comes back', () => {
  test('when the provider cannot be told at first', async () => {
    const order = await buy(fan, 'A-1-1');
    await refund(order);
    vi.spyOn(booking.payments, 'refund').mockRejectedValueOnce(new Error('away'));
    await reconcile();
    expect(await tracesOf(order)).toMatchObject({ payment: 'refundDue', money: 'captured 0' });
    await reconcile();
    expect(await tracesOf(order)).toEqual({ ...refundedOnce, money: 'refunded 1' });
  });

  test('when the provider has refused to the end: the organiser is told, sends it again, and it is given back once', async () => {
    const order = await buy(fan, 'A-1-1');
    await refund(order);
    const refusing = vi.spyOn(booking.payments, 'refund').mockRejectedValue(new Error('account closed'));
    const attemptsMax = 3;
    for (let attempt = 1; attempt <= attemptsMax + 2; attempt += 1)
      await reconcile({ ...defaultPatience, attemptsMax });
    expect(refusing).toHaveBeenCalledTimes(attemptsMax);
    expect(await tracesOf(order)).toMatchObject({ payment: 'refundDue', money: 'captured 0' });
    expect(await found()).toEqual([
      `The refund of order ${order} was given up after 3 attempts; last error: Error: account closed`,
    ]);

    const { body } = await booking.internal('GET', '/internal/mail/dead');
    const [letter] = body.messages as { message: string }[];
    expect(letter).toMatchObject({
      ...{ kind: 'payment-refund', order, sale, recipient: null },
      ...{ attempts: 3, lastError: 'Error: account closed' },
    });
    refusing.mockRestore();
    await reconcile();
    expect(await tracesOf(order)).toMatchObject({ money: 'captured 0' });
    const json = { reason: 'the account is open again' };
    const resent = await booking.internal('POST', `/internal/mail/${letter?.message}/resend`, { json });
    expect(resent).toMatchObject({ status: 200, body: { state: 'due' } });
    await reconcile();
    expect(await tracesOf(order)).toEqual({ ...refundedOnce, money: 'refunded 1' });
    expect(await found()).toEqual([]);
  });

  test('when it was made while the message was not known of yet, by a service of before', async () => {
    const order = await buy(fan, 'A-1-1');
    const sql = postgres(booking.databaseUrl, { max: 1 });
    const migration = postgres(booking.databaseUrl, { max: 1 });
    // As of the migration before, and what it had said of refunds; the rest has been written anew since.
    const [own = '', rest = ''] = (await readFile(REFUNDS_BY_MESSAGE, 'utf8')).split(/^-- As before.*$/m);
    const text = own + rest.slice(rest.indexOf('do $$'));
    await sql`drop trigger refund_is_owed on ticket_order`;
    await sql`drop function owe_refund_when_due`;
    await sql`drop function owe_refund`;
    // What is in a transaction when the migration begins is waited for.
    let migrated: Promise<unknown> = Promise.resolve();
    await sql.begin(async (before) => {
      await before`select refund_order(${order}, 'an-audit-id', 'a-message-id', 'me', 'ill')`;
      migrated = migration.begin((own) => own.unsafe(text));
      const isWaiting = () =>
        booking.db.callOne((own) => own`select count(*)::int as sessions from pg_locks where not granted`);
      await expect.poll(isWaiting, { timeout: 5_000, interval: 10 }).toEqual({ sessions: 1 });
    });
    await migrated;
    await Promise.all([sql.end(), migration.end()]);
    await reconcile();
    expect(await tracesOf(order)).toEqual({ ...refundedOnce, money: 'refunded 1' });
  });

  test('once, when the worker dies after the provider has done it', async () => {
    const order = await buy(fan, 'A-1-1');
    await refund(order);
    const { refund: giveBack } = booking.payments;
    vi.spyOn(booking.payments, 'refund').mockImplementationOnce(async (payment) => {
      await giveBack(payment);
      throw new Error('killed');
    });
    await reconcile();
    await reconcile();
    expect(await tracesOf(order)).toEqual({ ...refundedOnce, money: 'refunded 1' });
  });

  /** The order is confirmed, and its capture waits until `go`. */
  async function captureOnItsWay() {
    let go = (): void => undefined;
    let arrived = (): void => undefined;
    const released = new Promise<void>((resolve) => {
      go = resolve;
    });
    const waiting = new Promise<void>((resolve) => {
      arrived = resolve;
    });
    let order = '';
    const { capture } = booking.payments;
    vi.spyOn(booking.payments, 'capture').mockImplementationOnce(async (payment) => {
      order = payment;
      arrived();
      await released;
      return capture(payment);
    });
    const placed = placeOrder(fan, await holdSeats(fan, 'A-1-1'));
    await waiting;
    return { order, placed, go };
  }

  test('when the capture comes after the refund was settled: it is refused', async () => {
    const { order, placed, go } = await captureOnItsWay();
    expect((await refund(order)).status).toBe(200);
    await reconcile();
    expect(await tracesOf(order)).toEqual({ ...refundedOnce, money: 'cancelled 0' });
    go();
    expect((await placed).status).toBe(201);
    expect(await tracesOf(order)).toEqual({ ...refundedOnce, money: 'cancelled 0' });
    expect(await found()).toEqual([]);
  });

  test('when the capture comes between the refund and its settling', async () => {
    const { order, placed, go } = await captureOnItsWay();
    await refund(order);
    go();
    await placed;
    expect(await tracesOf(order)).toMatchObject({ payment: 'refundDue', money: 'captured 0' });
    await reconcile();
    expect(await tracesOf(order)).toEqual({ ...refundedOnce, money: 'refunded 1' });
  });

  test('when the capture overtakes the settling', async () => {
    const { order, placed, go } = await captureOnItsWay();
    await refund(order);
    const { lookUp } = booking.payments;
    vi.spyOn(booking.payments, 'lookUp').mockImplementationOnce(async (payment) => {
      const state = await lookUp(payment);
      go();
      await placed;
      return state;
    });
    await reconcile();
    expect(await tracesOf(order)).toMatchObject({ payment: 'refundDue', money: 'captured 0' });
    await reconcile();
    expect(await tracesOf(order)).toEqual({ ...refundedOnce, money: 'refunded 1' });
  });

  test('when the capture was never made', async () => {
    vi.spyOn(booking.payments, 'capture').mockRejectedValueOnce(new Error('killed'));
    const order = await buy(fan, 'A-1-1');
    await refund(order);
    await reconcile();
    expect(await tracesOf(order)).toEqual({ ...refundedOnce, money: 'cancelled 0' });
    expect(await found()).toEqual([]);
  });
});

/** Refunds of one order that have all begun before the first of them may end. */
async function rivalRefunds(order: string) {
  return inJam({ databaseUrl: booking.databaseUrl, event, waiting: CONNECTIONS }, () =>
    Promise.all(Array.from({ length: CONNECTIONS }, (_, n) => refund(order, `reason ${n}`))),
  );
}

describe('rivals', () => {
  test('many refunds of one order are one', async () => {
    const order = await buy(fan, 'A-1-1', 'A-1-2');
    const answers = await rivalRefunds(order);
    expect(new Set(answers.map(({ status, body }) => `${status} ${JSON.stringify(body)}`)).size).toBe(1);
    expect(answers[0]).toMatchObject({ status: 200, body: { state: 'refunded' } });
    await reconcile();
    expect(await tracesOf(order)).toEqual({ ...refundedOnce, money: 'refunded 1' });
  });

  test('the proof notices refunds that do not lock their order', async () => {
    await mutateFunction(
      booking.db,
      'refund_order',
      'from ticket_order where id = p_order for update',
      'from ticket_order where id = p_order',
    );
    const order = await buy(fan, 'A-1-1', 'A-1-2');
    await rivalRefunds(order);
    expect(await tracesOf(order)).not.toMatchObject({ mails: 1 });
  });

  test('a refund against the fan’s own giving back, leaving, an expiry and the sweep: one end, seats open', async () => {
    const hold = await holdSeats(fan, 'A-1-1', 'A-1-2');
    const placed = await placeOrder(fan, hold);
    await expireHold(booking.db, hold);
    const order = String(placed.body.order);
    const [refunded, released] = await inJam({ databaseUrl: booking.databaseUrl, event, waiting: 1 }, () =>
      Promise.all([
        refund(order),
        fan.request('DELETE', `/holds/${hold}`),
        booking.internal('DELETE', `/internal/sales/${sale}/entries/${fan.id}/holds`),
        booking.db.call((sql) => sql`select sweep_holds(100)`),
        refund(order),
      ]),
    );
    expect(refunded.status).toBe(200);
    expect([204, 409]).toContain(released.status);
    const seats = await booking.db.call((sql) => sql`select from seat where event = ${event} and state = 0`);
    expect(seats).toHaveLength(10);
    await reconcile();
    expect(await tracesOf(order)).toEqual({ ...refundedOnce, money: 'refunded 1' });
    expect(await found()).toEqual([]);
  });

  test('fans who want the seat while it is refunded: at most one has it, and it is sold once', async () => {
    const order = await buy(fan, 'A-1-1');
    const rivals = await Promise.all(Array.from({ length: 30 }, () => booking.admit(sale)));
    const tries = await Promise.all([
      refund(order),
      ...rivals.map((rival) => rival.request('POST', '/holds', { json: { seats: ['A-1-1'] } })),
    ]);
    expect(tries[0]?.status).toBe(200);
    expect(tries.filter(({ status }) => status === 201).length).toBeLessThanOrEqual(1);
    expect(await found()).toEqual([]);
  });
});

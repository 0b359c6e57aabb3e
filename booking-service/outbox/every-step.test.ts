import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { MailTransport } from '../mail/transport.ts';
import {
  finishesAdmission,
  mailsConfirmedOrder,
  mailsFailedOrder,
  mailsRefundedOrder,
  paymentDeliverers,
} from '../order/deliverers.ts';
import { startBooking, type TestBooking } from '../testing/booking.ts';
import { holdSeats, placeOrder } from '../testing/buy.ts';
import { atEveryBoundary, type Mortal } from '../testing/mortal.ts';
import { deliverNext, type Outbox } from './deliver.ts';
import type { OutboxKind } from './messages.ts';

const SHOP_URL = 'http://127.0.0.1:9';

let booking: TestBooking;
let sale: string;
let seatsTaken = 0;

beforeAll(async () => {
  booking = await startBooking();
  const event = await booking.makeEvent([{ name: 'A', rows: 4, seatsPerRow: 50, amount: 5_000 }]);
  sale = (await booking.makeSale(event.event, { seatsPerFan: 4 })).sale;
});

afterAll(() => booking.stop());

const outboxOf = (db: Outbox['db'], mail: MailTransport, gatewayUrl: string): Outbox => ({
  db,
  log: booking.log,
  deliverers: {
    'order-confirmed-mail': mailsConfirmedOrder(db, mail, SHOP_URL),
    'order-failed-mail': mailsFailedOrder(db, mail, SHOP_URL),
    'order-refunded-mail': mailsRefundedOrder(db, mail),
    ...paymentDeliverers({ db: db, payments: booking.payments }),
    'admission-finished': finishesAdmission(db, { url: gatewayUrl, internalSecret: 's' }),
  },
});

/** Orders that end in each way, of which only the message of this kind is left. */
async function owing(kind: OutboxKind): Promise<{ order: string; message: string }> {
  const fan = await booking.admit(sale);
  seatsTaken += 1;
  const hold = await holdSeats(fan, `A-${Math.ceil(seatsTaken / 50)}-${((seatsTaken - 1) % 50) + 1}`);
  const { body } = await placeOrder(fan, hold);
  const order = String(body.order);
  if (kind === 'order-refunded-mail')
    await booking.internal('POST', `/internal/orders/${order}/refund`, { json: { reason: 'it rains' } });
  if (kind === 'order-failed-mail') await booking.db.call((sql) => sql`select mail_failure(${order})`);
  await booking.db.call(
    (sql) => sql`update outbox_message set state = 'sent' where ticket_order = ${order} and kind <> ${kind}`,
  );
  const { id } = await booking.db.callOne<{ id: string }>(
    (sql) => sql`select id from outbox_message where ticket_order = ${order} and kind = ${kind}`,
  );
  return { order, message: id };
}

const stateOf = (message: string) =>
  booking.db.callOne<{ state: string; attempts: number }>(
    (sql) => sql`select state, attempts from outbox_message where id = ${message}`,
  );

/** The lease of whoever died is over. */
const leaseEnds = () =>
  booking.db.call((sql) => sql`update outbox_message set due_at = clock_timestamp() where state = 'due'`);

test.each<OutboxKind>(['order-confirmed-mail', 'order-failed-mail', 'order-refunded-mail'])(
  'a worker that dies at any boundary of %s: it is sent, at least once and as one and the same mail',
  async (kind) => {
    const sent: string[] = [];
    const mail: MailTransport = { send: async ({ id }) => void sent.push(id), close: () => undefined };
    const steps = await atEveryBoundary(booking, {
      prepare: () => owing(kind),
      run: (process: Mortal) => deliverNext(outboxOf(process.db, process.mailing(mail), SHOP_URL), kind),
      afterwards: async ({ message }, where) => {
        await leaseEnds();
        while (await deliverNext(outboxOf(booking.db, mail, SHOP_URL), kind));
        expect((await stateOf(message)).state, where).toBe('sent');
        expect(new Set(sent), where).toEqual(new Set([message]));
        expect(sent.length, where).toBeLessThanOrEqual(2);
        sent.length = 0;
      },
    });
    expect([steps[0], steps.at(-2), steps.at(-1)]).toEqual(['db', 'send', 'db']);
  },
);

test('a worker that dies at any boundary of telling the gateway: it is told of the order, at least once', async () => {
  const told: string[] = [];
  const gateway = createServer(async (request, response) => {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    told.push((JSON.parse(Buffer.concat(parts).toString()) as { order: string }).order);
    response.end('{}');
  });
  await new Promise<void>((resolve) => gateway.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(gateway.address() as AddressInfo).port}`;
  const mail: MailTransport = { send: async () => undefined, close: () => undefined };
  try {
    await atEveryBoundary(booking, {
      prepare: () => owing('admission-finished'),
      run: (process) => deliverNext(outboxOf(process.db, mail, url), 'admission-finished'),
      afterwards: async ({ order, message }, where) => {
        await leaseEnds();
        while (await deliverNext(outboxOf(booking.db, mail, url), 'admission-finished'));
        expect((await stateOf(message)).state, where).toBe('sent');
        expect(new Set(told), where).toEqual(new Set([order]));
        told.length = 0;
      },
    });
  } finally {
    gateway.close();
  }
});

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { SOON_MS } from '../../infra/testing/soon.ts';
import { createFolderTransport, createSmtpTransport, type MailTransport } from '../mail/transport.ts';
import {
  finishesAdmission,
  mailsConfirmedOrder,
  mailsFailedOrder,
  mailsRefundedOrder,
  paymentDeliverers,
} from '../order/deliverers.ts';
import { startBooking, type TestBooking } from '../testing/booking.ts';
import { deliverNext, type Outbox, type Patience, retryAfterMs } from './deliver.ts';

const impatient: Patience = { firstRetryMs: 0, retryMsMax: 0, attemptsMax: 3 };
const buyer = { name: 'Eve\u2028<b>"Ada"</b> & Co', email: 'eve@example.org' };

let booking: TestBooking;
let smtp: SMTPServer | undefined;
let mail: MailTransport | undefined;
let sale: string;

beforeAll(async () => {
  booking = await startBooking();
});

beforeEach(async () => {
  await booking.db.call((sql) => sql`truncate outbox_message`);
  const event = await booking.makeEvent([{ name: 'A', rows: 1, seatsPerRow: 5, amount: 5_050 }]);
  sale = (await booking.makeSale(event.event)).sale;
});

afterEach(async () => {
  mail?.close();
  await new Promise<void>((resolve) => (smtp ? smtp.close(resolve) : resolve()));
  smtp = undefined;
});

afterAll(() => booking.stop());

type Received = { messageId: string; source: string };

/** A real mail server. `refuse` decides for each mail whether it is turned away, after it has been read. */
async function startMailServer(refuse: (received: Received[]) => boolean = () => false) {
  const received: Received[] = [];
  const options: SMTPServerOptions = {
    disabledCommands: ['AUTH', 'STARTTLS'],
    onData(stream, _session, callback) {
      const parts: Buffer[] = [];
      stream.on('data', (part: Buffer) => parts.push(part));
      stream.on('end', () => {
        const source = Buffer.concat(parts).toString();
        received.push({ messageId: /^message-id: (.+)$/im.exec(source)?.[1] ?? '', source });
        callback(refuse(received) ? Object.assign(new Error('Try later'), { responseCode: 451 }) : null);
      });
    },
  };
  smtp = new SMTPServer(options);
  const server = smtp.listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  mail = createSmtpTransport({
    smtpUrl: `smtp://127.0.0.1:${port}`,
    from: 'Admit One <tickets@shop.example>',
  });
  return { received, mail };
}

const outboxWith = (transport: MailTransport, gatewayUrl = 'http://127.0.0.1:9'): Outbox => ({
  db: booking.db,
  log: booking.log,
  patience: impatient,
  deliverers: {
    'order-confirmed-mail': mailsConfirmedOrder(booking.db, transport, 'http://127.0.0.1:9'),
    'order-failed-mail': mailsFailedOrder(booking.db, transport, 'http://127.0.0.1:9'),
    'order-refunded-mail': mailsRefundedOrder(booking.db, transport),
    ...paymentDeliverers({ db: booking.db, payments: booking.payments }),
    'admission-finished': finishesAdmission(booking.db, { url: gatewayUrl, internalSecret: 's' }),
  },
});

async function placeOrder(claims = {}) {
  const fan = await booking.admit(sale, claims);
  const hold = await fan.request('POST', '/holds', { json: { seats: ['A-1-1', 'A-1-2'] } });
  const order = await fan.request('POST', '/orders', {
    json: { hold: hold.body.hold, buyer, payment: { token: 'tok_ok' } },
    headers: { 'idempotency-key': 'one' },
  });
  expect(order.status).toBe(201);
  return { fan, order: order.body as { order: string; tickets: { seat: string; code: string }[] } };
}

const states = async (): Promise<string[]> => {
  const rows = await booking.db.call<{ state: string }>(
    (sql) => sql`select state from outbox_message where kind = 'order-confirmed-mail'`,
  );
  return rows.map((row) => row.state);
};

test('every order’s mail reaches the mail server, with every ticket, once when nothing fails', async () => {
  const { received, mail } = await startMailServer();
  const { order } = await placeOrder();
  const outbox = outboxWith(mail);
  expect(await deliverNext(outbox, 'order-confirmed-mail')).toBe(true);
  expect(await deliverNext(outbox, 'order-confirmed-mail')).toBe(false);
  expect(received).toHaveLength(1);
  const source = received[0]?.source.replace(/=\r\n/g, '') ?? '';
  for (const { code } of order.tickets) expect(source).toContain(code);
  expect(source).toContain(order.order);
  expect(source).toContain('101.00');
  expect(source.split('Content-Type: text/html')[1]).toContain('&lt;b&gt;&quot;Ada&quot;&lt;/b&gt; &amp; Co');
  expect(await states()).toEqual(['sent']);
});

test('a worker killed after the mail server accepted leads to the same mail again, with the same tickets', async () => {
  const { received, mail } = await startMailServer();
  await placeOrder();
  await deliverNext(outboxWith(mail), 'order-confirmed-mail');
  await booking.db.call((sql) => sql`update outbox_message set state = 'due', due_at = clock_timestamp()`);
  await deliverNext(outboxWith(mail), 'order-confirmed-mail');
  const [first, second] = received;
  expect(second?.messageId).toBe(first?.messageId);
  expect(first?.messageId).toMatch(/^<.+@shop\.example>$/);
  const codes = (source = '') => source.match(/seat \d+: \S+/g);
  expect(codes(second?.source)).toEqual(codes(first?.source));
});

test('a mail that is being delivered is not given to another worker, and one whose worker is gone is', async () => {
  const { mail } = await startMailServer();
  await placeOrder();
  const gone = { ...outboxWith(mail) };
  let comeBack = () => {};
  const away = new Promise<void>((resolve) => {
    comeBack = resolve;
  });
  gone.deliverers = { ...gone.deliverers, 'order-confirmed-mail': () => away };
  const delivering = deliverNext(gone, 'order-confirmed-mail');
  await vi.waitFor(async () => {
    const [row] = await booking.db.call<{ attempts: number }>(
      (sql) => sql`select attempts from outbox_message where kind = 'order-confirmed-mail'`,
    );
    expect(row?.attempts).toBe(1);
  }, SOON_MS);
  expect(await deliverNext(outboxWith(mail), 'order-confirmed-mail')).toBe(false);
  await booking.db.call((sql) => sql`update outbox_message set due_at = clock_timestamp()`);
  expect(await deliverNext(outboxWith(mail), 'order-confirmed-mail')).toBe(true);
  expect(await states()).toEqual(['sent']);
  comeBack();
  expect(await delivering).toBe(true);
  expect(await states()).toEqual(['sent']);
});

test('a message that has killed every worker that took it becomes a dead letter without being tried again', async () => {
  const { received, mail } = await startMailServer();
  await placeOrder();
  await booking.db.call((sql) => sql`update outbox_message set attempts = ${impatient.attemptsMax}`);
  expect(await deliverNext(outboxWith(mail), 'order-confirmed-mail')).toBe(true);
  expect(received).toHaveLength(0);
  expect(await states()).toEqual(['dead']);
});

test('a mail server that refuses is asked again, and the mail arrives in the end', async () => {
  const { received, mail } = await startMailServer((mails) => mails.length < 3);
  await placeOrder();
  for (let attempt = 0; attempt < 3; attempt += 1)
    await deliverNext(outboxWith(mail), 'order-confirmed-mail');
  expect(received).toHaveLength(3);
  expect(await states()).toEqual(['sent']);
});

test('a mail that is refused to the end becomes a dead letter that says why, and the order stands', async () => {
  const { received, mail } = await startMailServer(() => true);
  const { fan, order } = await placeOrder();
  for (let attempt = 0; attempt < 5; attempt += 1)
    await deliverNext(outboxWith(mail), 'order-confirmed-mail');
  expect(received).toHaveLength(impatient.attemptsMax);
  expect(await states()).toEqual(['dead']);
  const [dead] = await booking.db.call<{ error: string }>(
    (sql) => sql`select last_error as error from outbox_message where state = 'dead'`,
  );
  expect(dead?.error).toContain('Try later');
  expect((await fan.request('GET', `/orders/${order.order}`)).body.state).toBe('confirmed');
});

test('a mail server that is not there costs nothing but time', async () => {
  await placeOrder();
  const away = createSmtpTransport({ smtpUrl: 'smtp://127.0.0.1:9', from: 'a@b.example' });
  await deliverNext(outboxWith(away), 'order-confirmed-mail');
  away.close();
  expect(await states()).toEqual(['due']);
  const { mail } = await startMailServer();
  await deliverNext(outboxWith(mail), 'order-confirmed-mail');
  expect(await states()).toEqual(['sent']);
});

test('the gateway is told of a finished admission, and the fan’s other holds are given back', async () => {
  const { fan } = await placeOrder();
  await fan.request('POST', '/holds', { json: { seats: ['A-1-5'] } });
  const transport = createFolderTransport('unused');
  await deliverNext(outboxWith(transport), 'admission-finished');
  const other = await booking.admit(sale);
  expect((await other.request('POST', '/holds', { json: { seats: ['A-1-5'] } })).status).toBe(201);
});

test('the gateway is told what the token said that an order was made with, if that was kept with it', async () => {
  const told: unknown[] = [];
  const gateway = createServer(async (request, response) => {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    told.push(JSON.parse(Buffer.concat(parts).toString()));
    response.end('{}');
  });
  await new Promise<void>((resolve) => gateway.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(gateway.address() as AddressInfo).port}`;
  const outbox = outboxWith(createFolderTransport('unused'), url);
  const iat = Math.floor(Date.now() / 1000);
  const { order } = (await placeOrder({ number: 3_000_000_000, iat })).order;
  await deliverNext(outbox, 'admission-finished');
  await booking.db.call((sql) => sql`update outbox_message set state = 'due', due_at = clock_timestamp()`);
  await booking.db.call((sql) => sql`update ticket_order set queue_number = null`);
  await deliverNext(outbox, 'admission-finished');
  await booking.db.call((sql) => sql`update outbox_message set state = 'due', due_at = clock_timestamp()`);
  await booking.db.call((sql) => sql`update ticket_order set admitted_at = null`);
  await deliverNext(outbox, 'admission-finished');
  gateway.close();
  expect(told).toEqual([
    { order, token: { number: 3_000_000_000, iat } },
    { order, token: { iat } },
    { order },
  ]);
});

test('retries come later and later, up to a limit of time and of number', () => {
  const patience = { firstRetryMs: 1_000, retryMsMax: 10_000, attemptsMax: 7 };
  const waits = [1, 2, 3, 4, 5, 6, 7].map((attempts) => retryAfterMs(attempts, patience, () => 0.5));
  expect(waits).toEqual([1_000, 2_000, 4_000, 8_000, 10_000, 10_000, null]);
});

test('what failed at one moment does not come again at one moment', () => {
  const patience = { firstRetryMs: 1_000, retryMsMax: 10_000, attemptsMax: 7 };
  const waits = [0, 0.25, 0.75].map((random) => retryAfterMs(5, patience, () => random));
  expect(waits).toEqual([8_000, 9_000, 11_000]);
});

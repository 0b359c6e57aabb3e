import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { internalHeaders } from '#shared/internal.ts';
import { createDb } from './db/client.ts';
import { findMail, listMails } from './mail/folder.ts';
import { createFolderTransport } from './mail/transport.ts';
import {
  finishesAdmission,
  mailsConfirmedOrder,
  mailsFailedOrder,
  mailsRefundedOrder,
  paymentDeliverers,
} from './order/deliverers.ts';
import { createWake, listenForWork } from './outbox/wake.ts';
import { watchOutage } from './payment/outage.ts';
import { startBooking, type TestBooking } from './testing/booking.ts';
import { holdSeats, placeOrder } from './testing/buy.ts';
import { expireHold } from './testing/expire.ts';
import { startWorker } from './worker.ts';

const WORKED_MS_MAX = 3_000;
const internalSecret = 'the secret between the two';

let booking: TestBooking;
let sale: string;
let folder: string;

beforeAll(async () => {
  booking = await startBooking();
  const event = await booking.makeEvent([{ name: 'A', rows: 1, seatsPerRow: 10, amount: 5_000 }]);
  sale = (await booking.makeSale(event.event)).sale;
  folder = await mkdtemp(join(tmpdir(), 'admit-one-worker-'));
});

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
  await booking.stop();
});

/** A gateway that records what it is told. */
async function startGateway() {
  const told: { path: string; key: unknown; body: unknown }[] = [];
  const server = createServer(async (request: IncomingMessage, response) => {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    const key = request.headers[internalHeaders.key];
    told.push({ path: String(request.url), key, body: JSON.parse(Buffer.concat(parts).toString()) });
    response.end('{}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { told, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, server };
}

/** A worker that mails into the folder and tells this gateway. */
function startTestWorker(gatewayUrl: string) {
  const { db, log, redisUrl } = booking;
  const outage = watchOutage(booking.payments);
  const { payments } = outage;
  const mail = createFolderTransport(folder);
  return startWorker({
    till: { db, payments, log },
    outbox: {
      db,
      log,
      deliverers: {
        'order-confirmed-mail': mailsConfirmedOrder(db, mail, 'http://shop.example'),
        'order-failed-mail': mailsFailedOrder(db, mail, 'http://shop.example'),
        'order-refunded-mail': mailsRefundedOrder(db, mail),
        ...paymentDeliverers({ db, payments }),
        'admission-finished': finishesAdmission(db, { url: gatewayUrl, internalSecret }),
      },
    },
    outage,
    redisUrl,
    log,
  });
}

test('a worker mails, tells the gateway, settles what was abandoned, tidies, and ends when it is told to', async () => {
  const gateway = await startGateway();
  const { db } = booking;
  const worker = startTestWorker(gateway.url);

  const token = { number: 7, iat: Math.floor(Date.now() / 1000) };
  const fan = await booking.admit(sale, token);
  const hold = await fan.request('POST', '/holds', { json: { seats: ['A-1-1'] } });
  const unknown = await fan.request('POST', '/orders', {
    json: {
      hold: hold.body.hold,
      buyer: { name: 'Ada', email: 'ada@example.org' },
      payment: { token: 'tok_unknown' },
    },
    headers: { 'idempotency-key': 'k' },
  });
  expect(unknown.body.code).toBe('in-progress');
  const idle = await booking.admit(sale);
  const forgotten = await idle.request('POST', '/holds', { json: { seats: ['A-1-2'] } });
  await expireHold(db, String(forgotten.body.hold));

  const order = String(unknown.body.order);
  await vi.waitFor(
    async () => {
      expect((await fan.request('GET', `/orders/${order}`)).body.state).toBe('confirmed');
      expect(await listMails(folder)).toMatchObject([{ to: 'ada@example.org' }]);
      expect(gateway.told).toEqual([
        {
          path: `/internal/sales/${sale}/entries/${fan.id}/finish`,
          key: internalSecret,
          body: { order, token },
        },
      ]);
      const rows = await db.call<{ state: string }>(
        (sql) => sql`select state from hold where id = ${String(forgotten.body.hold)}`,
      );
      expect(rows).toEqual([{ state: 'expired' }]);
    },
    { timeout: WORKED_MS_MAX },
  );
  await worker.stop();
  gateway.server.close();
});

test('orders that nobody waited for are booked, or fail, and their buyers are told by mail either way', async () => {
  const gateway = await startGateway();
  const orders: string[] = [];
  for (const [seat, token, email] of [
    ['A-1-3', 'tok_ok', 'happy@example.org'],
    ['A-1-4', 'tok_declined', 'sorry@example.org'],
  ] as const) {
    const fan = await booking.admit(sale);
    const taken = await placeOrder(fan, await holdSeats(fan, seat), {
      token,
      email,
      headers: { prefer: 'respond-async' },
    });
    expect(taken).toMatchObject({ status: 202, body: { state: 'inProgress' } });
    orders.push(String(taken.body.order));
  }
  const worker = startTestWorker(gateway.url);
  const mailTo = async (address: string) => {
    const listed = (await listMails(folder)).filter(({ to }) => to === address);
    expect(listed).toHaveLength(1);
    return findMail(folder, listed[0]!.id);
  };
  await vi.waitFor(
    async () => {
      const [confirmed, failed] = [await mailTo('happy@example.org'), await mailTo('sorry@example.org')];
      expect(confirmed?.subject).toContain('Your tickets');
      expect(failed?.subject).toContain('did not succeed');
      expect(failed?.text).toContain('You have not been charged');
      expect(failed?.text).toContain('still held for you until');
      expect(failed?.text).toContain(`http://shop.example/sales/${sale}/seats`);
    },
    { timeout: WORKED_MS_MAX },
  );
  expect(gateway.told.map(({ body }) => body)).toMatchObject([{ order: orders[0] }]);
  await worker.stop();
  gateway.server.close();
});

test('a word from the booking service wakes the listener, also after its connection died', async () => {
  const db = createDb(booking.databaseUrl, { applicationName: 'waker', connections: 1 });
  let heard = 0;
  const stop = listenForWork(booking.databaseUrl, () => {
    heard += 1;
  });
  const wake = createWake(db);
  const wakesListener = async () => {
    const before = heard;
    await vi.waitFor(
      () => {
        wake();
        if (heard === before) throw new Error('Nothing was heard.');
      },
      { timeout: 2 * WORKED_MS_MAX, interval: 60 },
    );
  };
  await wakesListener();
  await db.call(
    (sql) => sql`
      select pg_terminate_backend(pid) from pg_stat_activity
      where datname = current_database() and query like 'listen%'`,
  );
  await wakesListener();
  await stop();
  await db.close();
});

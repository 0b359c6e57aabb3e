import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { internalHeaders } from '#shared/internal.ts';
import { createDb } from './db/client.ts';
import { listMails } from './mail/folder.ts';
import { createFolderTransport } from './mail/transport.ts';
import { finishesAdmission, mailsConfirmedOrder } from './order/deliverers.ts';
import { createWake, listenForWork } from './outbox/wake.ts';
import { startBooking, type TestBooking } from './testing/booking.ts';
import { expireHold } from './testing/expire.ts';
import { startWorker } from './worker.ts';

const SOON_MS = 3_000;
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
  const told: { path: string; key: unknown; body: string }[] = [];
  const server = createServer(async (request: IncomingMessage, response) => {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    const key = request.headers[internalHeaders.key];
    told.push({ path: String(request.url), key, body: Buffer.concat(parts).toString() });
    response.end('{}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { told, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, server };
}

test('a worker mails, tells the gateway, settles what was abandoned, tidies, and ends when it is told to', async () => {
  const gateway = await startGateway();
  const { db, payments, log } = booking;
  const worker = startWorker({
    till: { db, payments, log },
    outbox: {
      db,
      log,
      deliverers: {
        'order-confirmed-mail': mailsConfirmedOrder(db, createFolderTransport(folder)),
        'admission-finished': finishesAdmission(db, { url: gateway.url, internalSecret }),
      },
    },
    log,
  });

  const fan = await booking.admit(sale);
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
          body: JSON.stringify({ order }),
        },
      ]);
      const rows = await db.call<{ state: string }>(
        (sql) => sql`select state from hold where id = ${String(forgotten.body.hold)}`,
      );
      expect(rows).toEqual([{ state: 'expired' }]);
    },
    { timeout: SOON_MS },
  );
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
      { timeout: 2 * SOON_MS, interval: 60 },
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

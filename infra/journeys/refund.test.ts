import postgres from 'postgres';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type {
  AuditAnswer,
  DeadLettersAnswer,
  OrderListAnswer,
  OrganiserOrder,
} from '#shared/contract/organiser.ts';
import { listMails } from '../../booking-service/mail/folder.ts';
import { until } from '../local/processes.mjs';
import { type Shop, startShop } from '../testing/shop.ts';
import { SOON_MS } from '../testing/soon.ts';
import { createFan, type Fan } from './fan.ts';
import { ask, bearer } from './http.ts';
import { openSale } from './organise.ts';

const JOURNEY_MS_MAX = 40_000;

let shop: Shop;
beforeAll(async () => {
  shop = await startShop();
});
afterAll(() => shop?.stop());

const organise = <Body>(method: 'GET' | 'POST', path: string, json?: unknown) =>
  ask<Body>(method, `${shop.gatewayUrls[0]}/api/organiser${path}`, {
    headers: bearer(shop.organiserKey),
    json,
  });

const admitted = async (sale: string, key: string): Promise<Fan> => {
  const fan = createFan(shop.gatewayUrls, sale, key, Date.now() + JOURNEY_MS_MAX);
  await fan.join();
  expect(await fan.queueUp()).toBe('admitted');
  return fan;
};

const buy = async (fan: Fan, name: string, seat: string): Promise<string> => {
  const held = await fan.shop<{ hold: string }>('POST', '/holds', { seats: [seat] });
  expect(held.status).toBe(201);
  const buyer = { name, email: 'ada@example.org' };
  const order = { hold: held.body.hold, buyer, payment: { token: 'tok_ok' } };
  const paid = await fan.shop<{ order: string }>('POST', '/orders', order, 'pay');
  expect(paid.status).toBe(201);
  return paid.body.order;
};

const subjects = async (): Promise<string[]> =>
  (await listMails(`${shop.dataDir}/mail`)).map(({ subject }) => subject);

const untilTrue = async (what: () => Promise<boolean>) => expect(await until(what, SOON_MS)).toBe(true);

/** What is owed to the provider, and what it has done. */
const moneyOf = async (order: string): Promise<string | undefined> => {
  const sql = postgres(shop.databaseUrl, { max: 1 });
  try {
    const [row] = await sql<{ money: string }[]>`
      select o.payment || ' ' || p.state as money from ticket_order o join test_payment p on p.payment = o.id
      where o.id = ${order}`;
    return row?.money;
  } finally {
    await sql.end();
  }
};

const stateOf = async (sale: string): Promise<string> =>
  (await ask<{ state: string }>('GET', `${shop.gatewayUrls[0]}/api/sales/${sale}`)).body.state;

test('an order is sold out, listed, refunded, told by mail, and its seat sold once more; the audit tells it all', async () => {
  const sale = await openSale(shop, [{ name: 'A', rows: 1, seatsPerRow: 2 }], {
    capacity: 5,
    admitPerMinute: 600,
  });
  const { body: found } = await organise<{ event: string }>('GET', `/sales/${sale}`);
  const { event } = found;
  const block = (command: string, reason: string) =>
    organise<{ changed: string[] }>('POST', `/seats/${command}`, { event, seats: ['A-1-2'], reason });
  expect((await block('block', 'sound desk')).body.changed).toEqual(['A-1-2']);

  const ada = await admitted(sale, 'ada');
  const taken = await ada.shop('POST', '/holds', { seats: ['A-1-2'] });
  expect(taken).toMatchObject({ status: 409, body: { code: 'seats-taken', conflicts: ['A-1-2'] } });
  const order = await buy(ada, '=Ada', 'A-1-1');
  await untilTrue(async () => (await stateOf(sale)) === 'soldOut');

  const csv = await organise<string>('GET', `/sales/${sale}/orders.csv`);
  expect(csv.headers['content-type']).toBe('text/csv; charset=utf-8; header=present');
  expect(csv.headers['content-disposition']).toBe(`attachment; filename="orders-${sale}.csv"`);
  const [head, row, end] = csv.body.split('\r\n');
  expect(head).toBe('order,state,failure,createdAt,buyerName,buyerEmail,quantity,seats,total,currency');
  expect(row).toMatch(new RegExp(`^${order},confirmed,,[^,]+Z,'=Ada,ada@example.org,1,A-1-1,65.00,EUR$`));
  expect(end).toBe('');

  const refund = () => organise<OrganiserOrder>('POST', `/orders/${order}/refund`, { reason: 'ill' });
  const refunded = await refund();
  expect(refunded).toMatchObject({ status: 200, body: { order, state: 'refunded' } });
  expect((await refund()).body).toEqual(refunded.body);
  expect((await ada.shop('GET', `/orders/${order}`)).body).toMatchObject({ state: 'refunded', tickets: [] });
  const page = await ask<string>('GET', `${shop.gatewayUrls[0]}/sales/${sale}/orders/${order}`, {
    headers: { cookie: ada.admissionCookie() },
  });
  expect(page.body).toContain('This order was refunded');
  expect(page.body).toContain('You get €65.00 back');
  await untilTrue(async () =>
    (await subjects()).includes('Your order was refunded: Nora & the Night Trains'),
  );
  await untilTrue(async () => (await moneyOf(order)) === 'settled refunded');

  // The queue stays over until the organiser says otherwise.
  expect(await stateOf(sale)).toBe('soldOut');
  expect((await organise('POST', `/sales/${sale}/open`, { reason: 'one is back' })).status).toBe(200);
  const ben = await admitted(sale, 'ben');
  const again = await buy(ben, 'Ben', 'A-1-1');
  expect((await block('unblock', 'no desk')).body.changed).toEqual(['A-1-2']);

  const list = await organise<OrderListAnswer>('GET', `/sales/${sale}/orders?limit=1`);
  expect(list.body.orders).toMatchObject([{ order: again, state: 'confirmed', buyer: { name: 'Ben' } }]);
  const rest = await organise<OrderListAnswer>('GET', `/sales/${sale}/orders?after=${list.body.next}`);
  expect(rest.body).toMatchObject({ orders: [{ order, state: 'refunded' }], next: null });
  expect((await organise<DeadLettersAnswer>('GET', '/mail/dead')).body).toEqual({ messages: [], next: null });

  const audit = await organise<AuditAnswer>('GET', `/sales/${sale}/audit`);
  expect(audit.body).toMatchObject({ next: null, complete: true });
  expect(
    audit.body.entries.map(({ action, by, reason, durable }) => `${action} ${by} ${reason} ${durable}`),
  ).toEqual([
    'unblock organiser no desk true',
    'open organiser one is back true',
    'refund organiser ill true',
    'block organiser sound desk true',
    'makeSale organiser null true',
    'makeEvent organiser null true',
  ]);
});

test('orders are refunded while the worker is dead, and the money and the mail follow when it is back', async () => {
  const sale = await openSale(shop, [{ name: 'A', rows: 1, seatsPerRow: 4 }], {
    capacity: 5,
    admitPerMinute: 600,
  });
  const fan = await admitted(sale, 'cleo');
  const order = await buy(fan, 'Cleo', 'A-1-1');
  await shop.kill('worker');
  const before = (await subjects()).filter((subject) => subject.startsWith('Your order was refunded')).length;
  expect((await organise('POST', `/orders/${order}/refund`, { reason: 'ill' })).status).toBe(200);
  await shop.restart('worker');
  await untilTrue(
    async () =>
      (await subjects()).filter((subject) => subject.startsWith('Your order was refunded')).length ===
      before + 1,
  );
  await untilTrue(async () => (await moneyOf(order)) === 'settled refunded');
});

test('a pause issued while the booking service is away is in the audit at once, and durable when it is back', async () => {
  const sale = await openSale(shop, [{ name: 'A', rows: 1, seatsPerRow: 4 }], {
    capacity: 5,
    admitPerMinute: 600,
  });
  const audit = async () => (await organise<AuditAnswer>('GET', `/sales/${sale}/audit`)).body;
  await shop.kill('booking');
  const paused = await organise('POST', `/sales/${sale}/pause`, { reason: 'fire alarm' });
  expect(paused).toMatchObject({ status: 200, body: { state: 'paused', durable: false } });
  const pause = {
    ...{ action: 'pause', by: 'organiser', reason: 'fire alarm', version: 2 },
    ...{ from: { paused: false }, to: { paused: true } },
  };
  expect(await audit()).toMatchObject({ entries: [{ ...pause, durable: false }], complete: false });
  await shop.restart('booking');
  await untilTrue(async () => (await audit()).entries[0]?.durable === true);
  expect(await audit()).toMatchObject({
    entries: [{ ...pause, durable: true }, { action: 'makeSale' }, { action: 'makeEvent' }],
    complete: true,
  });
});

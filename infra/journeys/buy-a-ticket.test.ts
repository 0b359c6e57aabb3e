import { afterAll, beforeAll, expect, test } from 'vitest';
import { until } from '../local/processes.mjs';
import { type Shop, startShop } from '../testing/shop.ts';
import { createFan } from './fan.ts';
import { ask } from './http.ts';
import { openSale } from './organise.ts';

const MAIL_TIMEOUT_MS = 10_000;
const JOURNEY_MS_MAX = 20_000;

let shop: Shop;
beforeAll(async () => {
  shop = await startShop();
});
afterAll(() => shop?.stop());

test('a fan joins, sees a position, is admitted, holds a seat, pays, and reads the mail with the ticket', async () => {
  const [gateway] = shop.gatewayUrls;
  const sale = await openSale(shop, [{ name: 'A', rows: 2, seatsPerRow: 5 }], {
    capacity: 5,
    admitPerMinute: 600,
  });
  const fan = createFan(shop.gatewayUrls, sale, 'ada', Date.now() + JOURNEY_MS_MAX);

  expect(await fan.join()).toMatchObject({ state: 'waiting', position: 1, queueNumber: 1, ahead: 0 });
  expect(await fan.queueUp()).toBe('admitted');

  const open = await fan.shop<{ seats: { id: string; price: object }[] }>(
    'GET',
    '/seats?status=open&section=A&limit=3',
  );
  expect(open.status).toBe(200);
  expect(open.body.seats.map(({ id }) => id)).toEqual(['A-1-1', 'A-1-2', 'A-1-3']);

  const held = await fan.shop<{ hold: string; total: object }>('POST', '/holds', {
    seats: ['A-1-2', 'A-1-3'],
  });
  expect(held.status).toBe(201);
  expect(held.body).toMatchObject({
    seats: [{ seat: 'A-1-2' }, { seat: 'A-1-3' }],
    total: { amount: 13_000, currency: 'EUR' },
  });
  expect(Object.keys(held.headers).filter((name) => name.startsWith('x-internal'))).toEqual([]);

  const order = {
    hold: held.body.hold,
    buyer: { name: 'Ada', email: 'ada@example.org' },
    payment: { token: 'tok_ok' },
  };
  const paid = await fan.shop<{ order: string; tickets: { seat: string; code: string }[] }>(
    'POST',
    '/orders',
    order,
    'pay-1',
  );
  expect(paid.status).toBe(201);
  expect(paid.body.tickets.map(({ seat }) => seat)).toEqual(['A-1-2', 'A-1-3']);

  expect((await fan.poll()).state).toBe('finished');
  const replay = await fan.shop('POST', '/orders', order, 'pay-1');
  expect(replay).toMatchObject({ status: 201, body: paid.body });
  expect(await fan.shop('GET', `/orders/${paid.body.order}`)).toMatchObject({
    status: 200,
    body: { state: 'confirmed', order: paid.body.order },
  });
  expect(await fan.shop('POST', '/holds', { seats: ['A-1-4'] })).toMatchObject({
    status: 409,
    body: { code: 'already-finished' },
  });

  const mailed = await until(async () => {
    const list = await ask<string>('GET', `${gateway}/dev/mail`, { headers: { accept: 'text/html' } });
    return /href="(\/dev\/mail\/[^"]+)"/.exec(list.body)?.[1] ?? false;
  }, MAIL_TIMEOUT_MS);
  const mail = await ask<string>('GET', `${gateway}${mailed}`);
  for (const { seat, code } of paid.body.tickets) {
    const [section, row, number] = seat.split('-');
    expect(mail.body).toContain(`Section ${section}, row ${row}, seat ${number}: ${code}`);
  }
  expect(mail.body).toContain('ada@example.org');
});

test('another fan can neither see nor guess an order', async () => {
  const sale = await openSale(shop, [{ name: 'A', rows: 1, seatsPerRow: 4 }], {
    capacity: 5,
    admitPerMinute: 600,
  });
  const [ada, eve] = ['ada', 'eve'].map((key) =>
    createFan(shop.gatewayUrls, sale, key, Date.now() + JOURNEY_MS_MAX),
  );
  for (const fan of [ada!, eve!]) {
    await fan.join();
    await fan.queueUp();
  }
  const held = await ada!.shop<{ hold: string }>('POST', '/holds', { seats: ['A-1-1'] });
  const order = {
    hold: held.body.hold,
    buyer: { name: 'Ada', email: 'a@example.org' },
    payment: { token: 'tok_ok' },
  };
  expect((await eve!.shop('POST', '/orders', order, 'k')).status).not.toBe(201);
  expect((await eve!.shop('DELETE', `/holds/${held.body.hold}`)).status).toBe(404);
  const paid = await ada!.shop<{ order: string }>('POST', '/orders', order, 'k');
  expect(paid.status).toBe(201);
  const others = await eve!.shop('GET', `/orders/${paid.body.order}`);
  const unknown = await eve!.shop('GET', '/orders/AAAAAAAAAAAAAAAAAAAAAA');
  expect(others).toMatchObject({ status: 404, body: { code: 'not-found' } });
  expect(others.body).toEqual(unknown.body);
});

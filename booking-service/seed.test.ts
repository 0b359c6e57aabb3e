import { expect, test } from 'vitest';
import { createApp } from './app.ts';
import { seedDemo } from './seed.ts';
import { startBooking } from './testing/booking.ts';

test('seeding, again and at once, makes one open sale of 2,000 seats in four sections', async () => {
  const booking = await startBooking();
  await Promise.all([1, 2, 3].map(() => seedDemo(booking.db, Date.now())));
  const first = await booking.internal('GET', '/internal/sales/demo');
  await seedDemo(booking.db, Date.now());
  expect((await booking.internal('GET', '/internal/sales/demo')).body).toEqual(first.body);
  await booking.inventory.refresh();
  const { sales } = (await booking.internal('GET', '/internal/stock')).body as { sales: unknown[] };
  expect(sales).toMatchObject([{ sale: 'demo', open: 2_000 }]);
  expect(first.body.sections).toHaveLength(4);
  expect(Date.parse(String(first.body.opensAt))).toBeLessThanOrEqual(Date.now());
  await booking.stop();
});

test('a service that has not loaded its inventory is alive and not ready', async () => {
  const booking = await startBooking();
  const { app } = createApp({
    ...booking.dependencies,
    inventory: { ...booking.inventory, ageMs: () => Number.POSITIVE_INFINITY },
  });
  expect((await app.request('/livez')).status).toBe(200);
  const ready = await app.request('/readyz');
  expect([ready.status, ready.headers.get('retry-after')]).toEqual([503, '2']);
  await booking.stop();
});

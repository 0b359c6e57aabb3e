import { afterAll, beforeAll, expect, test } from 'vitest';
import type { AuditAnswer } from '#shared/contract/organiser.ts';
import { type GatewayFixture, gatewayFixture, problem } from '../testing/gateway-fixture.ts';

let g: GatewayFixture;
beforeAll(async () => {
  g = await gatewayFixture();
});
afterAll(() => g.close());

test('while the booking service is away, the audit tells what is in effect and not durable yet', async () => {
  const sale = await g.sale();
  await g.organise('POST', `/sales/${sale}/pause`, { reason: 'fire alarm' });
  await g.organise('PATCH', `/sales/${sale}`, { capacity: 7, version: 2 });
  const answer = await g.organise('GET', `/sales/${sale}/audit`);
  expect(answer.status).toBe(200);
  expect(answer.headers.get('cache-control')).toBe('no-store');
  const { entries, next, complete } = (await answer.json()) as AuditAnswer;
  expect({ next, complete }).toEqual({ next: null, complete: false });
  expect(entries).toMatchObject([
    { action: 'patch', by: 'organiser', version: 3, to: { capacity: 7 }, reason: null, durable: false },
    {
      ...{ action: 'pause', by: 'organiser', version: 2, reason: 'fire alarm', durable: false },
      ...{ from: { paused: false }, to: { paused: true } },
    },
  ]);
  expect(Object.keys(entries[0]?.from ?? {})).toEqual(['capacity']);
});

test('what needs the booking service says that it is away', async () => {
  const sale = await g.sale();
  const reason = 'r';
  for (const request of [
    () => g.organise('GET', '/sales/nosuchsale/audit'),
    () => g.organise('GET', `/sales/${sale}/audit?after=1.x`),
    () => g.organise('GET', `/sales/${sale}/orders`),
    () => g.organise('GET', `/sales/${sale}/orders.csv`),
    () => g.organise('GET', '/mail/dead'),
    () => g.organise('POST', '/orders/o/refund', { reason }),
    () => g.organise('POST', '/seats/block', { event: 'e', seats: ['A-1-1'], reason }),
  ]) {
    expect(await problem(request())).toMatchObject({ code: 'unavailable', status: 503 });
  }
});

test('all of it needs an organiser’s key', async () => {
  for (const [method, path] of [
    ['GET', '/sales/s/orders'],
    ['GET', '/sales/s/orders.csv'],
    ['GET', '/sales/s/audit'],
    ['GET', '/mail/dead'],
    ['POST', '/seats/block'],
    ['POST', '/seats/unblock'],
    ['POST', '/orders/o/refund'],
    ['POST', '/mail/m/resend'],
  ]) {
    const refused = g.app.request(`/api/organiser${path}`, { method: method as string });
    expect(await problem(refused)).toMatchObject({ code: 'organiser-required', status: 401 });
  }
});

test('nonsense is refused before anybody is asked', async () => {
  for (const [method, path, body] of [
    ['GET', '/sales/s/orders?limit=501', undefined],
    ['GET', '/sales/s/orders?state=open', undefined],
    ['GET', '/mail/dead?after=x', undefined],
    ['POST', '/orders/o/refund', {}],
    ['POST', '/seats/block', { event: 'e/../x', seats: ['A-1-1'], reason: 'r' }],
    ['POST', '/seats/unblock', { event: 'e', seats: ['A-0-1'], reason: 'r' }],
  ] as const) {
    expect(await problem(g.organise(method, path, body))).toMatchObject({ code: 'invalid-field' });
  }
  expect(await problem(g.organise('POST', '/orders/..%2fx/refund', { reason: 'r' }))).toMatchObject({
    status: 404,
  });
});

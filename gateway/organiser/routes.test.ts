import { afterAll, beforeAll, expect, test } from 'vitest';
import type { SaleDefinition } from '#shared/contract/sale.ts';
import { StatsAnswer } from '#shared/contract/stats.ts';
import { giveTurns } from '../admission/turn-giver.ts';
import { putSale } from '../sale/live-sale.ts';
import { type GatewayFixture, gatewayFixture, json, organiser, problem } from '../testing/gateway-fixture.ts';
import { definitionAt } from '../testing/queue-fixture.ts';

let g: GatewayFixture;
beforeAll(async () => {
  g = await gatewayFixture();
});
afterAll(() => g.close());

test('organisers need their key; a fan’s ticket is forbidden', async () => {
  const sale = await g.sale();
  const { queueTicket } = (await (await g.post(`/api/sales/${sale}/queue`)).json()) as {
    queueTicket: string;
  };
  const list = (authorization?: string) =>
    g.app.request('/api/organiser/sales', authorization ? { headers: { authorization } } : {});
  expect(await problem(list())).toMatchObject({ code: 'organiser-required' });
  expect(await problem(list('Bearer wrong'))).toMatchObject({ code: 'organiser-required' });
  expect(await problem(list(`Bearer ${queueTicket}`))).toMatchObject({ code: 'forbidden', status: 403 });
  expect((await list(organiser.authorization)).status).toBe(200);
});

test('a fan’s token is forbidden whatever it is worth by now, wherever it is tried', async () => {
  const sale = await g.sale({ capacity: 1 });
  const joined = await g.post(`/api/sales/${sale}/queue`);
  const { queueTicket } = (await joined.json()) as { queueTicket: string };
  await giveTurns(g.store, sale);
  const claimed = await g.post(
    `/api/sales/${sale}/queue/me/claim`,
    {},
    { ...json, authorization: `Bearer ${queueTicket}` },
  );
  const { admissionToken } = (await claimed.json()) as { admissionToken: string };
  const tries: [method: string, path: string][] = [
    ['GET', '/sales'],
    ['GET', `/sales/${sale}/stats`],
    ['GET', `/sales/${sale}/stats/stream`],
    ['POST', `/sales/${sale}/pause`],
    ['PATCH', `/sales/${sale}`],
    ['POST', '/events'],
    ['GET', '/sales/nosuchsale1/stats'],
    ['GET', '/nothing/here'],
    ['PUT', `/sales/${sale}`],
  ];
  const tokens = [queueTicket, admissionToken];
  for (const when of ['valid', 'expired']) {
    for (const token of tokens) {
      for (const [method, path] of tries) {
        const headers = { ...json, authorization: `Bearer ${token}` };
        const body = method === 'GET' ? null : 'not json';
        const answer = await g.app.request(`/api/organiser${path}`, { method, headers, body });
        expect([when, method, path, await problem(answer)]).toMatchObject([
          when,
          method,
          path,
          { status: 403 },
        ]);
      }
    }
    g.pass(100_000);
  }
});

test('live figures once: the contract’s document, and 404 for a sale that is not there', async () => {
  const sale = await g.sale({ capacity: 7, notice: { text: 'Hello', at: g.inSeconds(0) } });
  await g.post(`/api/sales/${sale}/queue`);
  const response = await g.organise('GET', `/sales/${sale}/stats`);
  expect(response.headers.get('cache-control')).toBe('no-store');
  const stats = StatsAnswer.strict().parse(await response.json());
  expect(stats).toMatchObject({ sale, state: 'open', version: 1, joined: 1, waiting: 1, capacity: 7 });
  expect(stats).toMatchObject({ durable: true, unsavedChanges: 0, notice: { text: 'Hello' }, seats: null });
  for (const path of ['/sales/nosuchsale1/stats', '/sales/nosuchsale1/stats/stream']) {
    expect(await problem(g.organise('GET', path))).toMatchObject({ code: 'not-found' });
  }
});

test('an adapting rate is on unless the organiser says otherwise, and has bounds', async () => {
  const sale = await g.sale({ admitPerMinute: 600 });
  const patch = (adaptiveRate: unknown, version: number) =>
    g.organise('PATCH', `/sales/${sale}`, { adaptiveRate, version });
  const read = async () => (await g.organise('GET', `/sales/${sale}`)).json();
  expect(await read()).toMatchObject({ adaptiveRate: { enabled: true, minPerMinute: null } });
  for (const [wrong, field] of [
    [{ enabled: true, minPerMinute: 0 }, 'adaptiveRate.minPerMinute'],
    [{ enabled: 'no' }, 'adaptiveRate.enabled'],
    [false, 'adaptiveRate'],
  ] as const)
    expect(await problem(patch(wrong, 1))).toMatchObject({ code: 'invalid-field', errors: [{ field }] });
  const off = { enabled: false, minPerMinute: 50 };
  expect((await patch(off, 1)).status).toBe(200);
  expect(await read()).toMatchObject({ version: 2, adaptiveRate: off });
  const stats = await (await g.organise('GET', `/sales/${sale}/stats`)).json();
  expect(stats).toMatchObject({ rateReason: 'off', effectivePerMinute: 600, overbooking: 0 });
  // A sale that was put there before there was this setting adapts.
  const { adaptiveRate: _, ...old } = definitionAt(g.now());
  await putSale(g.store, old as SaleDefinition);
  await g.queue.watch.renew(old.sale);
  expect(await (await g.organise('GET', `/sales/${old.sale}`)).json()).toMatchObject({
    adaptiveRate: { enabled: true, minPerMinute: null },
  });
});

test('a notice reaches who waits with its time, and is taken back with null', async () => {
  const sale = await g.sale();
  const joined = await g.post(`/api/sales/${sale}/queue`);
  const { queueTicket, notice } = (await joined.json()) as { queueTicket: string; notice: unknown };
  expect(notice).toBeNull();
  const poll = async () =>
    (
      await g.app.request(`/api/sales/${sale}/queue/me`, {
        headers: { authorization: `Bearer ${queueTicket}` },
      })
    ).json();
  await g.organise('PATCH', `/sales/${sale}`, { version: 1, notice: ' Doors open <late> ' });
  expect(await poll()).toMatchObject({ notice: { text: 'Doors open <late>', at: g.inSeconds(0) } });
  g.pass(5);
  // Another setting leaves the notice, and its time, alone.
  await g.organise('PATCH', `/sales/${sale}`, { version: 2, capacity: 9 });
  expect(await poll()).toMatchObject({ notice: { text: 'Doors open <late>', at: g.inSeconds(-5) } });
  await g.organise('PATCH', `/sales/${sale}`, { version: 3, notice: null });
  expect(await poll()).toMatchObject({ notice: null });
});

test('a command takes effect at once, also while nothing can make it durable, and a stale patch is a conflict', async () => {
  const sale = await g.sale();
  const command = (name: string) =>
    g.post(`/api/organiser/sales/${sale}/${name}`, { reason: 'test' }, organiser);
  const paused = (await (await command('pause')).json()) as object;
  expect(paused).toMatchObject({ state: 'paused', version: 2, durable: false });
  expect(await (await command('pause')).json()).toMatchObject({ version: 2 });
  const patch = (body: object) =>
    g.app.request(`/api/organiser/sales/${sale}`, {
      method: 'PATCH',
      body: JSON.stringify(body),
      headers: organiser,
    });
  expect(await problem(patch({ capacity: 5, version: 1 }))).toMatchObject({
    code: 'version-conflict',
    version: 2,
  });
  expect(await (await patch({ capacity: 5, notice: 'Hello', version: 2 })).json()).toMatchObject({
    capacity: 5,
    notice: { text: 'Hello' },
    version: 3,
  });
  expect(await (await command('resume')).json()).toMatchObject({ state: 'open', version: 4 });
  expect(await (await command('close')).json()).toMatchObject({ state: 'closed', version: 5 });
  expect(await problem(command('open'))).toMatchObject({ code: 'sale-ended', status: 410 });
  expect(await problem(g.post(`/api/sales/${sale}/queue`))).toMatchObject({ code: 'sale-ended' });
  const unsaved = await g.redis.llen(`admit-one:{${sale}}:unsaved`);
  expect(unsaved).toBe(4);
});

test.each([
  [{ capacity: -1 }, 'capacity'],
  [{ capacity: 0.5 }, 'capacity'],
  [{ capacity: '5' }, 'capacity'],
  [{ capacity: 1e9 }, 'capacity'],
  [{ admitPerMinute: 0 }, 'admitPerMinute'],
  [{ closesAt: '2020-01-01T00:00:00Z' }, 'closesAt'],
  [{ opensAt: 'tomorrow' }, 'opensAt'],
  [{ unknown: 1 }, 'body'],
])('the setting %j is refused by its name', async (change, field) => {
  const sale = await g.sale();
  const response = await g.app.request(`/api/organiser/sales/${sale}`, {
    method: 'PATCH',
    body: JSON.stringify({ ...change, version: 1 }),
    headers: organiser,
  });
  expect(await problem(response)).toMatchObject({ code: 'invalid-field', errors: [{ field }] });
});

test('what has begun cannot be moved: opening, lobby, close', async () => {
  const running = await g.sale();
  await g.post(`/api/sales/${running}/queue`);
  const move = (sale: string, change: object) =>
    g.organise('PATCH', `/sales/${sale}`, { ...change, version: 1 });
  for (const change of [
    { opensAt: g.inSeconds(60) },
    { opensAt: g.inSeconds(60), lobbyOpensAt: g.inSeconds(30) },
  ]) {
    expect(await problem(move(running, change))).toMatchObject({
      status: 422,
      errors: [{ field: 'opensAt' }],
    });
  }
  const inLobby = await g.sale({ lobbyOpensAt: g.inSeconds(-60), opensAt: g.inSeconds(60) });
  expect(await problem(move(inLobby, { lobbyOpensAt: null }))).toMatchObject({
    errors: [{ field: 'lobbyOpensAt' }],
  });
  expect((await move(inLobby, { opensAt: g.inSeconds(120) })).status).toBe(200);
  const over = await g.sale({ closesAt: g.inSeconds(-1) });
  expect(await problem(move(over, { closesAt: null }))).toMatchObject({ code: 'sale-ended' });
});

test('a time that another offset moves out of the calendar is refused, and harms nothing', async () => {
  const sale = await g.sale({ opensAt: g.inSeconds(3_600) });
  for (const opensAt of ['9999-12-31T23:59:59-01:00', '0000-01-01T00:00:00+01:00']) {
    expect(await problem(g.organise('PATCH', `/sales/${sale}`, { opensAt, version: 1 }))).toMatchObject({
      status: 422,
    });
  }
  expect((await g.organise('GET', `/sales/${sale}`)).status).toBe(200);
});

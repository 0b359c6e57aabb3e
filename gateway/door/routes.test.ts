import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { HOLDS_END_UNKNOWN, internalHeaders } from '#shared/internal.ts';
import { giveTurns } from '../admission/turn-giver.ts';
import {
  type GatewayFixture,
  gatewayBefore,
  gatewayFixture,
  internalSecret,
  json,
  organiser,
  problem,
} from '../testing/gateway-fixture.ts';

const ADMISSION_SECONDS = 600;

let g: GatewayFixture;
beforeAll(async () => {
  g = await gatewayFixture();
});
afterAll(() => g.close());

test('the door lets nobody through without an admission, whatever headers they bring', async () => {
  const sale = await g.sale();
  const { queueTicket } = (await (await g.post(`/api/sales/${sale}/queue`)).json()) as {
    queueTicket: string;
  };
  const paths = [
    ['GET', '/seats'],
    ['POST', '/holds'],
    ['DELETE', '/holds/h'],
    ['POST', '/orders'],
    ['GET', '/orders/o'],
  ] as const;
  for (const [method, path] of paths) {
    const ask = (headers: Record<string, string>) =>
      g.app.request(`/api/sales/${sale}${path}`, { method, headers });
    const dressed = {
      'x-internal-key': internalSecret,
      'x-internal-admission': 'live',
      'x-admitted-user': 'me',
    };
    expect(await problem(ask(dressed))).toMatchObject({ code: 'gate-required' });
    for (const other of ['HEAD', 'OPTIONS']) {
      if (method === 'GET' || other === 'OPTIONS') {
        expect((await g.app.request(`/api/sales/${sale}${path}`, { method: other })).status).toBe(401);
      }
    }
    expect(await problem(ask({ authorization: `Bearer ${queueTicket}` }))).toMatchObject({
      code: 'token-invalid',
    });
  }
});

test('an admitted fan gets a clear 503 while the booking service is away', async () => {
  const sale = await g.sale();
  const { queueTicket } = (await (await g.post(`/api/sales/${sale}/queue`)).json()) as {
    queueTicket: string;
  };
  await giveTurns(g.store, sale);
  const claimed = await g.post(
    `/api/sales/${sale}/queue/me/claim`,
    {},
    { authorization: `Bearer ${queueTicket}` },
  );
  const { admissionToken } = (await claimed.json()) as { admissionToken: string };
  const response = await g.app.request(`/api/sales/${sale}/seats`, {
    headers: { authorization: `Bearer ${admissionToken}` },
  });
  expect(response.headers.get('retry-after')).toBe('2');
  expect(await problem(response)).toMatchObject({ code: 'unavailable' });
  // The door needs no shop to refuse.
  const elsewhere = g.app.request(`/api/sales/${await g.sale()}/seats`, {
    headers: { authorization: `Bearer ${admissionToken}` },
  });
  expect(await problem(elsewhere)).toMatchObject({ code: 'token-invalid' });
});

describe('a payment that may be going on keeps the admission alive, and its room', () => {
  const untold: [string, number, Record<string, string>][] = [
    ['a proxy says that nobody answered', 503, {}],
    ['it is in progress and nobody knows until when', 409, { [internalHeaders.holdEnds]: HOLDS_END_UNKNOWN }],
    [
      'it was left to the worker and nobody knows until when',
      202,
      { [internalHeaders.holdEnds]: HOLDS_END_UNKNOWN },
    ],
  ];
  test.each(untold)('%s', async (_, status, told) => {
    let holdEnds = 0;
    const behind = await gatewayBefore(({ url = '' }, response) => {
      if (url.endsWith('/orders')) response.writeHead(status, told).end('{}');
      else response.writeHead(201, { [internalHeaders.holdEnds]: String(holdEnds) }).end('{}');
    });
    const sale = await behind.sale({ capacity: 1 });
    const join = async () => {
      const joined = await behind.post(`/api/sales/${sale}/queue`);
      return ((await joined.json()) as { queueTicket: string }).queueTicket;
    };
    const queueTicket = await join();
    await giveTurns(behind.store, sale);
    const claim = `/api/sales/${sale}/queue/me/claim`;
    const claimed = await behind.post(claim, {}, { authorization: `Bearer ${queueTicket}` });
    const { admissionToken } = (await claimed.json()) as { admissionToken: string };
    const bearer = (key: Record<string, string> = {}) => ({
      ...json,
      ...key,
      authorization: `Bearer ${admissionToken}`,
    });
    const next = { authorization: `Bearer ${await join()}` };
    const pay = () => behind.post(`/api/sales/${sale}/orders`, {}, bearer({ 'idempotency-key': 'one' }));
    behind.pass(ADMISSION_SECONDS - 1);
    holdEnds = behind.now() + 1_000;
    const hold = () => behind.post(`/api/sales/${sale}/holds`, {}, bearer());
    expect((await hold()).status).toBe(201);
    expect((await pay()).status).toBe(status);
    behind.pass(10);
    await giveTurns(behind.store, sale);
    expect((await hold()).status).toBe(201);
    const me = await behind.app.request(`/api/sales/${sale}/queue/me`, { headers: next });
    expect(await me.json()).toMatchObject({ state: 'waiting' });
  });
});

test('whoever has bought is told so by the very next look, though the shop was open a moment ago', async () => {
  const behind = await gatewayBefore(({ url = '' }, response) => {
    const isOrder = url.endsWith('/orders');
    const done = isOrder ? { [internalHeaders.order]: 'AAAAAAAAAAAAAAAAAAAAAA' } : {};
    response.writeHead(isOrder ? 201 : 200, { 'content-type': 'application/json', ...done }).end('{}');
  });
  const sale = await behind.sale();
  const joined = await behind.post(`/api/sales/${sale}/queue`);
  const { queueTicket } = (await joined.json()) as { queueTicket: string };
  await giveTurns(behind.store, sale);
  const claim = `/api/sales/${sale}/queue/me/claim`;
  const claimed = await behind.post(claim, {}, { authorization: `Bearer ${queueTicket}` });
  const { admissionToken } = (await claimed.json()) as { admissionToken: string };
  const headers = { ...json, authorization: `Bearer ${admissionToken}`, 'idempotency-key': 'one' };
  const look = () => behind.app.request(`/api/sales/${sale}/holds`, { headers });
  expect((await look()).status).toBe(200);
  expect((await behind.post(`/api/sales/${sale}/orders`, {}, headers)).status).toBe(201);
  expect(await problem(look())).toMatchObject({ code: 'already-finished' });
});

test('one admission may have so many requests under way, and what it is refused beyond says nothing of the shop', async () => {
  const answers: (() => void)[] = [];
  const behind = await gatewayBefore(({ url = '' }, response) => {
    if (!url.endsWith('/holds')) response.writeHead(503).end();
    else answers.push(() => response.writeHead(409, { 'content-type': 'application/json' }).end('{}'));
  });
  const sale = await behind.sale({ capacity: 2 });
  const tokens: string[] = [];
  for (let fan = 0; fan < 2; fan += 1) {
    const joined = await behind.post(`/api/sales/${sale}/queue`);
    const { queueTicket } = (await joined.json()) as { queueTicket: string };
    await giveTurns(behind.store, sale);
    const claim = `/api/sales/${sale}/queue/me/claim`;
    const claimed = await behind.post(claim, {}, { authorization: `Bearer ${queueTicket}` });
    tokens.push(((await claimed.json()) as { admissionToken: string }).admissionToken);
  }
  const hold = (token = '') =>
    behind.post(`/api/sales/${sale}/holds`, {}, { ...json, authorization: `Bearer ${token}` });
  const flood = Array.from({ length: 100 }, () => hold(tokens[0]));
  const other = hold(tokens[1]);
  const statuses: number[] = [];
  const told = Promise.all([...flood, other].map(async (each) => statuses.push((await each).status)));
  await expect.poll(() => answers.length).toBe(61);
  for (const answer of answers) answer();
  await told;
  expect((await other).status).toBe(409);
  expect(statuses.filter((status) => status === 429)).toHaveLength(40);
  const stats = await behind.app.request(`/api/organiser/sales/${sale}/stats`, { headers: organiser });
  expect(await stats.json()).toMatchObject({ door: { requests: 61, errors: 0 } });
});

test('right after a loss a fan whose admission nobody has brought back may look, and writes in a moment', async () => {
  const asked: string[] = [];
  const behind = await gatewayBefore(({ method = '', url = '' }, response) => {
    if (url.startsWith('/api/')) asked.push(`${method} ${url.split('/').at(-1)}`);
    response.writeHead(method === 'GET' ? 200 : 201, { 'content-type': 'application/json' }).end('{}');
  });
  const sale = await behind.sale();
  const { queueTicket } = (await (await behind.post(`/api/sales/${sale}/queue`)).json()) as {
    queueTicket: string;
  };
  await giveTurns(behind.store, sale);
  const claim = `/api/sales/${sale}/queue/me/claim`;
  const claimed = await behind.post(claim, {}, { authorization: `Bearer ${queueTicket}` });
  const { admissionToken } = (await claimed.json()) as { admissionToken: string };
  const headers = { ...json, authorization: `Bearer ${admissionToken}` };
  const read = () => behind.app.request(`/api/sales/${sale}/seats`, { headers });
  const write = () => behind.post(`/api/sales/${sale}/holds`, {}, headers);
  const entry = String(queueTicket.split('.')[2]);
  const queue = `admit-one:{${sale}}`;
  await behind.redis.hset(`${queue}:queue`, { lostAt: behind.now(), recoveredAt: behind.now() + 60_000 });
  await behind.redis.hdel(`${queue}:entries`, entry);
  await behind.redis.zrem(`${queue}:admitted`, entry);

  const refused = await write();
  expect(refused.headers.get('retry-after')).toBe('2');
  expect(await problem(refused)).toMatchObject({ code: 'unavailable' });
  expect((await read()).status).toBe(200);
  expect(asked).toEqual(['GET seats']);
  behind.pass(2);
  expect((await write()).status).toBe(201);
});

test('another site cannot act with a fan’s cookies', async () => {
  const sale = await g.sale();
  for (const headers of [
    { 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'same-site' },
    { origin: 'null' },
    { origin: 'https://evil.example' },
  ]) {
    const response = g.post(`/api/sales/${sale}/queue`, {}, {
      ...json,
      cookie: 'queue-x=y',
      ...headers,
    } as never);
    expect(await problem(response)).toMatchObject({ code: 'forbidden' });
  }
  const own = { ...json, origin: 'http://127.0.0.1:3000', 'sec-fetch-site': 'same-origin' };
  expect((await g.post(`/api/sales/${sale}/queue`, {}, own)).status).toBe(201);
});

test('a form key that HTTP cannot carry is a fault of the form, not of ours', async () => {
  const sale = await g.sale();
  const joined = await g.post(`/api/sales/${sale}/queue`);
  const { queueTicket } = (await joined.json()) as { queueTicket: string };
  await giveTurns(g.store, sale);
  const claimed = await g.post(
    `/api/sales/${sale}/queue/me/claim`,
    {},
    { authorization: `Bearer ${queueTicket}` },
  );
  const cookie = claimed.headers.get('set-cookie')!.split(';')[0]!;
  const pay = (key: string) =>
    g.app.request(`/sales/${sale}/orders`, {
      method: 'POST',
      body: new URLSearchParams({ hold: 'h', name: 'Ada', email: 'a@example.org', token: 'tok_ok', key }),
      headers: { cookie, accept: 'text/html', 'content-type': 'application/x-www-form-urlencoded' },
    });
  expect((await pay('a\r\nx: y')).status).toBe(422);
  expect((await pay('😀')).status).toBe(422);
});

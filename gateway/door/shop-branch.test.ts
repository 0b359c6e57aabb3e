import { once } from 'node:events';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { internalHeaders } from '#shared/internal.ts';
import { JSON_BODY_BYTES_MAX } from '#shared/json-body.ts';
import {
  asInit,
  type CountedServer,
  type RawRequest,
  rawRequest,
  serveCounted,
} from '../../infra/testing/raw-request.ts';
import { giveTurns } from '../admission/turn-giver.ts';
import { type GatewayFixture, gatewayFixture, json } from '../testing/gateway-fixture.ts';
import { silentLog } from '../testing/queue-fixture.ts';
import { answerShoppers } from './shop-branch.ts';

const HOLD = 'h0123456789';

let shop: ReturnType<typeof createServer>;
let g: GatewayFixture;
let server: CountedServer;
let asked: string[] = [];
let shopIsAway = false;
let sale: string;
let token: string;

/** The shop's part: it tells what it was asked. */
beforeAll(async () => {
  shop = createServer(async (asking, response) => {
    const { method = '', url = '', headers } = asking;
    if (!url.startsWith('/api/') || shopIsAway) return void response.writeHead(500).end();
    let body = '';
    for await (const part of asking) body += part;
    const { host: _, connection: __, 'content-length': ___, ...passed } = headers;
    asked.push(JSON.stringify({ method, url, passed, body }));
    if (method === 'DELETE') return void response.writeHead(204).end();
    if (headers['if-none-match'] === '"t"') return void response.writeHead(304, { etag: '"t"' }).end();
    const told = { 'content-type': 'application/json', etag: '"t"', 'x-own': 'stays inside' };
    const ends = { [internalHeaders.holdEnds]: String(Date.now() + 60_000) };
    if (method === 'POST')
      return void response
        .writeHead(body.includes('taken') ? 409 : 201, { ...told, ...ends, location: '/somewhere' })
        .end(`{"of":${JSON.stringify(body)}}`);
    response.writeHead(200, told).end('{"seats":[]}');
  });
  await once(shop.listen(0, '127.0.0.1'), 'listening');
  g = await gatewayFixture(`http://127.0.0.1:${(shop.address() as AddressInfo).port}`);
  server = await serveCounted(g.app, [
    answerShoppers({ ...g, failed: g.access.failedAhead, log: silentLog }),
  ]);
});
afterAll(async () => {
  await server.close();
  await g.close();
  shop.closeAllConnections();
  shop.close();
});

async function admitted(): Promise<[sale: string, token: string]> {
  const id = await g.sale();
  const { queueTicket } = (await (await g.post(`/api/sales/${id}/queue`)).json()) as { queueTicket: string };
  await giveTurns(g.store, id);
  const ticket = { authorization: `Bearer ${queueTicket}` };
  const claimed = await g.post(`/api/sales/${id}/queue/me/claim`, {}, ticket);
  const { admissionToken } = (await claimed.json()) as { admissionToken: string };
  await g.verify(admissionToken);
  return [id, admissionToken];
}
beforeEach(async () => {
  shopIsAway = false;
  [sale, token] = await admitted();
});

type Asked = RawRequest & { headers?: Record<string, string> };
const told = ['content-type', 'etag', 'location', 'cache-control', 'retry-after', 'x-own'];

async function overSocket(path: string, of: Asked) {
  const { status, headers, body } = await rawRequest(server.port, path, of);
  const given = Object.fromEntries(told.map((name) => [name, headers[name]?.toString() ?? null]));
  return { status, headers: given, body: body.toString() };
}

/** What is answered and asked over the socket; the route alone answers and asks the same. */
async function bothWays(path: string, of: Asked = {}) {
  const before = server.answeredAhead();
  asked = [];
  const ahead = await overSocket(path, of);
  const [wasAhead, askedAhead] = [server.answeredAhead() > before, asked];
  asked = [];
  const routed = await g.app.request(path, asInit(of));
  expect(ahead).toEqual({
    status: routed.status,
    headers: Object.fromEntries(told.map((name) => [name, routed.headers.get(name)])),
    body: await routed.text(),
  });
  // How much time is left is another moment's, and an id another request's; and whoever has been answered once asks together with others.
  const timeless = (all: string[]) =>
    all.map((each) =>
      each.replace(/"x-internal-left":"\d+"|"(?:accept-encoding|x-request-id)":"[^"]*",/g, ''),
    );
  expect(timeless(askedAhead)).toEqual(timeless(asked));
  return { ...ahead, wasAhead, asked: askedAhead.length };
}
const bearer = () => ({ authorization: `Bearer ${token}` });
const cookie = () => ({
  'user-agent': 'A browser',
  cookie: `a=b; ${g.cookies.writeAdmission(sale, token, 'A browser').split(';', 1)}`,
});
const post = (body: string, headers: Record<string, string>): Asked => ({
  method: 'POST',
  headers: { ...json, 'content-length': String(Buffer.byteLength(body)), ...headers },
  body,
});

test('what an admitted fan asks of the shop is answered ahead of the router what the route answers', async () => {
  const plain: [string, Asked, number][] = [
    ['/seats', { headers: bearer() }, 200],
    ['/seats', { headers: cookie() }, 200],
    ['/seats?since=4&x=%22', { headers: bearer() }, 200],
    ['/seats', { headers: { ...bearer(), 'if-none-match': '"t"' } }, 304],
    ['/holds', post('{"seats":["A-1-1"]}', { ...bearer(), 'idempotency-key': 'k' }), 201],
    ['/holds', post('{"seats":["é"]}', { ...cookie(), 'sec-fetch-site': 'same-origin' }), 201],
    ['/holds', post('{"seats":["taken"]}', { ...bearer(), 'x-internal-admission': 'finished' }), 409],
    ['/holds', { headers: bearer() }, 200],
    [`/holds/${HOLD}`, { method: 'DELETE', headers: bearer() }, 204],
    ['/orders', { headers: { ...bearer(), accept: 'application/json', 'x-admitted-user': 'me' } }, 200],
    [`/orders/${HOLD}`, { headers: bearer() }, 200],
    ['/orders', post('{}', { ...bearer(), 'idempotency-key': 'k', prefer: 'respond-async' }), 201],
  ];
  for (const [path, of, status] of plain) {
    const answer = await bothWays(`/api/sales/${sale}${path}`, of);
    expect(answer, path).toMatchObject({ status, wasAhead: true, asked: 1 });
  }
});

test('a problem of the shop or of the door is the same document both ways', async () => {
  shopIsAway = true;
  const away = await bothWays(`/api/sales/${sale}/holds`, post('{}', bearer()));
  expect(away).toMatchObject({ status: 503, wasAhead: true });
  expect(away.headers['retry-after']).toBe('2');
  // An id that is none, and an admission that is over.
  expect(await bothWays(`/api/sales/${sale}/orders/a$b`, { headers: bearer() })).toMatchObject({
    ...{ status: 404, wasAhead: true, asked: 0 },
  });
  g.pass(601);
  expect(await bothWays(`/api/sales/${sale}/holds`, post('{}', bearer()))).toMatchObject({
    ...{ status: 401, wasAhead: true, asked: 0 },
  });
});

test('whatever is not plainly an admitted fan’s is left to the route', async () => {
  const [otherSale, otherToken] = await admitted();
  const path = `/api/sales/${sale}`;
  const odd: [string, Asked, number][] = [
    [`${path}/seats`, {}, 401],
    [`${path}/seats`, { headers: { authorization: 'Basic x' } }, 401],
    [`${path}/seats`, { headers: { authorization: `Bearer ${otherToken}` } }, 401],
    [`${path}/seats`, { headers: { authorization: `Bearer ${token}x` } }, 401],
    [`/api/sales/${otherSale}/seats`, { headers: cookie() }, 401],
    [`${path}/holds`, post('{}', { ...cookie(), 'sec-fetch-site': 'cross-site' }), 403],
    [`${path}/holds`, post('{}', { ...cookie(), origin: 'null' }), 403],
    [`${path}/holds`, { method: 'DELETE', headers: { ...cookie(), origin: 'https://evil.example' } }, 403],
    [`${path}/holds/${HOLD}`, { headers: bearer() }, 405],
    [`${path}/seats/`, { headers: bearer() }, 404],
    [`${path}//seats`, { headers: bearer() }, 404],
    [`${path}/holds/${HOLD}/more`, { method: 'DELETE', headers: bearer() }, 404],
    [`${path}/%73eats`, { headers: bearer() }, 200],
    [`${path}/seats`, { method: 'HEAD', headers: bearer() }, 200],
    [`${path}/seats`, { method: 'OPTIONS', headers: bearer() }, 401],
    [`${path}/holds`, post('x'.repeat(JSON_BODY_BYTES_MAX + 1), bearer()), 413],
  ];
  for (const [target, of, status] of odd)
    expect(await bothWays(target, of), target).toMatchObject({ status, wasAhead: false });
});

test('a body in pieces is left to the route, and one that is broken off asks nothing', async () => {
  const path = `/api/sales/${sale}/holds`;
  const chunked = { ...bearer(), ...json, 'transfer-encoding': 'chunked' };
  const before = server.answeredAhead();
  expect(await overSocket(path, { method: 'POST', headers: chunked, body: '{}' })).toMatchObject({
    status: 201,
  });
  expect(server.answeredAhead()).toBe(before);

  asked = [];
  const half = request({
    ...{ host: '127.0.0.1', port: server.port, method: 'POST', path },
    headers: { ...bearer(), ...json, 'content-length': '10' },
  });
  half.on('error', () => undefined).write('{"a"');
  await expect.poll(server.answeredAhead).toBe(before + 1);
  half.destroy();
  expect(await overSocket(path, post('{"after":1}', bearer()))).toMatchObject({ status: 201 });
  expect(asked).toHaveLength(1);
});

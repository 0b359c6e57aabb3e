import { request } from 'node:http';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { SaleDefinition } from '#shared/contract/sale.ts';
import { JSON_BODY_BYTES_MAX } from '#shared/json-body.ts';
import { exposition } from '#shared/metrics/registry.ts';
import {
  asInit,
  type CountedServer,
  type RawHeaders,
  type RawRequest,
  rawRequest,
  serveCounted,
} from '../../infra/testing/raw-request.ts';
import { type GatewayFixture, gatewayFixture, json } from '../testing/gateway-fixture.ts';
import { silentLog } from '../testing/queue-fixture.ts';
import { answerJoins } from './join-branch.ts';

let g: GatewayFixture;
let server: CountedServer;
beforeAll(async () => {
  g = await gatewayFixture(undefined, { TRUSTED_PROXIES: '127.0.0.1', RATE_LIMITS: 'joins=1/2' });
  server = await serveCounted(g.app, [answerJoins({ ...g, log: silentLog })]);
});
afterAll(async () => {
  await server.close();
  await g.close();
});

const post = (body: string, headers: RawHeaders = {}): RawRequest => ({
  method: 'POST',
  headers: { ...json, 'content-length': String(Buffer.byteLength(body)), ...headers },
  body,
});
const told = ['content-type', 'cache-control', 'retry-after', 'set-cookie', 'location'];

/** Without what is drawn by lot, or of the one sale, entry or request alone. */
const plain = (text: string, sale: string) =>
  text
    .replaceAll(sale, 'the-sale')
    .replace(/"pollAfterMs":[\d.]+/, '"pollAfterMs":0')
    .replace(/q2\.the-sale\.[\w-]+\.(\d+)\.(\d+)\.[\w-]{22}/g, 'q2.the-sale.ENTRY.$1.$2.MAC');

type Case = {
  path?: (sale: string) => string;
  of: (sale: string) => RawRequest;
  sale?: Partial<SaleDefinition>;
};

/** The same requests of two sales that are alike, one over the socket and one by the route alone: the same is answered. */
async function bothWays({ path = (sale) => `/api/sales/${sale}/queue`, of, sale: settings = {} }: Case) {
  const [one, other] = [await g.sale(settings), await g.sale(settings)];
  const before = server.answeredAhead();
  const ahead = await rawRequest(server.port, path(one), of(one));
  const wasAhead = server.answeredAhead() > before;
  const routed = await g.app.request(path(other), asInit(of(other)));
  const given = Object.fromEntries(told.map((name) => [name, ahead.headers[name]?.toString() ?? null]));
  const body = plain(ahead.body.toString(), one);
  expect({ status: ahead.status, headers: JSON.parse(plain(JSON.stringify(given), one)), body }).toEqual({
    status: routed.status,
    headers: JSON.parse(
      plain(JSON.stringify(Object.fromEntries(told.map((name) => [name, routed.headers.get(name)]))), other),
    ),
    body: plain(await routed.text(), other),
  });
  return { ...ahead, wasAhead, body: JSON.parse(ahead.body.toString() || '{}') as Record<string, unknown> };
}

test('a join is answered ahead of the router what the route answers: number, position, ticket, cookie', async () => {
  for (const of of [
    () => post('{}'),
    () => ({ method: 'POST', headers: { 'content-length': '0' } }),
    () => post('{}', { 'idempotency-key': 'a-key-of-this-fan' }),
    () => post('{"accessCode":"WITHOUT-EFFECT"}', { cookie: 'queue-other=x; a=b' }),
    (sale: string) => post(' {} ', { cookie: `queue-${sale}=q2.stale`, 'sec-fetch-site': 'same-origin' }),
  ]) {
    const answer = await bothWays({
      of,
      sale: { notice: { text: 'Doors – 7 pm', at: '2026-01-01T00:00:00.000Z' } },
    });
    expect(answer).toMatchObject({ status: 201, wasAhead: true });
    expect(answer.headers['content-length']).toBe(String(Buffer.byteLength(JSON.stringify(answer.body))));
    expect(answer.headers['x-content-type-options']).toBe('nosniff');
    expect(answer.headers['x-request-id']).toMatch(/./);
    expect(answer.body).toMatchObject({ state: 'waiting', queueNumber: 1, position: 1, ahead: 0 });
    expect(answer.headers['set-cookie']?.[0]).toContain(`=${answer.body.queueTicket};`);
  }
  const inLobby = { lobbyOpensAt: g.inSeconds(-60), opensAt: g.inSeconds(60) };
  expect(await bothWays({ of: () => post('{}'), sale: inLobby })).toMatchObject({
    ...{ status: 201, wasAhead: true },
    body: { state: 'lobby', queueNumber: null },
  });
});

test('who joins again has one place, by cookie and by key, whichever way they come', async () => {
  const sale = await g.sale();
  const path = `/api/sales/${sale}/queue`;
  const first = await rawRequest(server.port, path, post('{}', { 'idempotency-key': 'mine' }));
  expect(first.status).toBe(201);
  const cookie = first.headers['set-cookie']![0]!.split(';')[0]!;
  for (const headers of [{ cookie }, { 'idempotency-key': 'mine' }] satisfies RawHeaders[]) {
    const again = await rawRequest(server.port, path, post('{}', headers));
    expect(again.status).toBe(200);
    expect(JSON.parse(again.body.toString())).toMatchObject({ queueNumber: 1, position: 1 });
    expect((await g.app.request(path, asInit(post('{}', headers)))).status).toBe(200);
  }
  const next = await rawRequest(server.port, path, post('{}'));
  expect(JSON.parse(next.body.toString())).toMatchObject({ queueNumber: 2, position: 2, ahead: 1 });
});

test('what a join is refused for is the same document both ways', async () => {
  const refused: [Case, number, string][] = [
    [{ of: () => post('{') }, 400, 'malformed-request'],
    [{ of: () => post('{"accessCode":7}') }, 422, 'invalid-field'],
    [{ of: () => post('{"more":1}') }, 422, 'invalid-field'],
    [{ of: () => post('{}', { 'content-type': 'text/plain' }) }, 415, 'unsupported-media-type'],
    [{ of: () => post('{}'), path: () => '/api/sales/no-such-sale/queue' }, 404, 'not-found'],
    [{ of: () => post('{}'), sale: { opensAt: g.inSeconds(60), lobbyOpensAt: null } }, 409, 'not-open'],
    [{ of: () => post('{}'), sale: { accessCodeUses: 1 } }, 403, 'forbidden'],
  ];
  for (const [each, status, code] of refused)
    expect(await bothWays(each), code).toMatchObject({ status, wasAhead: true, body: { code, status } });

  const sale = await g.sale();
  const crowd = post('{}', { 'x-forwarded-for': '198.51.100.7' });
  const answers = [];
  for (let i = 0; i < 3; i += 1)
    answers.push((await rawRequest(server.port, `/api/sales/${sale}/queue`, crowd)).status);
  expect(answers).toEqual([201, 201, 429]);
});

test('whatever is no plain join of a browser is the route’s', async () => {
  const at = (tail: string) => (sale: string) => `/api/sales/${sale}${tail}`;
  const odd: [Case, number][] = [
    [{ of: () => post('{}', { 'idempotency-key': 'two words' }) }, 422],
    [{ of: () => post('{}', { authorization: 'Bearer x' }) }, 401],
    [{ of: () => post('{}', { 'sec-fetch-site': 'cross-site' }) }, 403],
    [{ of: () => post('{}', { origin: 'null' }) }, 403],
    [{ of: () => post('x'.repeat(JSON_BODY_BYTES_MAX + 1)) }, 413],
    [{ of: () => post('{}'), path: at('/queue/') }, 404],
    [{ of: () => post('{}'), path: at('/%71ueue') }, 201],
    [{ of: () => post('{}'), path: at('/queue?x=1') }, 201],
    [{ of: () => post('{}'), path: (sale) => `/api/sales/${sale}/x/queue` }, 404],
    [{ of: () => ({}), path: at('/queue') }, 405],
  ];
  for (const [each, status] of odd)
    expect(await bothWays(each), `${status}`).toMatchObject({ status, wasAhead: false });
});

test('a body in pieces is the route’s, and one that is broken off takes no place', async () => {
  const sale = await g.sale();
  const path = `/api/sales/${sale}/queue`;
  const chunked = { ...json, 'transfer-encoding': 'chunked' };
  const before = server.answeredAhead();
  const pieces = await rawRequest(server.port, path, { method: 'POST', headers: chunked, body: '{}' });
  expect([pieces.status, server.answeredAhead()]).toEqual([201, before]);

  const half = request({
    ...{ host: '127.0.0.1', port: server.port, method: 'POST', path },
    headers: { ...json, 'content-length': '10' },
  });
  half.on('error', () => undefined).write('{"a"');
  await expect.poll(server.answeredAhead).toBe(before + 1);
  half.destroy();
  const next = await rawRequest(server.port, path, post('{}'));
  expect(JSON.parse(next.body.toString())).toMatchObject({ queueNumber: 2 });
});

test('both ways are counted under one route', async () => {
  const counts = async () =>
    /admit_one_http_requests_total\{route="\/api\/sales\/:sale\/queue",method="POST",status="2xx"\} (\d+)/.exec(
      await exposition(),
    )?.[1];
  const sale = await g.sale();
  const path = `/api/sales/${sale}/queue`;
  const from = Number(await counts());
  await rawRequest(server.port, path, post('{}'));
  await rawRequest(server.port, `${path}?x=1`, post('{}'));
  await expect.poll(async () => Number(await counts())).toBe(from + 2);
});

import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { internalHeaders } from '#shared/internal.ts';
import {
  asInit,
  type CountedServer,
  type RawHeaders,
  rawRequest,
  serveCounted,
} from '../../infra/testing/raw-request.ts';
import { internalSecret, startBooking, type TestBooking } from '../testing/booking.ts';
import { admissionClaims } from '../testing/signer.ts';

let booking: TestBooking;
let server: CountedServer;
let sale: string;
beforeAll(async () => {
  booking = await startBooking();
  server = await serveCounted(booking.app, booking.ahead);
  const { event } = await booking.makeEvent([{ name: 'A', rows: 40, seatsPerRow: 200, amount: 6_500 }]);
  ({ sale } = await booking.makeSale(event));
  await booking.inventory.refresh();
});
afterAll(async () => {
  await server.close();
  await booking.stop();
});

/** What is answered over the socket, and that the route alone answers the same. */
async function bothWays(path: string, headers: RawHeaders, method = 'GET') {
  const before = server.answeredAhead();
  const ahead = await rawRequest(server.port, path, { method, headers });
  const routed = await booking.app.request(path, asInit({ method, headers }));
  const names = ['content-type', 'content-encoding', 'cache-control', 'etag', 'vary'];
  expect({
    status: ahead.status,
    headers: names.map((name) => ahead.headers[name] ?? null),
    body: ahead.body.toString('latin1'),
  }).toEqual({
    status: routed.status,
    headers: names.map((name) => routed.headers.get(name)),
    body: Buffer.from(await routed.arrayBuffer()).toString('latin1'),
  });
  return { ...ahead, wasAhead: server.answeredAhead() > before };
}

const admitted = async (claims: Record<string, unknown> = {}, admission = 'live') => ({
  [internalHeaders.key]: internalSecret,
  [internalHeaders.admission]: admission,
  authorization: `Bearer ${await booking.signer.sign(admissionClaims(sale, claims))}`,
});

test('a fan whose token is known is answered ahead of the router what the route answers, in each form', async () => {
  const path = `/api/sales/${sale}/seats`;
  const fan = await admitted();
  expect((await bothWays(path, fan)).wasAhead).toBe(false);
  const plain = await bothWays(path, fan);
  expect(plain).toMatchObject({ wasAhead: true, status: 200 });
  expect(JSON.parse(plain.body.toString())).toMatchObject({ sections: [{ name: 'A' }] });
  const zipped = await bothWays(path, { ...fan, 'accept-encoding': 'br, gzip;q=0.5' });
  expect(zipped).toMatchObject({ wasAhead: true, status: 200, headers: { 'content-encoding': 'gzip' } });
  expect(gunzipSync(zipped.body).equals(plain.body)).toBe(true);
  for (const [{ headers }, more] of [
    [plain, {}],
    [zipped, { 'accept-encoding': 'gzip' }],
  ] as const) {
    const known = { ...fan, ...more, 'if-none-match': `"other", ${headers.etag}` };
    expect(await bothWays(path, known)).toMatchObject({ wasAhead: true, status: 304 });
  }
});

test('what another fan takes is in the next map, with another entity tag', async () => {
  const path = `/api/sales/${sale}/seats`;
  const fan = await admitted();
  await bothWays(path, fan);
  const before = await bothWays(path, fan);
  const other = await booking.admit(sale);
  expect((await other.request('POST', '/holds', { json: { seats: ['A-1-1'] } })).status).toBe(201);
  await booking.inventory.refresh();
  const after = await bothWays(path, { ...fan, 'if-none-match': String(before.headers.etag) });
  expect(after).toMatchObject({ wasAhead: true, status: 200 });
  expect(after.headers.etag).not.toBe(before.headers.etag);
});

test('whatever is not a plain request of an admitted fan is left to the router', async () => {
  const path = `/api/sales/${sale}/seats`;
  const fan = await admitted();
  const seconds = Math.floor(Date.now() / 1000);
  const left: [number, string, Record<string, string>, string?][] = [
    [401, path, { ...fan, [internalHeaders.key]: 'x'.repeat(internalSecret.length) }],
    [401, path, { authorization: fan.authorization, [internalHeaders.admission]: 'live' }],
    [401, path, { ...fan, [internalHeaders.admission]: 'else' }],
    [409, path, { ...fan, [internalHeaders.admission]: 'finished' }],
    [401, path, { ...fan, authorization: 'Basic abc' }],
    [401, path, { ...fan, authorization: `${fan.authorization}x` }],
    [401, path, await admitted({ exp: seconds - 1_000, ends: seconds - 2_000, iat: seconds - 3_000 })],
    [401, '/api/sales/AAAAAAAAAAA/seats', fan],
    [200, `${path}?status=open&limit=2`, fan],
    [422, `${path}?limit=0`, fan],
    [200, `${path}?`, fan],
    [404, `${path}/`, fan],
    [405, path, fan, 'PUT'],
  ];
  await bothWays(path, fan);
  for (const [status, target, headers, method] of left) {
    // What a token says is known from the second time on.
    for (let time = 1; time <= 2; time += 1)
      expect(await bothWays(target, headers, method), target).toMatchObject({ wasAhead: false, status });
  }
});

test('a token that is given twice, or beside another, is refused at the socket as by the route', async () => {
  const path = `/api/sales/${sale}/seats`;
  const [fan, other] = [await admitted(), await admitted()];
  for (const one of [fan, other, fan]) expect((await bothWays(path, one)).status).toBe(200);
  for (const authorization of [
    [fan.authorization, fan.authorization],
    [fan.authorization, other.authorization],
    [fan.authorization, 'Basic abc'],
    [fan.authorization, ''],
    ['', fan.authorization],
  ]) {
    const answer = await bothWays(path, { ...fan, authorization });
    expect(answer, `${authorization}`).toMatchObject({ wasAhead: false, status: 401 });
  }
});

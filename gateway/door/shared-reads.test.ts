import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { internalHeaders } from '#shared/internal.ts';
import { SOON_MS } from '../../infra/testing/soon.ts';
import { type BookingAnswer, connectBooking } from '../booking/client.ts';
import { shareReads } from './shared-reads.ts';

const SEATS = '/api/sales/AAAAAAAAAAA/seats';

type Answering = (request: IncomingMessage, response: ServerResponse) => void;
const open: Answering = (_, response) => response.writeHead(200).end('open');

/** A shop of the test's own, which has answered these fans once, and how a fan asks it for seats. */
async function shopKnownTo(
  fans: string[],
  sharing: Parameters<typeof shareReads>[1] = { patienceMs: SOON_MS },
) {
  const shop = { answers: open, asked: [] as IncomingMessage[] };
  const server = createServer((request, response) => {
    shop.asked.push(request);
    shop.answers(request, response);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const booking = connectBooking(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, 'a key');
  onTestFinished(async () => {
    server.closeAllConnections();
    server.close();
    await booking.close();
  });
  const share = shareReads(booking, sharing);
  const ask = (fan: string, headers: Record<string, string> = {}, path = SEATS): Promise<BookingAnswer> =>
    share(
      {
        ...{ lane: 'shop', method: 'GET', path },
        headers: { authorization: fan, [internalHeaders.admission]: 'live', ...headers },
      },
      fan,
    );
  await Promise.all(fans.map((fan) => ask(fan)));
  shop.asked.splice(0);
  return { shop, ask };
}

/** Keeps its answers until the test lets them go, one by one. */
function kept() {
  const waiting: ServerResponse[] = [];
  const answers: Answering = (_, response) => waiting.push(response);
  const isAsked = (times: number) => expect.poll(() => waiting.length).toBe(times);
  const letGo = (status: number, body: string, headers = {}) =>
    waiting.shift()?.writeHead(status, headers).end(body);
  return { answers, isAsked, letGo };
}

const textOf = ({ status, body }: BookingAnswer) => [status, body.toString()];
const crowd = (count: number) => Array.from({ length: count }, (_, i) => `fan ${i}`);

test('a crowd that asks at one moment is one request, and each of it has the answer', async () => {
  const fans = crowd(500);
  const { shop, ask } = await shopKnownTo(fans);
  const { answers, isAsked, letGo } = kept();
  shop.answers = answers;
  const told = fans.map((fan) => ask(fan));
  await isAsked(1);
  letGo(200, 'the seats');
  for (const answer of await Promise.all(told)) expect(textOf(answer)).toEqual([200, 'the seats']);
  expect(shop.asked).toHaveLength(1);
});

test('nobody is answered by what was asked before', async () => {
  const fans = crowd(20);
  const { shop, ask } = await shopKnownTo(['early', ...fans]);
  const { answers, isAsked, letGo } = kept();
  shop.answers = answers;
  const early = ask('early');
  await isAsked(1);
  const late = fans.map((fan) => ask(fan));
  letGo(200, 'before');
  expect(textOf(await early)).toEqual([200, 'before']);
  await isAsked(1);
  letGo(200, 'after');
  for (const answer of await Promise.all(late)) expect(textOf(answer)).toEqual([200, 'after']);
  expect(shop.asked).toHaveLength(2);
});

test('whom the shop has not answered yet asks alone, and is told what the shop says of them', async () => {
  const { shop, ask } = await shopKnownTo(['one', 'two']);
  shop.answers = ({ headers }, response) =>
    response.writeHead(headers.authorization === 'stranger' ? 401 : 200).end(headers.authorization);
  const all = ['one', 'stranger', 'two', 'stranger'].map((fan) => ask(fan));
  expect((await Promise.all(all)).map(textOf)).toEqual([
    [200, 'one'],
    [401, 'stranger'],
    [200, 'one'],
    [401, 'stranger'],
  ]);
  expect(shop.asked).toHaveLength(3);
});

test('bytes that the gateway has are not sent again, and who has them too is told so', async () => {
  const { shop, ask } = await shopKnownTo(['first', 'knows', 'knows not']);
  let etag = '"one"';
  shop.answers = ({ headers }, response) => {
    if (headers['if-none-match'] === etag) response.writeHead(304, { etag }).end();
    else response.writeHead(200, { etag, 'content-type': 'application/json' }).end(`the seats of ${etag}`);
  };
  expect(textOf(await ask('first'))).toEqual([200, 'the seats of "one"']);
  const [known, unknown] = await Promise.all([
    ask('knows', { 'if-none-match': '"other", "one"' }),
    ask('knows not'),
  ]);
  expect(known).toMatchObject({ status: 304, headers: { etag: '"one"' } });
  expect(known.headers['content-type']).toBeUndefined();
  expect(known.body).toHaveLength(0);
  expect(textOf(unknown)).toEqual([200, 'the seats of "one"']);
  expect(shop.asked.map(({ headers }) => headers['if-none-match'])).toEqual([undefined, '"one"']);
  etag = '"two"';
  expect(textOf(await ask('knows', { 'if-none-match': '"one"' }))).toEqual([200, 'the seats of "two"']);
});

test('other questions and other codings are asked apart', async () => {
  const { shop, ask } = await shopKnownTo(['one', 'two', 'three', 'four']);
  shop.answers = ({ url, headers }, response) =>
    response.writeHead(200).end(`${url} ${headers['accept-encoding']}`);
  const [plain, zipped, refused, since] = await Promise.all([
    ask('one'),
    ask('two', { 'accept-encoding': 'br, gzip' }),
    ask('three', { 'accept-encoding': 'gzip;q=0' }),
    ask('four', {}, `${SEATS}?since=7`),
  ]);
  expect(textOf(plain)).toEqual([200, `${SEATS} identity`]);
  expect(textOf(zipped)).toEqual([200, `${SEATS} gzip`]);
  expect(textOf(refused)).toEqual([200, `${SEATS} identity`]);
  expect(textOf(since)).toEqual([200, `${SEATS}?since=7 identity`]);
  expect(shop.asked).toHaveLength(3);
});

test('what one fan says of their own goes along with nobody else’s question', async () => {
  const { shop, ask } = await shopKnownTo(['odd', 'other']);
  const odd = { accept: 'a'.repeat(15_000), prefer: 'p', 'x-request-id': 'odd', 'idempotency-key': 'k' };
  const told = await Promise.all([ask('odd', odd), ask('other')]);
  expect(told.map(textOf)).toEqual([
    [200, 'open'],
    [200, 'open'],
  ]);
  expect(shop.asked).toHaveLength(1);
  for (const name of Object.keys(odd)) expect(shop.asked[0]?.headers[name]).toBeUndefined();
});

test('what the shop refuses to one, or cuts off, everybody is told in their own name', async () => {
  const fans = crowd(30);
  const { shop, ask } = await shopKnownTo(['first', ...fans]);
  const cut: Answering = ({ socket }) => socket.destroy();
  for (const refuse of [401, 431, 503]
    .map<Answering>((status) => (_, response) => response.writeHead(status).end())
    .concat(cut)) {
    shop.asked.splice(0);
    shop.answers = (request, response) =>
      request.headers.authorization === 'first' ? refuse(request, response) : open(request, response);
    const [first, ...others] = await Promise.allSettled(['first', ...fans].map((fan) => ask(fan)));
    expect(first?.status === 'rejected' || first?.value.status !== 200).toBe(true);
    for (const other of others) expect(other).toMatchObject({ status: 'fulfilled', value: { status: 200 } });
  }
});

test('a question that hangs keeps nobody waiting for long who is answered alone', async () => {
  const fans = crowd(10);
  const { shop, ask } = await shopKnownTo(['hangs', ...fans], {});
  const { answers, isAsked, letGo } = kept();
  shop.answers = (request, response) =>
    request.headers.authorization === 'hangs' ? answers(request, response) : open(request, response);
  const hung = ask('hangs');
  await isAsked(1);
  const others = fans.map((fan) => ask(fan));
  for (const answer of await Promise.all(others)) expect(textOf(answer)).toEqual([200, 'open']);
  await isAsked(2);
  letGo(200, 'too late');
  letGo(200, 'late');
  expect(textOf(await hung)).toEqual([200, 'late']);
});

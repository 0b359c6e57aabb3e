import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { type BookingAnswer, connectBooking } from '../booking/client.ts';
import { shareReads } from './shared-reads.ts';

const SEATS = '/api/sales/AAAAAAAAAAA/seats';

/** A shop of the test's own, and how a fan of a name asks it for seats. */
async function shop(answer: (request: IncomingMessage, response: ServerResponse) => void) {
  const asked: IncomingMessage[] = [];
  const server = createServer((request, response) => {
    asked.push(request);
    answer(request, response);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const booking = connectBooking(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, 'a key');
  onTestFinished(async () => {
    await booking.close();
    server.close();
  });
  const share = shareReads(booking);
  const ask = (fan: string, headers: Record<string, string> = {}, path = SEATS): Promise<BookingAnswer> =>
    share({ lane: 'shop', method: 'GET', path, headers: { authorization: fan, ...headers } });
  return { asked, ask };
}

/** A shop whose answers are let go one by one. */
async function heldShop() {
  const waiting: ServerResponse[] = [];
  const held = await shop((_, response) => waiting.push(response));
  const isAsked = (times: number) => expect.poll(() => waiting.length).toBe(times);
  const letGo = (status: number, body: string, headers = {}) =>
    waiting.shift()?.writeHead(status, headers).end(body);
  return { ...held, isAsked, letGo };
}

const textOf = ({ status, body }: BookingAnswer) => [status, body.toString()];
const fans = (count: number) => Array.from({ length: count }, (_, i) => `fan ${i}`);

test('a crowd that asks at one moment is one request, and each of it has the answer', async () => {
  const { asked, ask, isAsked, letGo } = await heldShop();
  const crowd = fans(500).map((fan) => ask(fan));
  await isAsked(1);
  letGo(200, 'the seats');
  for (const answer of await Promise.all(crowd)) expect(textOf(answer)).toEqual([200, 'the seats']);
  expect(asked).toHaveLength(1);
});

test('nobody is answered by what was asked before', async () => {
  const { asked, ask, isAsked, letGo } = await heldShop();
  const early = ask('early');
  await isAsked(1);
  const late = fans(20).map((fan) => ask(fan));
  letGo(200, 'before');
  expect(textOf(await early)).toEqual([200, 'before']);
  await isAsked(1);
  letGo(200, 'after');
  for (const answer of await Promise.all(late)) expect(textOf(answer)).toEqual([200, 'after']);
  expect(asked).toHaveLength(2);
});

test('bytes that the gateway has are not sent again, and who has them too is told so', async () => {
  let etag = '"one"';
  const { asked, ask } = await shop(({ headers }, response) => {
    if (headers['if-none-match'] === etag) response.writeHead(304, { etag }).end();
    else response.writeHead(200, { etag, 'content-type': 'application/json' }).end(`the seats of ${etag}`);
  });
  expect(textOf(await ask('first'))).toEqual([200, 'the seats of "one"']);
  const [known, unknown] = await Promise.all([
    ask('knows', { 'if-none-match': '"other", "one"' }),
    ask('knows not'),
  ]);
  expect(known).toMatchObject({ status: 304, headers: { etag: '"one"' } });
  expect(known.headers['content-type']).toBeUndefined();
  expect(known.body).toHaveLength(0);
  expect(textOf(unknown)).toEqual([200, 'the seats of "one"']);
  expect(asked.map(({ headers }) => headers['if-none-match'])).toEqual([undefined, '"one"']);
  etag = '"two"';
  expect(textOf(await ask('knows', { 'if-none-match': '"one"' }))).toEqual([200, 'the seats of "two"']);
});

test('other questions and other codings are asked apart', async () => {
  const { asked, ask } = await shop(({ url, headers }, response) =>
    response.writeHead(200).end(`${url} ${headers['accept-encoding']}`),
  );
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
  expect(asked).toHaveLength(3);
});

test('whom the shop does not know is told so alone', async () => {
  const { ask } = await shop(({ headers }, response) =>
    response.writeHead(headers.authorization === 'stranger' ? 401 : 200).end(headers.authorization),
  );
  const all = ['stranger', 'one', 'two', 'stranger'].map((fan) => ask(fan));
  expect((await Promise.all(all)).map(textOf)).toEqual([
    [401, 'stranger'],
    [200, 'one'],
    [200, 'two'],
    [401, 'stranger'],
  ]);
});

test('what the shop cannot answer it cannot answer to anybody who asked then, and it is asked again by the next', async () => {
  const { asked, ask, isAsked, letGo } = await heldShop();
  const crowd = fans(30).map((fan) => ask(fan));
  await isAsked(1);
  letGo(503, 'away', { 'retry-after': '2' });
  for (const answer of await Promise.all(crowd)) {
    expect(textOf(answer)).toEqual([503, 'away']);
    expect(answer.headers['retry-after']).toBe('2');
  }
  const cut = fans(3).map((fan) => ask(fan));
  await isAsked(1);
  asked.at(-1)?.socket.destroy();
  for (const answer of await Promise.allSettled(cut))
    expect(answer).toMatchObject({ status: 'rejected', reason: { code: 'unavailable' } });
  const next = ask('next');
  await expect.poll(() => asked.length).toBe(3);
  letGo(200, '');
  letGo(200, 'back');
  expect(textOf(await next)).toEqual([200, 'back']);
});

test('a request that hangs does not keep those that come later', async () => {
  const { ask, isAsked, letGo } = await heldShop();
  const hung = ask('hung');
  await isAsked(1);
  const later = ask('later');
  await isAsked(2);
  letGo(200, 'late');
  letGo(200, 'in time');
  expect(textOf(await later)).toEqual([200, 'in time']);
  expect(textOf(await hung)).toEqual([200, 'late']);
});

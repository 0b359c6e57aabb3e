import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { promisify } from 'node:util';
import { Hono } from 'hono';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { answerWithProblems } from './errors.ts';
import { createLog } from './log.ts';
import { answerClientError } from './malformed-requests.ts';
import { readPlainBody } from './plain-body.ts';
import { type Ahead, type RunningServer, serve } from './serve.ts';

const CALLERS = 40;

let server: RunningServer;
beforeAll(async () => {
  const app = new Hono();
  app.get('/', (c) => c.text('here'));
  app.get('/headers', (c) => c.json(c.req.header()));
  // An answer that has begun and does not end by itself.
  app.get('/endless', (c) => c.body(new ReadableStream({ start: (to) => to.enqueue('begun') })));
  const ahead: Ahead = ({ url, headers }, response) => {
    if (url !== '/headers?ahead') return false;
    response.end(JSON.stringify(headers));
    return '/headers';
  };
  answerWithProblems(app, createLog('test', 'silent'));
  server = await serve(app, { host: '127.0.0.1', port: 0, ahead: [ahead] });
});
afterAll(() => server.close());

/** Everything the server says until it closes the connection. */
const raw = (request: string, port = server.port): Promise<string> =>
  new Promise((resolve, reject) => {
    let answer = '';
    const socket = connect(port, '127.0.0.1', () => socket.end(request));
    socket.on('data', (chunk) => {
      answer += chunk;
    });
    socket.on('close', () => resolve(answer));
    socket.on('error', reject);
  });

const host = 'Host: x\r\n';

test.each([
  ['both lengths', `POST / HTTP/1.1\r\n${host}Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\nabc`],
  ['two lengths', `POST / HTTP/1.1\r\n${host}Content-Length: 3\r\nContent-Length: 4\r\n\r\nabc`],
  ['a negative length', `POST / HTTP/1.1\r\n${host}Content-Length: -1\r\n\r\n`],
  ['a space before the colon', `GET / HTTP/1.1\r\n${host}X : y\r\n\r\n`],
  ['NUL in a header', `GET / HTTP/1.1\r\n${host}X: a\0b\r\n\r\n`],
  ['an unknown method', `FOO / HTTP/1.1\r\n${host}\r\n`],
  ['a backslash in the target', `GET /a\\b HTTP/1.1\r\n${host}\r\n`],
  ['two hosts', `GET / HTTP/1.1\r\n${host}Host: y\r\n\r\n`],
  ['a host that is none', 'GET / HTTP/1.1\r\nHost: a b\r\n\r\n'],
  ['no host', 'GET / HTTP/1.1\r\n\r\n'],
  [
    'a coding that is not undone',
    `POST / HTTP/1.1\r\n${host}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n`,
  ],
  ['an expectation nobody knows', `POST / HTTP/1.1\r\n${host}Expect: more\r\nContent-Length: 0\r\n\r\n`],
  ['a version that is spoken otherwise', `GET / HTTP/2.0\r\n${host}\r\n`],
])('%s is refused with a problem document', async (_, request) => {
  const answer = await raw(request);
  expect(answer).toMatch(/^HTTP\/1\.1 400 /);
  expect(answer).toContain('application/problem+json');
  expect(answer).toContain('"code":"malformed-request"');
});

test.each([
  'Authorization: Bearer one\r\nAuthorization: Bearer two\r\n',
  'Authorization:\r\nAuthorization: Bearer two\r\n',
  'Authorization: Bearer one\r\nCookie: a=1\r\nauthorization: Bearer one\r\nCookie: b=2\r\n',
  'If-None-Match: "a"\r\nIf-None-Match: "b"\r\nOrigin: http://x\r\nOrigin: http://y\r\n',
])('headers that stand twice say the same to a branch ahead of the app as to the app: %j', async (lines) => {
  const [ahead, routed] = await Promise.all(
    ['/headers?ahead', '/headers'].map((target) =>
      raw(`GET ${target} HTTP/1.1\r\n${host}Connection: close\r\n${lines}\r\n`),
    ),
  );
  const said = (answer = '') => JSON.parse(answer.slice(answer.indexOf('{'), answer.lastIndexOf('}') + 1));
  expect(said(ahead)).toEqual(said(routed));
});

test('headers beyond the limit are refused, and others are served meanwhile', async () => {
  const large = raw(`GET / HTTP/1.1\r\n${host}X: ${'a'.repeat(17_000)}\r\n\r\n`);
  expect(await (await fetch(server.url)).text()).toBe('here');
  expect(await large).toMatch(/^HTTP\/1\.1 431 [\s\S]*"code":"headers-too-large"/);
});

test.each([201, 2_000])('%i headers are refused: none of them is left out unnoticed', async (count) => {
  const headers = Array.from({ length: count - 1 }, (_, index) => `a${index}:\r\n`).join('');
  expect(await raw(`GET / HTTP/1.1\r\n${host}${headers}\r\n`)).toMatch(
    /^HTTP\/1\.1 431 [\s\S]*"code":"headers-too-large"/,
  );
});

test.each([
  ['the rest of its request is nonsense', 'Transfer-Encoding: chunked\r\n', 'nonsense\r\n'],
  ['nonsense follows its request', '', 'nonsense\r\n\r\n'],
])('an answer that has begun is cut where %s: no other is written into it', async (_, header, nonsense) => {
  const socket = connect(server.port, '127.0.0.1');
  let answer = '';
  socket.on('data', (chunk) => {
    if (answer === '') socket.write(nonsense);
    answer += chunk;
  });
  socket.write(`GET /endless HTTP/1.1\r\n${host}${header}\r\n`);
  await new Promise((resolve) => socket.on('close', resolve));
  expect(answer.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 200']);
});

test('connections that ask nothing make room for who comes; one that waits for its answer stays', async () => {
  const app = new Hono();
  let answer: () => void = () => undefined;
  const answered = new Promise<void>((resolve) => {
    answer = resolve;
  });
  app.get('/', (c) => c.text('here'));
  app.get('/later', async (c) => {
    await answered;
    return c.text('later');
  });
  const small = await serve(app, { host: '127.0.0.1', port: 0, connectionsMax: 3 });
  onTestFinished(small.close);
  const later = fetch(`${small.url}/later`);
  const ask = () =>
    new Promise<string>((resolve) => {
      const socket = connect(small.port, '127.0.0.1', () => socket.write(`GET / HTTP/1.1\r\n${host}\r\n`));
      socket.on('data', (chunk) => resolve(String(chunk)));
      // Refused, and at liberty to come again.
      socket.on('close', () => resolve('nothing'));
      socket.on('error', () => undefined);
    });
  for (let idle = 0; idle < 2; idle += 1) expect(await ask()).toContain('here');
  await expect.poll(ask).toContain('here');
  answer();
  expect(await (await later).text()).toBe('later');
});

test('whoever does not take an answer is cut off after a while; whoever waits for one is not', async () => {
  const app = new Hono();
  let answer: () => void = () => undefined;
  const answered = new Promise<void>((resolve) => {
    answer = resolve;
  });
  // More than all buffers on the way hold.
  app.get('/', (c) => c.body(new Uint8Array(64 * 1024 * 1024)));
  app.get('/later', async (c) => {
    await answered;
    return c.text('later');
  });
  const impatient = await serve(app, { host: '127.0.0.1', port: 0, stalledMsMax: 50 });
  onTestFinished(impatient.close);
  const waits = fetch(`${impatient.url}/later`);
  const cut = new Promise((resolve) => impatient.server.on('connection', (it) => it.on('close', resolve)));
  const socket = connect(impatient.port, '127.0.0.1');
  socket.pause().write(`GET / HTTP/1.1\r\n${host}\r\n`);
  await cut;
  socket.destroy();
  answer();
  expect(await (await waits).text()).toBe('later');
});

test('fifty requests of one connection may wait for their answers; more are cut off with it, and not begun', async () => {
  const app = new Hono();
  let begun = 0;
  let answer: () => void = () => undefined;
  const answered = new Promise<void>((resolve) => {
    answer = resolve;
  });
  app.get('/', async (c) => {
    begun += 1;
    await answered;
    return c.text('here');
  });
  const other = await serve(app, { host: '127.0.0.1', port: 0 });
  onTestFinished(other.close);
  const ask = (count: number): Promise<string> =>
    new Promise((resolve) => {
      let told = '';
      const socket = connect(other.port, '127.0.0.1');
      socket.on('data', (chunk) => {
        told += chunk;
      });
      socket.on('error', () => undefined).on('close', () => resolve(told));
      const last = `GET / HTTP/1.1\r\n${host}Connection: close\r\n\r\n`;
      socket.write(`GET / HTTP/1.1\r\n${host}\r\n`.repeat(count - 1) + last);
    });
  expect(await ask(1_000)).toBe('');
  expect(begun).toBeLessThanOrEqual(50);
  const fifty = ask(50);
  await expect.poll(() => begun).toBe(100);
  answer();
  expect((await fifty).match(/HTTP\/1\.1 200/g)).toHaveLength(50);
});

test.each(['Host: a\r\nHost: b', 'Host: a b', 'Host: a/b', 'Host: u@evil.example', 'Host: evil.example#'])(
  'what is answered ahead of the app is refused for its host too: %j',
  async (hosts) => {
    const answer = await raw(`GET /headers?ahead HTTP/1.1\r\n${hosts}\r\n\r\n`);
    expect(answer).toMatch(/^HTTP\/1\.1 400 /);
    expect(answer).toContain('"code":"malformed-request"');
  },
);

test.each([
  'a',
  'a:80',
  'a_b.example',
  '192.0.2.1:3000',
  '[2001:db8::1]',
  '[::1]:3000',
  'xn--bcher-kva.example',
])('a host may be called %s', async (name) => {
  for (const target of ['/', '/headers?ahead'])
    expect(await raw(`GET ${target} HTTP/1.1\r\nHost: ${name}\r\n\r\n`)).toMatch(/^HTTP\/1\.1 200 /);
});

test('what comes behind the last answer of a connection is not begun', async () => {
  const begun: string[] = [];
  const app = new Hono();
  app.get('/:name', (c) => {
    begun.push(c.req.param('name'));
    return c.text('here');
  });
  const draining = await serve(app, { host: '127.0.0.1', port: 0, isDraining: () => true });
  onTestFinished(draining.close);
  const get = (name: string) => `GET /${name} HTTP/1.1\r\n${host}\r\n`;
  const told = await raw(get('one') + get('two'), draining.port);
  expect(told.match(/HTTP\/1\.1 200/g)).toHaveLength(1);
  // A request that is refused ends its connection too.
  const refused = await raw(`GET /none HTTP/1.1\r\n\r\n${get('three')}`, draining.port);
  expect(refused.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 400']);
  expect(begun).toEqual(['one']);
});

test('however many come behind a last answer that does not end, they are cut off with it', async () => {
  const socket = connect(server.port, '127.0.0.1');
  const closed = once(socket, 'close');
  socket.on('error', () => undefined).write(`GET /endless HTTP/1.1\r\n${host}\r\nGET / HTTP/1.1\r\n\r\n`);
  await once(socket, 'data');
  socket.write(`GET / HTTP/1.1\r\n${host}\r\n`.repeat(60));
  await closed;
});

test('a request that has been told that it took too long does not come after all', async () => {
  const whole: string[] = [];
  const slow = createServer({ requestTimeout: 100, connectionsCheckingInterval: 20 }, (request) =>
    readPlainBody(request, (body) => whole.push(body.toString())),
  );
  slow.on('clientError', answerClientError);
  await once(slow.listen(0, '127.0.0.1'), 'listening');
  onTestFinished(() => void slow.close());
  const socket = connect((slow.address() as AddressInfo).port, '127.0.0.1');
  socket.on('error', () => undefined).write(`POST / HTTP/1.1\r\n${host}Content-Length: 3\r\n\r\nab`);
  const [told] = (await once(socket, 'data')) as [Buffer];
  expect(told.toString()).toMatch(/^HTTP\/1\.1 408 /);
  socket.write('c');
  await once(socket, 'close');
  await expect.poll(async () => promisify(slow.getConnections.bind(slow))()).toBe(0);
  expect(whole).toEqual([]);
});

test('whoever the system had taken in when a service ends is answered', async () => {
  const app = new Hono();
  app.post('/', (c) => c.text('here'));
  const ending = await serve(app, { host: '127.0.0.1', port: 0, isDraining: () => true });
  const answers = Promise.all(
    Array.from({ length: CALLERS }, () =>
      raw(`POST / HTTP/1.1\r\n${host}Content-Length: 0\r\n\r\n`, ending.port).catch(({ code }) => code),
    ),
  );
  // They call the system in this very turn, and the service has looked at none of them yet.
  await new Promise(process.nextTick);
  await ending.close();
  const told = (await answers).map((answer) => answer.split('\r\n')[0]);
  expect(told).toEqual(told.map(() => 'HTTP/1.1 200 OK'));
});

test('a port that is taken is an error with its code', async () => {
  const second = serve(new Hono(), { host: '127.0.0.1', port: server.port });
  await expect(second).rejects.toMatchObject({ code: 'EADDRINUSE' });
});

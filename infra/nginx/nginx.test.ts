import { execFileSync } from 'node:child_process';
import { chmodSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { request } from 'undici';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { HOLDS_TOGETHER_BYTES_MAX, HOLDS_TOGETHER_PATH } from '#shared/holds-together.ts';
import { acceptedLanguage } from '../../gateway/pages/locale.ts';
import { type NginxValues, prepareNginx, serverLines } from '../local/nginx.mjs';
import { freePort, LOOPBACK } from '../local/ports.mjs';
import { createRoster } from '../local/roster.mjs';

const root = fileURLToPath(new URL('../../', import.meta.url));
const binaries = process.env.TEST_NGINX_BINARIES;
const PASSABLE_MODE = 0o711;
const BODY_BYTES_MAX = 64 * 1024;

type Handler = (request: IncomingMessage, response: ServerResponse, body: string) => void;

/** A server behind nginx that notes what reaches it and answers as the test says; it echoes if not told otherwise. */
async function upstream(name: string) {
  const seen: { method: string; url: string; headers: IncomingMessage['headers'] }[] = [];
  const echo: Handler = (_, response) => {
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ name }));
  };
  const state = { seen, handler: echo, echo };
  const server: Server = createServer((message, response) => {
    seen.push({ method: String(message.method), url: String(message.url), headers: message.headers });
    let body = '';
    message.on('data', (chunk: Buffer) => {
      body += chunk;
    });
    message.on('end', () => state.handler(message, response, body));
  });
  await new Promise<void>((resolve) => server.listen(0, LOOPBACK, resolve));
  const { port } = server.address() as AddressInfo;
  const close = () => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  };
  return Object.assign(state, { address: `${LOOPBACK}:${port}`, close });
}

type Upstream = Awaited<ReturnType<typeof upstream>>;

describe.skipIf(!binaries)('nginx', () => {
  const roster = createRoster({ detached: false });
  let dataDir: string;
  let gateways: Upstream[];
  let bookings: Upstream[];
  let base: string;
  let inside: string;
  let port: number;

  const prepare = async (values: NginxValues, ready: number) =>
    prepareNginx({ roster, root, dataDir, binaries: String(binaries), values, port: ready });

  beforeAll(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'admit-one-nginx-test-'));
    chmodSync(dataDir, PASSABLE_MODE);
    gateways = [await upstream('gateway-1'), await upstream('gateway-2')];
    bookings = [await upstream('booking-1'), await upstream('booking-2')];
    port = await freePort();
    const bookingPort = await freePort();
    base = `http://${LOOPBACK}:${port}`;
    inside = `http://${LOOPBACK}:${bookingPort}`;
    const nginx = await prepare(
      {
        PUBLIC_LISTEN: `${LOOPBACK}:${port}`,
        BOOKING_LISTEN: `${LOOPBACK}:${bookingPort}`,
        GATEWAY_LISTEN: `${LOOPBACK}:${await freePort()}`,
        GATEWAYS: serverLines(gateways.map(({ address }) => address)),
        BOOKINGS: serverLines(bookings.map(({ address }) => address)),
      },
      bookingPort,
    );
    await nginx.start();
  });

  beforeEach(() => {
    for (const each of [...gateways, ...bookings]) {
      each.seen.length = 0;
      each.handler = each.echo;
    }
  });

  afterAll(async () => {
    await roster.endAll();
    await Promise.all([...gateways, ...bookings].map((each) => each.close()));
    await rm(dataDir, { recursive: true, force: true });
  });

  const seen = () => gateways.flatMap((each) => each.seen);
  const setHandler = (handler: Handler) => {
    for (const gateway of gateways) gateway.handler = handler;
  };
  const get = (path: string, headers: Record<string, string> = {}) => request(base + path, { headers });
  /** What the wire says to bytes that no client of ours would send. */
  const raw = (bytes: string): Promise<string> =>
    new Promise((resolve) => {
      let answer = '';
      const socket = connect(port, LOOPBACK, () => socket.write(bytes));
      socket.setTimeout(1_000, () => socket.destroy());
      socket.on('data', (chunk) => {
        answer += chunk;
      });
      socket.on('error', () => resolve(answer));
      socket.on('close', () => resolve(answer));
    });

  const code = (answer: string) => /"code":"([a-z-]+)"/.exec(answer)?.[1] ?? answer.slice(0, 60);

  test('the configuration is accepted as it would stand on several machines, and a broken one is not', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'admit-one-nginx-test-'));
    const [key, certificate] = [join(folder, 'key.pem'), join(folder, 'certificate.pem')];
    chmodSync(folder, PASSABLE_MODE);
    execFileSync(
      'openssl',
      // biome-ignore format: an option and its value belong together
      ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-subj', '/CN=tickets.example', '-keyout', key, '-out', certificate],
      { stdio: 'ignore' },
    );
    chmodSync(key, 0o644);
    const production: NginxValues = {
      PUBLIC_LISTEN: `8443 ssl http2; ssl_certificate "${certificate}"; ssl_certificate_key "${key}"; listen 8080`,
      BOOKING_LISTEN: '8081',
      GATEWAY_LISTEN: '8082',
      GATEWAYS: serverLines(['10.0.0.1:3000', '10.0.0.2:3000', '[fd00::3]:3000']),
      BOOKINGS: serverLines(['10.0.0.4:3001', '10.0.0.5:3001']),
    };
    const options = { roster, root, dataDir: folder, binaries: String(binaries), port: 8443 };
    try {
      await expect(prepareNginx({ ...options, values: production })).resolves.toBeTruthy();
      const broken = { ...production, GATEWAYS: 'server 10.0.0.1:3000 max_falls=3;' };
      await expect(prepareNginx({ ...options, values: broken })).rejects.toThrow(/max_falls/);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });

  test.each(['/api/sales/x/queue/me', '/api/events'])(
    '%s: what a fan says about addresses and insides is not passed on',
    async (path) => {
      const forged = {
        'x-forwarded-for': '203.0.113.9',
        'x-forwarded-host': 'evil.example',
        'x-forwarded-proto': 'https',
        'x-real-ip': '203.0.113.9',
        forwarded: 'for=203.0.113.9',
        'x-internal-key': 'guessed',
        'x-internal-admission': 'live',
        'x-internal-left': '1',
        'x-internal-hold-ends': '1',
        'x-internal-order': '1',
        'x-internal-organiser': 'me',
        'x-internal-process': 'mine',
        x_internal_key: 'guessed',
      };
      await (await get(`${path}?${Date.now()}`, forged)).body.dump();
      const [{ headers } = { headers: {} }] = seen();
      expect(headers).toMatchObject({ 'x-forwarded-for': '127.0.0.1', 'x-forwarded-proto': 'http' });
      const values = Object.values(headers).join(' ');
      for (const word of ['203.0.113.9', 'evil', 'guessed', 'live']) expect(values).not.toContain(word);
      expect(Object.keys(headers).filter((name) => /internal/.test(name))).toEqual([]);
    },
  );

  test('the worker’s entrance is not for the outside, however it is spelled', async () => {
    for (const path of [
      '/internal/sales/x/entries/y/finish',
      '/%69nternal/x',
      '/a/../internal/x',
      '/./internal/x',
    ]) {
      expect(
        await raw(`POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`),
      ).toMatch(/^HTTP\/1.1 404[\s\S]*"code":"not-found"/);
    }
    expect(seen()).toEqual([]);
  });

  const answerPublic =
    (extra: Record<string, string>): Handler =>
    (message, response) => {
      response.writeHead(200, { 'content-type': 'application/json', etag: '"one"', ...extra });
      response.end(JSON.stringify({ path: message.url }));
    };

  test('a crowd at a public address is one question, without what the crowd brings along', async () => {
    setHandler((message, response, body) => {
      // Slow enough that the whole crowd is there before the first answer.
      setTimeout(() => answerPublic({ 'cache-control': 'public, max-age=60' })(message, response, body), 100);
    });
    const answers = await Promise.all(
      Array.from({ length: 40 }, async (_, i) => {
        const headers = { cookie: `who=fan-${i}`, authorization: `Bearer ${i}` };
        return (await get(`/api/events/crowd?fan=${i}`, headers)).body.json();
      }),
    );
    expect(new Set(answers.map((answer) => JSON.stringify(answer)))).toEqual(
      new Set(['{"path":"/api/events/crowd"}']),
    );
    expect(seen()).toHaveLength(1);
    expect(seen()[0]?.headers).not.toHaveProperty('cookie');
    expect(seen()[0]?.headers).not.toHaveProperty('authorization');
    const known = await get('/api/events/crowd', { 'if-none-match': 'W/"x", "one"' });
    expect(known.statusCode).toBe(304);
    await known.body.dump();
    expect(seen()).toHaveLength(1);
  });

  test.each([
    ['private', { 'cache-control': 'private, max-age=60' }],
    ['no-store', { 'cache-control': 'no-store' }],
    ['with a cookie', { 'cache-control': 'public, max-age=60', 'set-cookie': 'place=1' }],
    ['varying with everything', { 'cache-control': 'public, max-age=60', vary: '*' }],
    ['silent about it', {}],
  ])('a public address whose answer is %s is asked for each time', async (name, headers) => {
    setHandler(answerPublic(headers as Record<string, string>));
    const path = `/api/events/kept-${name.replace(/ /g, '-')}`;
    for (let i = 0; i < 3; i += 1) await (await get(path)).body.dump();
    expect(seen()).toHaveLength(3);
  });

  test('a page that is the same for everybody is asked for once a language, by address or by header', async () => {
    const languages = { 'cache-control': 'public, max-age=60', vary: 'accept-language' };
    setHandler((message, response) => {
      response.writeHead(200, languages);
      response.end(`${message.url} ${message.headers['accept-language']}`);
    });
    const read = async (path: string, language: string) =>
      (await get(path, { 'accept-language': language, cookie: 'who=me' })).body.text();
    for (let i = 0; i < 2; i += 1) {
      expect(await read(`/sales/crowd?fan=${i}`, 'de')).toBe('/sales/crowd de');
      expect(await read('/sales/crowd', 'ar')).toBe('/sales/crowd ar');
      expect(await read('/sales/crowd?lang=ar', 'de')).toBe('/sales/crowd?lang=ar ar');
      expect(await read('/sales/crowd?lang=ar', 'en')).toBe('/sales/crowd?lang=ar ar');
    }
    expect(seen()).toHaveLength(3);
    expect(seen()[0]?.headers).not.toHaveProperty('cookie');
  });

  test('however a browser names its language, a page has one copy a language, and says that it differs by language', async () => {
    setHandler((message, response) => {
      response.writeHead(200, { 'cache-control': 'public, max-age=60', vary: 'accept-language' });
      response.end(message.headers['accept-language']);
    });
    const ofLanguage = (language: string) =>
      Array.from({ length: 60 }, (_, i) => [`${language}-${i},${language};q=0.9,x-${i};q=0.5`, language]);
    const hostile = [
      ['', 'en'],
      ['*', 'en'],
      [',,,,', 'en'],
      ['english, den, de_AT, xar', 'en'],
      [`${'x,'.repeat(20)}de`, 'en'],
      [`${'x'.repeat(7_000)},ar`, 'ar'],
      [`${'x, '.repeat(2_400)}`, 'en'],
      ['DE', 'de'],
      ['de"\'$language?lang=ar#ar', 'de'],
    ];
    for (const [header = '', language] of [...['en', 'de', 'ar'].flatMap(ofLanguage), ...hostile]) {
      const answer = await get('/events/spelled', { 'accept-language': header });
      expect([header, await answer.body.text()]).toEqual([header, language]);
      expect(answer.headers.vary).toBe('accept-language');
    }
    expect(seen()).toHaveLength(3);
  });

  test.each([
    ['en-GB,en-US;q=0.9,en;q=0.8'],
    ['de-AT,de;q=0.9,en-US;q=0.8,en;q=0.7'],
    ['de,en-US;q=0.7,en;q=0.3'],
    ['ar-EG,ar;q=0.9,en-US;q=0.8,en;q=0.7'],
    ['fr-FR,fr;q=0.9,ar;q=0.8,en;q=0.7'],
    ['tr, de-DE ; q=0.8, en;q=0.5'],
    ['fr, *;q=0.5, de;q=0.1'],
    ['ja'],
  ])('nginx reads what browsers send as the gateways do: %s', async (header) => {
    setHandler((message, response) => {
      response.writeHead(200, { 'cache-control': 'no-store' });
      response.end(message.headers['accept-language']);
    });
    expect(await (await get('/events/told', { 'accept-language': header })).body.text()).toBe(
      acceptedLanguage(header),
    );
  });

  test.each([
    '/sales/x/place',
    '/api/sales/x/queue/me',
    '/api/sales/x/seats',
    '/api/organiser/sales',
    '/organiser',
  ])('%s is never kept, whatever its answer says', async (path) => {
    setHandler(answerPublic({ 'cache-control': 'public, max-age=60' }));
    for (let i = 0; i < 3; i += 1) {
      const answer = await get(path, { cookie: 'who=me', authorization: 'Bearer mine' });
      expect(answer.headers).not.toHaveProperty('x-cache');
      await answer.body.dump();
    }
    expect(seen()).toHaveLength(3);
    expect(seen()[0]?.headers).toMatchObject({ cookie: 'who=me', authorization: 'Bearer mine' });
  });

  test('what is over its time is answered at once while it is asked for again, and when nobody answers', async () => {
    const cacheControl = 'public, max-age=1, stale-while-revalidate=60, stale-if-error=300';
    setHandler(answerPublic({ 'cache-control': cacheControl }));
    await (await get('/api/events/stale')).body.dump();
    setHandler((_, response) => setTimeout(() => response.end('late'), 1_500));
    await vi.waitUntil(
      async () => {
        const { headers, body } = await get('/api/events/stale');
        await body.dump();
        return headers['x-cache'] === 'STALE' || headers['x-cache'] === 'UPDATING';
      },
      { timeout: 5_000 },
    );
    setHandler((message) => message.socket.destroy());
    const answer = await get('/api/events/stale');
    expect([answer.statusCode, await answer.body.json()]).toEqual([200, { path: '/api/events/stale' }]);
  });

  test('a POST that may have arrived is not sent again; a GET is', async () => {
    setHandler((message) => message.socket.destroy());
    const joined = await request(`${base}/api/sales/x/queue`, { method: 'POST', body: '{}' });
    expect(joined.statusCode).toBe(503);
    expect(joined.headers).toMatchObject({ 'content-type': 'application/problem+json', 'retry-after': '1' });
    expect(await joined.body.json()).toMatchObject({ code: 'unavailable' });
    // What an earlier test left to be renewed may arrive in between.
    expect(seen().filter(({ method }) => method === 'POST')).toHaveLength(1);
    await (await get('/api/sales/x/queue/me')).body.dump();
    expect(seen().filter(({ url }) => url.endsWith('/queue/me'))).toHaveLength(2);
  });

  test.each(['/api/sales/x/queue/me/claim', '/sales/x/claim'])(
    'a claim is sent to the next gateway, for it returns the same admission: %s',
    async (path) => {
      const [first, second] = gateways as [Upstream, Upstream];
      first.handler = (message) => message.socket.destroy();
      for (let i = 0; i < 4; i += 1) {
        const claimed = await request(base + path, { method: 'POST', body: '{}' });
        await claimed.body.dump();
        expect(claimed.statusCode).toBe(200);
      }
      expect(second.seen.filter(({ url }) => url === path)).toHaveLength(4);
    },
  );

  test('a public address whose gateways break is a problem document too', async () => {
    setHandler((message) => message.socket.destroy());
    const answer = await get('/api/events/never-seen');
    expect([answer.statusCode, await answer.body.json()]).toMatchObject([503, { code: 'unavailable' }]);
  });

  test('a fan meets the same booking service each time, fans are spread, and one that is gone is replaced', async () => {
    const of = async (token: string) => {
      const answer = await request(`${inside}/api/sales/x/seats`, {
        headers: { authorization: `Bearer ${token}` },
      });
      return ((await answer.body.json()) as { name: string }).name;
    };
    const fans = Array.from({ length: 40 }, (_, i) => `token-${i}`);
    const first = await Promise.all(fans.map(of));
    expect(new Set(first).size).toBe(2);
    expect(await Promise.all(fans.map(of))).toEqual(first);
    bookings[0]!.handler = (message) => message.socket.destroy();
    expect(new Set(await Promise.all(fans.map(of)))).toEqual(new Set(['booking-2']));
  });

  test('what holds that go together are answered passes as it comes, by the first one’s booking service', async () => {
    let end = (): void => undefined;
    for (const booking of bookings)
      booking.handler = (_, response, body) => {
        response.writeHead(200, { 'x-accel-buffering': 'no', 'x-length': String(body.length) });
        response.write(`${booking.address} first\n`);
        end = () => response.end('last\n');
      };
    const ask = () =>
      request(inside + HOLDS_TOGETHER_PATH, {
        ...{ method: 'POST', body: 'x'.repeat(HOLDS_TOGETHER_BYTES_MAX) },
        headers: { authorization: 'token-1' },
      });
    const by: string[] = [];
    for (let i = 0; i < 4; i += 1) {
      const answer = await ask();
      expect(answer.headers['x-length']).toBe(String(HOLDS_TOGETHER_BYTES_MAX));
      const lines = answer.body[Symbol.asyncIterator]();
      by.push(String((await lines.next()).value));
      end();
      expect(String((await lines.next()).value)).toBe('last\n');
    }
    expect(new Set(by).size).toBe(1);
  });

  test.each([
    ['a body over the limit, declared', `Content-Length: ${BODY_BYTES_MAX + 1}\r\n\r\n`, 'too-large'],
    [
      'a body over the limit, chunked',
      `Transfer-Encoding: chunked\r\n\r\n10001\r\n${'x'.repeat(BODY_BYTES_MAX + 1)}\r\n0\r\n\r\n`,
      'too-large',
    ],
    ['17 KB of header', `X-Long: ${'x'.repeat(17 * 1024)}\r\n\r\n`, 'headers-too-large'],
    [
      'many headers',
      `${Array.from({ length: 3_000 }, (_, i) => `X-${i}: y\r\n`).join('')}\r\n`,
      'headers-too-large',
    ],
    ['two lengths that differ', 'Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd', 'malformed-request'],
    [
      'a length beside chunks',
      'Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
      'malformed-request',
    ],
    ['a negative length', 'Content-Length: -1\r\n\r\n', 'malformed-request'],
  ])('%s is refused with a problem document and reaches nobody', async (_, rest, expected) => {
    expect(
      code(await raw(`POST /api/sales/x/queue HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${rest}`)),
    ).toBe(expected);
    expect(seen()).toEqual([]);
  });

  test.each([
    ['an address of 20 KB', `GET /${'x'.repeat(20 * 1024)} HTTP/1.1\r\nHost: x\r\n\r\n`, 'headers-too-large'],
    ['TRACE', 'TRACE / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n', 'method-not-allowed'],
    [
      'an unknown coding',
      'POST /x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: xchunked\r\n\r\n',
      'malformed-request',
    ],
    [
      'a coded body',
      'POST /x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n',
      'malformed-request',
    ],
    ['another version of HTTP', 'GET /api/x HTTP/2.0\r\nHost: x\r\n\r\n', 'malformed-request'],
    ['what is no request', 'nonsense\r\n\r\n', /malformed-request|400/],
    ['no host', 'GET / HTTP/1.1\r\n\r\n', 'malformed-request'],
  ])('%s is refused', async (_, bytes, expected) => {
    expect(code(await raw(bytes))).toMatch(expected);
    expect(seen()).toEqual([]);
  });

  test('the largest body that is allowed passes', async () => {
    let length = 0;
    setHandler((_, response, body) => {
      length = body.length;
      response.end('{}');
    });
    const answer = await request(`${base}/api/sales/x/queue`, {
      method: 'POST',
      body: 'x'.repeat(BODY_BYTES_MAX),
    });
    await answer.body.dump();
    expect([answer.statusCode, length]).toEqual([200, BODY_BYTES_MAX]);
  });

  test('a second request behind the first is judged by itself', async () => {
    const answer = await raw(
      'GET /api/sales/x/queue/me HTTP/1.1\r\nHost: x\r\nX-Internal-Key: a\r\n\r\nGET /internal/x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n',
    );
    expect(answer.match(/HTTP\/1.1 \d+/g)).toEqual(['HTTP/1.1 200', 'HTTP/1.1 404']);
    expect(seen()).toHaveLength(1);
  });

  test('frames of a stream arrive one by one, uncompressed', async () => {
    let end = (): void => undefined;
    setHandler((_, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(`data: ${'first '.repeat(300)}\n\n`);
      end = () => response.end('data: last\n\n');
    });
    for (const path of [
      '/api/sales/x/queue/stream',
      '/api/organiser/sales/x/stats/stream',
      '/organiser/sales/x/stats/stream',
    ]) {
      const answer = await get(path, { 'accept-encoding': 'gzip' });
      expect(answer.headers).not.toHaveProperty('content-encoding');
      const frames = answer.body[Symbol.asyncIterator]();
      expect(String((await frames.next()).value)).toContain('first');
      end();
      expect(String((await frames.next()).value)).toContain('last');
    }
  });

  test('text is compressed, and its tag is a weak one', async () => {
    setHandler((_, response) => {
      response.writeHead(200, {
        'content-type': 'application/json',
        'cache-control': 'public, max-age=60',
        etag: '"big"',
      });
      response.end(JSON.stringify('seat '.repeat(1_000)));
    });
    const answer = await get('/api/events/big', { 'accept-encoding': 'gzip' });
    expect(answer.headers).toMatchObject({
      'content-encoding': 'gzip',
      etag: 'W/"big"',
      vary: 'Accept-Encoding',
    });
    expect((await answer.body.arrayBuffer()).byteLength).toBeLessThan(500);
    const plain = await get('/api/events/big');
    expect(await plain.body.json()).toBe('seat '.repeat(1_000));
  });
});

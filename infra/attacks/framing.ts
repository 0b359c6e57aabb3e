import { type Attack, asAttacker, booking, both, gateway, JSON_TYPE, request, withJson } from './attack.ts';
import type { World } from './world.ts';

const BODY_BYTES_MAX = 64 * 1024;
const HEADER_BYTES_MAX = 16 * 1024;

const MALFORMED = both('400 malformed-request');
const TOO_LARGE = both('431 headers-too-large');
const CHUNKED = 'Transfer-Encoding: chunked';

/** A join that would be a place if it were understood, framed as it says. */
const join =
  (headers: string[], body = '') =>
  ({ sale }: World) =>
    request('POST', `/api/sales/${sale}/queue`, [JSON_TYPE, ...headers], body);
const live = (...headers: string[]) => request('GET', '/livez', headers);
const seats = ({ sale }: World) => `/api/sales/${sale}/seats?limit=1`;
const holds = ({ sale }: World) => `/api/sales/${sale}/holds`;
const chunk = (body: string) => `${body.length.toString(16)}\r\n${body}\r\n`;

/** Rows 1 to 7: where a request begins and ends. Row 5, which takes time, stands in hostile-input.test.ts. */
export const framing: Attack[] = [
  ...[
    ['a length and chunks', join(['Content-Length: 2', CHUNKED], '2\r\n{}\r\n0\r\n\r\n')],
    ['chunks and a length', join([CHUNKED, 'Content-Length: 2'], '2\r\n{}\r\n0\r\n\r\n')],
    ['two lengths', join(['Content-Length: 2', 'Content-Length: 2'], '{}')],
    ['a list of lengths', join(['Content-Length: 2, 2'], '{}')],
    ['a negative length', join(['Content-Length: -1'])],
    ['a length with a sign', join(['Content-Length: +2'], '{}')],
    ['a length in hexadecimal', join(['Content-Length: 0x2'], '{}')],
    ['a length beyond numbers', join(['Content-Length: 99999999999999999999999'], '{}')],
    ['an unknown coding', join(['Transfer-Encoding: xchunked'], '2\r\n{}\r\n0\r\n\r\n')],
    ['a coding in vertical tabs', join(['Transfer-Encoding:\x0bchunked'], '2\r\n{}\r\n0\r\n\r\n')],
    ['a coding after chunked', join(['Transfer-Encoding: chunked, identity'], '2\r\n{}\r\n0\r\n\r\n')],
    ['a coding before chunked', join(['Transfer-Encoding: gzip, chunked'], '2\r\n{}\r\n0\r\n\r\n')],
    ['chunked twice', join([CHUNKED, CHUNKED], '2\r\n{}\r\n0\r\n\r\n')],
    ['a space before the colon', join(['Content-Length : 2'], '{}')],
    ['a bare LF after the first line', () => 'GET /livez HTTP/1.1\nHost: shop\r\n\r\n'],
    ['a bare LF after a header', () => live('X: a\nY: b')],
    ['a bare LF at the end', () => 'GET /livez HTTP/1.1\r\nHost: shop\r\n\n'],
    ['a bare CR in a header', () => live('X: a\rY: b')],
    ['a folded header', () => live('X: a', ' b')],
    ['a folded coding', join(['Transfer-Encoding:', ' chunked'], '2\r\n{}\r\n0\r\n\r\n')],
    ['NUL in a header', () => live('X: a\0b')],
    ['NUL in a header’s name', () => live('X\0: a')],
    ['a header without a name', () => live(': a')],
    ['a header without a colon', () => live('nothing')],
    ['no host', () => 'GET /livez HTTP/1.1\r\n\r\n'],
    ['two hosts', () => live('Host: evil.example')],
    ['another version', () => 'GET /livez HTTP/2.0\r\nHost: shop\r\n\r\n'],
    ['TLS', () => `\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03${'a'.repeat(200)}`],
  ].map(([name, send]) => ({ row: 1, name, send, answers: MALFORMED }) as Attack),
  ...[
    ['chunk of a negative size', '-2\r\n{}\r\n0\r\n\r\n'],
    ['chunk beyond numbers', 'FFFFFFFFFFFFFFFFFF\r\n{}\r\n0\r\n\r\n'],
    ['chunk that is longer than it says', '2\r\n{}XX0\r\n\r\n'],
    ['chunk that ends in a bare LF', '2\n{}\n0\n\n'],
    ['chunk whose extension ends in a bare LF', '2;\n{}\r\n0\r\n\r\n'],
    ['chunk with an extension of 20 KB', `2;${'a'.repeat(20_000)}\r\n{}\r\n0\r\n\r\n`],
    ['length among the trailers', '2\r\n{}\r\n0\r\nContent-Length: 5\r\n\r\n'],
  ].map(
    ([name, body]) =>
      ({ row: 1, name, send: join([CHUNKED], body), answers: gateway('400 malformed-request') }) as Attack,
  ),

  { row: 2, name: 'a header of 17 KB', send: () => live(`X: ${'a'.repeat(17_000)}`), answers: TOO_LARGE },
  {
    row: 2,
    name: 'a target of 20 KB',
    send: () => request('GET', `/livez?${'a'.repeat(20_000)}`),
    answers: TOO_LARGE,
  },
  {
    row: 2,
    name: '3,000 headers',
    send: () => live(...Array.from({ length: 3_000 }, (_, index) => `a${index}:`)),
    answers: TOO_LARGE,
  },
  {
    row: 2,
    name: 'trailers of 20 KB',
    send: join([CHUNKED], `2\r\n{}\r\n0\r\nA: ${'b'.repeat(20_000)}\r\n\r\n`),
    answers: gateway('431 headers-too-large'),
  },

  {
    row: 3,
    name: 'TRACE',
    send: () => request('TRACE', '/livez'),
    answers: { gateway: ['405 method-not-allowed'], booking: ['401 gate-required'] },
  },
  {
    row: 3,
    name: 'PURGE',
    send: ({ sale }) => request('PURGE', `/api/sales/${sale}`),
    answers: { gateway: ['405 method-not-allowed'], booking: ['401 gate-required'] },
  },
  { row: 3, name: 'CONNECT to elsewhere', send: () => request('CONNECT', '127.0.0.1:22'), answers: both() },
  { row: 3, name: 'CONNECT to a gated path', send: (w) => request('CONNECT', seats(w)), answers: both() },
  { row: 3, name: 'an unknown method', send: () => request('FOO', '/livez'), answers: MALFORMED },
  { row: 3, name: 'a method in small letters', send: () => request('get', '/livez'), answers: MALFORMED },
  { row: 3, name: 'OPTIONS *', send: () => request('OPTIONS', '*'), answers: MALFORMED },
  {
    row: 3,
    name: 'a method that a header overrides',
    send: (world) =>
      request('POST', seats(world), [
        ...asAttacker(world, 'gateway'),
        'X-HTTP-Method-Override: GET',
        'Content-Length: 0',
      ]),
    answers: gateway('405 method-not-allowed'),
  },

  {
    row: 4,
    name: 'an upgrade to h2c',
    send: (world) =>
      request('GET', seats(world), [
        'Connection: Upgrade, HTTP2-Settings',
        'Upgrade: h2c',
        'HTTP2-Settings: AAMAAABk',
      ]),
    answers: both('401 gate-required'),
  },
  {
    row: 4,
    name: 'an upgrade to a web socket',
    send: (world) =>
      request('GET', seats(world), ['Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Key: x']),
    answers: both('401 gate-required'),
  },
  {
    row: 4,
    name: 'HTTP/2 by prior knowledge',
    send: () => 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
    answers: MALFORMED,
  },

  {
    row: 6,
    name: 'a body that says it is too large',
    send: (world, at) =>
      request(
        'POST',
        holds(world),
        [...asAttacker(world, at), JSON_TYPE, `Content-Length: ${10 ** 10}`],
        '{}',
      ),
    answers: both('413 too-large'),
  },
  {
    row: 6,
    name: 'chunks that are too large together',
    send: (world, at) =>
      request(
        'POST',
        holds(world),
        [...asAttacker(world, at), JSON_TYPE, CHUNKED],
        `${chunk(' '.repeat(1_024)).repeat(BODY_BYTES_MAX / 1_024 + 1)}0\r\n\r\n`,
      ),
    answers: both('413 too-large'),
  },
  {
    row: 6,
    name: 'a form that is too large',
    send: ({ sale }) =>
      request(
        'POST',
        `/sales/${sale}/join`,
        ['Content-Type: application/x-www-form-urlencoded', 'Content-Length: 20000'],
        'a=',
      ),
    answers: gateway('413 too-large'),
  },
  {
    row: 6,
    name: 'a body where none is read, without end',
    send: (world) =>
      request(
        'DELETE',
        `${holds(world)}/abc`,
        [...asAttacker(world, 'gateway'), `Content-Length: ${10 ** 10}`],
        'a',
      ),
    answers: gateway('404 not-found'),
    reaches: 1,
  },

  {
    row: 7,
    name: 'somebody else’s request between two of an admitted fan',
    send: (world, at) => {
      const own = request('GET', seats(world), asAttacker(world, at));
      return own + request('GET', seats(world)) + own;
    },
    answers: both('200', '401 gate-required', '200'),
    reaches: 2,
  },
  {
    row: 7,
    name: 'a request in the body of one that has none',
    send: (world, at) => {
      const inner = request('GET', seats(world), asAttacker(world, at));
      return request('GET', '/livez', [`Content-Length: ${inner.length}`], inner);
    },
    answers: both('200'),
  },
  {
    row: 7,
    name: 'a hold without a token behind a refused one of an admitted fan',
    send: (world, at) => {
      const refused = '{"seats":["nowhere"]}';
      const wanted = '{"seats":["A-1-1"]}';
      return (
        request('POST', holds(world), [...asAttacker(world, at), ...withJson(refused)], refused) +
        request('POST', holds(world), withJson(wanted), wanted)
      );
    },
    answers: both('422 invalid-field', '401 gate-required'),
    reaches: 1,
  },

  {
    row: 'also',
    name: 'Expect: 100-continue with a body that is too large',
    send: (world, at) =>
      request('POST', holds(world), [
        ...asAttacker(world, at),
        JSON_TYPE,
        'Expect: 100-continue',
        'Content-Length: 200000',
      ]),
    answers: both('100', '413 too-large'),
  },
  {
    row: 'also',
    name: 'an unknown expectation',
    send: join(['Expect: more', 'Content-Length: 2'], '{}'),
    answers: MALFORMED,
  },
  {
    row: 'also',
    name: 'credentials among the trailers',
    send: (world) =>
      request(
        'POST',
        holds(world),
        [JSON_TYPE, CHUNKED],
        `2\r\n{}\r\n0\r\n${asAttacker(world, 'booking').join('\r\n')}\r\n\r\n`,
      ),
    answers: both('401 gate-required'),
  },
  {
    row: 'also',
    name: 'compressed JSON, which nobody unpacks',
    send: (world, at) =>
      request(
        'POST',
        holds(world),
        [...asAttacker(world, at), JSON_TYPE, 'Content-Encoding: gzip', 'Content-Length: 4'],
        '\x1f\x8b\x08\x00',
      ),
    answers: both('400 malformed-request'),
    reaches: 1,
  },
  {
    row: 'also',
    name: 'as many bytes of headers as there may be, all cookies',
    send: (world) => request('GET', seats(world), [`Cookie: ${'=;'.repeat((HEADER_BYTES_MAX - 200) / 2)}`]),
    answers: both('401 gate-required'),
  },
  {
    row: 'also',
    name: 'the door’s own headers named as hop-by-hop',
    send: (world) =>
      request('GET', seats(world), [
        ...asAttacker(world, 'gateway'),
        'Connection: close, x-internal-key, x-internal-admission, authorization',
      ]),
    answers: gateway('200'),
    reaches: 1,
  },
  {
    row: 'also',
    name: 'the door’s own headers named as hop-by-hop, past the door',
    send: (world) => request('GET', seats(world), ['Connection: close, x-internal-key', 'X-Internal-Key: a']),
    answers: booking('401 gate-required'),
  },
];

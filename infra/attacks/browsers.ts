import { type Attack, authorization, both, gateway, JSON_TYPE, request, withJson } from './attack.ts';
import { type World, WRONG_CREDENTIALS_MAX } from './world.ts';

const FORM_TYPE = 'Content-Type: application/x-www-form-urlencoded';
const SEAT = '{"seats":["A-1-1"]}';

type Cookies = { queue?: string; admission?: string };
const cookie = (sale: string, cookies: Cookies): string =>
  `Cookie: a=b; ${Object.entries(cookies)
    .map(([name, value]) => `${name}-${sale}=${value}`)
    .join('; ')}`;
const ofAttacker = ({ sale, attacker }: World): string =>
  cookie(sale, { queue: attacker.queueTicket, admission: attacker.admissionCookie });

/** What a page of elsewhere could make the browser of somebody who is admitted do. */
const CHANGES: [what: string, method: string, path: string, headers: string[], body: string][] = [
  ['a join', 'POST', '/queue', withJson('{}'), '{}'],
  ['a claim', 'POST', '/queue/me/claim', withJson('{}'), '{}'],
  ['a leave', 'DELETE', '/queue/me', [], ''],
  ['a hold', 'POST', '/holds', withJson(SEAT), SEAT],
  ['a release', 'DELETE', '/holds/AAAAAAAAAAAAAAAAAAAAAA', [], ''],
  ['an order', 'POST', '/orders', [...withJson('{}'), 'Idempotency-Key: k'], '{}'],
];
const ELSEWHERE: [string, string[]][] = [
  ['another site', ['Sec-Fetch-Site: cross-site', 'Origin: https://evil.example']],
  ['a neighbour', ['Sec-Fetch-Site: same-site', 'Origin: http://neighbour.shop']],
  ['another origin of an older browser', ['Origin: https://evil.example']],
  ['Origin: null', ['Origin: null']],
  ['two origins, ours among them', ['Origin: http://shop', 'Origin: https://evil.example']],
  ['two Sec-Fetch-Site, one of them ours', ['Sec-Fetch-Site: same-origin', 'Sec-Fetch-Site: cross-site']],
];

/** What an organiser with a key, or somebody without, asks of the API. */
const organise = (
  row: number,
  name: string,
  method: string,
  path: string,
  json: string,
  answer: string,
): Attack => ({
  row,
  name,
  send: ({ shop, sale }) =>
    request(
      method,
      `/api/organiser/${path.replace(':sale', sale)}`,
      [authorization(shop.organiserKey), ...withJson(json)],
      json,
    ),
  answers: gateway(answer),
});

const WRONG_TICKETS = 30;

/** One after another over one connection, each with another address wherever somebody might look for it. */
const wrongTicketsFrom =
  (address: string) =>
  ({ sale }: World): string =>
    Array.from({ length: WRONG_TICKETS }, (_, index) => {
      const forged = `198.51.100.${index}`;
      return request('GET', `/api/sales/${sale}/queue/me`, [
        `X-Forwarded-For: ${forged}, 192.0.2.${index}`,
        `X-Forwarded-For: ${address}`,
        `Forwarded: for=${forged}`,
        `X-Real-IP: ${forged}`,
        `X-Client-IP: ${forged}`,
        `True-Client-IP: ${forged}`,
        authorization('x'),
      ]);
    }).join('');

/** Rows 9, 42 to 44, 46 and 48: what comes from browsers, and from organisers. */
export const browsers: Attack[] = [
  // Who believes whom, by every kind of address: gateway/limits/client-address.test.ts.
  {
    row: 9,
    name: 'wrong tickets under ever new addresses count for the one that our proxy saw',
    send: wrongTicketsFrom('203.0.113.9'),
    answers: gateway(
      ...Array(WRONG_CREDENTIALS_MAX).fill('401 token-invalid'),
      ...Array(WRONG_TICKETS - WRONG_CREDENTIALS_MAX).fill('429 rate-limited'),
    ),
  },
  {
    row: 9,
    name: 'a right ticket from there is still good',
    send: ({ sale, attacker }) =>
      request('GET', `/api/sales/${sale}/queue/me`, [
        'X-Forwarded-For: 203.0.113.9',
        authorization(attacker.queueTicket),
      ]),
    answers: gateway('200'),
  },
  {
    row: 9,
    name: 'a neighbour of theirs has a count of their own',
    send: ({ sale }) =>
      request('GET', `/api/sales/${sale}/queue/me`, ['X-Forwarded-For: 203.0.113.10', authorization('x')]),
    answers: gateway('401 token-invalid'),
  },
  {
    row: 9,
    name: 'two hundred headers before the one that our proxy added',
    send: ({ sale }) =>
      request('GET', `/api/sales/${sale}/queue/me`, [
        authorization('x'),
        ...Array.from({ length: 200 }, (_, index) => `a${index}:`),
        'X-Forwarded-For: 203.0.113.9',
      ]),
    answers: gateway('431 headers-too-large'),
  },

  // Every form of every page: infra/journeys/pages/page-security.test.ts.
  ...ELSEWHERE.flatMap(([where, headers]) =>
    CHANGES.map(
      ([what, method, path, own, body]): Attack => ({
        row: 42,
        name: `${what} from ${where}, with the cookies`,
        send: (world) =>
          request(method, `/api/sales/${world.sale}${path}`, [ofAttacker(world), ...headers, ...own], body),
        answers: gateway('403 forbidden'),
      }),
    ),
  ),
  ...[
    'text/plain',
    'multipart/form-data; boundary=x',
    'application/x-www-form-urlencoded',
    'application/jsonp',
    'text/json',
  ].map(
    (type): Attack => ({
      row: 42,
      name: `a join as ${type}, as forms can send it`,
      send: ({ sale }) =>
        request('POST', `/api/sales/${sale}/queue`, [`Content-Type: ${type}`, 'Content-Length: 2'], '{}'),
      answers: gateway('415 unsupported-media-type'),
    }),
  ),
  {
    row: 42,
    name: 'a hold as text/plain, as forms can send it',
    send: (world) =>
      request(
        'POST',
        `/api/sales/${world.sale}/holds`,
        [ofAttacker(world), 'Content-Type: text/plain', `Content-Length: ${SEAT.length}`],
        SEAT,
      ),
    answers: gateway('415 unsupported-media-type'),
    reaches: 1,
  },
  {
    row: 42,
    name: 'two types, one of them JSON',
    send: ({ sale }) =>
      request(
        'POST',
        `/api/sales/${sale}/queue`,
        ['Content-Type: text/plain', JSON_TYPE, 'Content-Length: 2'],
        '{}',
      ),
    answers: gateway('415 unsupported-media-type'),
  },
  {
    row: 42,
    name: 'the question of a browser whether another site may',
    send: ({ sale }) =>
      request('OPTIONS', `/api/sales/${sale}/queue`, [
        'Origin: https://evil.example',
        'Access-Control-Request-Method: POST',
      ]),
    answers: gateway('405 method-not-allowed'),
  },
  {
    row: 42,
    name: 'a form from another site',
    send: (world) =>
      request('POST', `/sales/${world.sale}/leave`, [
        ofAttacker(world),
        'Origin: https://evil.example',
        FORM_TYPE,
        'Content-Length: 0',
      ]),
    answers: gateway('403 forbidden'),
  },

  // With every token that there is, whatever it is worth: gateway/organiser/routes.test.ts. A default key in production:
  // what the services refuse to start with has tests of its own.
  ...(['queueTicket', 'admissionToken'] as const).map(
    (credential): Attack => ({
      row: 43,
      name: `a fan’s ${credential} as an organiser’s key`,
      send: ({ sale, attacker }) =>
        request(
          'POST',
          `/api/organiser/sales/${sale}/close`,
          [authorization(attacker[credential]), ...withJson('{}')],
          '{}',
        ),
      answers: gateway('403 forbidden'),
    }),
  ),
  ...[
    ['no key', []],
    ['the key in a cookie', ['Cookie: organiser=x']],
    ['half a key', ['Authorization: Bearer']],
    ['a wrong key', [authorization('A'.repeat(43))]],
  ].map(
    ([name, headers]) =>
      ({
        row: 43,
        name,
        send: ({ sale }: World) =>
          request(
            'POST',
            `/api/organiser/sales/${sale}/close`,
            [...(headers as string[]), ...withJson('{}')],
            '{}',
          ),
        answers: gateway('401 organiser-required'),
      }) as Attack,
  ),

  // Every setting by its name: gateway/organiser/routes.test.ts.
  ...['-1', '0.5', '1e9', '"5"', 'null', '1e400', '[5]'].map((capacity) =>
    organise(
      44,
      `a capacity of ${capacity}`,
      'PATCH',
      'sales/:sale',
      `{"version":1,"capacity":${capacity}}`,
      '422 invalid-field',
    ),
  ),
  organise(
    44,
    'a capacity of NaN',
    'PATCH',
    'sales/:sale',
    '{"version":1,"capacity":NaN}',
    '400 malformed-request',
  ),
  organise(
    44,
    'a rate of 0',
    'PATCH',
    'sales/:sale',
    '{"version":1,"admitPerMinute":0}',
    '422 invalid-field',
  ),
  organise(
    44,
    'a close before the opening',
    'PATCH',
    'sales/:sale',
    '{"version":1,"closesAt":"2020-01-01T00:00:00Z"}',
    '422 invalid-field',
  ),
  organise(
    44,
    '200,000 seats in a row',
    'POST',
    'events',
    JSON.stringify({
      ...{ name: 'x', venue: 'x', startsAt: '2099-01-01T00:00:00Z', timeZone: 'UTC' },
      sections: [{ name: 'A', rows: 1, seatsPerRow: 200_000, price: { amount: 1, currency: 'EUR' } }],
    }),
    '422 invalid-field',
  ),

  // Row 46, what shared caches may keep, is a test of its own. Row 48, a session that ends in mid-checkout: an admission with a
  // live hold goes on until the hold ends (gateway/admission/admission.test.ts), at its end the door says 401
  // (gateway/door/withdrawn.test.ts), and the hold lives its own time (booking-service/hold/hold.test.ts).

  ...[
    ['the wrong cookie before the right one', (right: string) => ['x', right], '401 gate-required', 0],
    ['the right cookie before a wrong one', (right: string) => [right, 'x'], '200', 1],
    ['the right cookie in quotes', (right: string) => [`"${right}"`], '401 gate-required', 0],
  ].map(
    ([name, values, answer, reaches]) =>
      ({
        row: 'also',
        name,
        send: ({ sale, attacker }: World) => {
          const all = (values as (right: string) => string[])(attacker.admissionCookie);
          const header = all.map((value) => `admission-${sale}=${value}`).join('; ');
          return request('GET', `/api/sales/${sale}/seats?limit=1`, [`Cookie: ${header}`]);
        },
        answers: gateway(answer as string),
        reaches,
      }) as Attack,
  ),
  {
    row: 'also',
    name: 'a token where its cookie would be',
    send: ({ sale, attacker }) =>
      request('GET', `/api/sales/${sale}/seats?limit=1`, [
        `Cookie: admission-${sale}=${attacker.admissionToken}`,
      ]),
    answers: gateway('401 gate-required'),
  },
  {
    row: 'also',
    name: 'the right cookie from a browser of another name',
    send: (world) =>
      request('GET', `/api/sales/${world.sale}/seats?limit=1`, [ofAttacker(world), 'User-Agent: Another']),
    answers: gateway('401 gate-required'),
  },
  {
    row: 'also',
    name: 'a right cookie beside a wrong header: the header counts',
    send: (world) =>
      request('GET', `/api/sales/${world.sale}/seats`, [ofAttacker(world), authorization('x')]),
    answers: gateway('401 token-invalid'),
  },
  ...[
    ['a range of seats', 'Range: bytes=0-10', '200'],
    [
      'a thousand tags',
      `If-None-Match: ${Array.from({ length: 1_000 }, (_, tag) => `"${tag}"`).join(',')}`,
      '200',
    ],
    ['a tag that is none', 'If-None-Match: \xff"', '200'],
    ['a condition that seats cannot meet', 'If-Match: "x"', '200'],
    ['encodings that are none', 'Accept-Encoding: gzip;q=999, \xff, br;q=-1', '200'],
    ['a request id of 5 KB', `X-Request-Id: ${'k'.repeat(5_000)}`, '200'],
  ].map(
    ([name, header, answer]) =>
      ({
        row: 'also',
        name,
        send: (world: World) =>
          request('GET', `/api/sales/${world.sale}/seats`, [ofAttacker(world), header as string]),
        answers: gateway(answer as string),
        reaches: 1,
      }) as Attack,
  ),
  ...[
    ['an idempotency key of 5 KB', 'k'.repeat(5_000)],
    ['an idempotency key that is no ASCII', '\xe9\xff'],
  ].map(
    ([name, key]) =>
      ({
        row: 'also',
        name,
        send: ({ sale }: World) =>
          request('POST', `/api/sales/${sale}/queue`, [`Idempotency-Key: ${key}`, ...withJson('{}')], '{}'),
        answers: gateway('422 invalid-field'),
      }) as Attack,
  ),
  {
    row: 'also',
    name: 'the queue page with a script in its address',
    send: ({ sale }) => request('GET', `/sales/${sale}?lang=%22%3E%3Cscript%3E`),
    answers: { gateway: both('200').gateway as string[] },
  },
];

import {
  type Attack,
  asAttacker,
  authorization,
  booking,
  both,
  gateway,
  request,
  withJson,
} from './attack.ts';
import type { World } from './world.ts';

const NOT_FOUND = gateway('404 not-found');
const GATED = gateway('401 gate-required');

/** As an admitted fan: only what is not an address is refused to them. */
const shopping = (method: string, targetOf: (sale: string) => string) => (world: World) =>
  request(method, targetOf(world.sale), asAttacker(world, 'gateway'));
const look = (targetOf: (sale: string) => string) => shopping('GET', targetOf);
const queue = (target: string) => (world: World) =>
  request('GET', target, [authorization(world.attacker.queueTicket)]);

/** What a stranger dresses up in to look like the gateway, or like somebody it has let in. */
const DRESSED = [
  'X-Admitted-User: me',
  'X_Admitted_User: me',
  'X-Internal-Admission: live',
  'X_Internal_Admission: live',
  'X-Internal-Left: 600000',
  'X-Internal-Organiser: me',
  'X-Forwarded-User: me',
];

/** Rows 8, 10 to 14 and 45: which way leads past the door. Row 9 stands in browsers.ts. */
export const pathsAndDoor: Attack[] = [
  {
    row: 8,
    name: 'headers of the door’s own from outside',
    send: ({ sale, shop }) =>
      request('GET', `/api/sales/${sale}/seats`, [...DRESSED, `X-Internal-Key: ${shop.internalSecret}`]),
    answers: both('401 gate-required'),
  },
  {
    row: 8,
    name: 'headers of the door’s own, and no key',
    send: (world) =>
      request('POST', '/internal/events', [authorization(world.attacker.admissionToken), ...DRESSED]),
    answers: { gateway: ['404 not-found'], booking: ['401 gate-required'] },
  },

  ...[
    ['two slashes', (sale: string) => `//api/sales/${sale}/seats`],
    ['two slashes within', (sale: string) => `/api/sales//${sale}/seats`],
    ['capitals', (sale: string) => `/API/sales/${sale}/seats`],
    ['an encoded slash', (sale: string) => `/api%2fsales/${sale}/seats`],
    ['a dot behind', (sale: string) => `/api/sales/${sale}/seats.`],
    ['a slash behind', (sale: string) => `/api/sales/${sale}/seats/`],
    ['a space behind', (sale: string) => `/api/sales/${sale}/seats%20`],
    ['NUL behind', (sale: string) => `/api/sales/${sale}/seats%00`],
    ['a parameter behind', (sale: string) => `/api/sales/${sale}/seats;a`],
    ['an encoded question mark', (sale: string) => `/api/sales/${sale}/seats%3fstatus=open`],
    ['an encoded slash before the last part', (sale: string) => `/api/sales/${sale}%2fseats`],
    ['the services’ own address', () => '/internal/stock'],
    ['the services’ own address, encoded', () => '/%69nternal/stock'],
    ['the services’ own address below the sale', (sale: string) => `/api/sales/${sale}/internal`],
  ].map(([name, target]) => ({ row: 10, name, send: look(target as never), answers: NOT_FOUND }) as Attack),
  ...[
    ['a backslash', (sale: string) => `/api\\sales/${sale}/seats`],
    ['a wide slash', (sale: string) => `/api/sales/${sale}/\xef\xbc\x8fseats`],
    ['no slash at all', () => 'api/sales'],
  ].map(
    ([name, target]) =>
      ({ row: 10, name, send: look(target as never), answers: gateway('400 malformed-request') }) as Attack,
  ),
  ...[
    ['dots that lead back to the door', (sale: string) => `/api/x/../sales/${sale}/seats`],
    ['encoded dots that lead back to the door', (sale: string) => `/internal/%2e%2e/api/sales/${sale}/seats`],
    ['an encoded letter', (sale: string) => `/api/sales/${sale}/%73eats`],
  ].map(
    ([name, target]) =>
      ({
        row: 10,
        name,
        send: ({ sale }: World) => request('GET', (target as (sale: string) => string)(sale)),
        answers: GATED,
      }) as Attack,
  ),

  ...[
    ['encoded dots and slashes', '..%2f..%2finternal%2fstock'],
    ['dots encoded twice', '%252e%252e%252finternal'],
    ['dots in too many bytes', '%c0%ae%c0%ae%c0%af'],
    ['encoded backslashes', '..%5c..%5cinternal'],
    ['dots', '../../../../internal/stock'],
    ['a line end', 'a%0d%0aX-Internal-Admission:%20live'],
    ['an id that is too long', 'a'.repeat(41)],
    ['half an encoding', '%'],
    ['no encoding', '%zz'],
    ['an ellipsis', '%E2%80%A6'],
  ].map(
    ([name, id]) =>
      ({
        row: 11,
        name: `${name} in the place of an order`,
        send: look((sale) => `/api/sales/${sale}/orders/${id}`),
        answers: NOT_FOUND,
      }) as Attack,
  ),
  {
    row: 11,
    name: 'encoded dots and slashes in the place of a hold',
    send: shopping('DELETE', (sale) => `/api/sales/${sale}/holds/..%2f..%2finternal`),
    answers: NOT_FOUND,
  },
  {
    row: 11,
    name: 'encoded dots and slashes in the place of a sale',
    send: look(() => '/api/sales/..%2f..%2finternal/seats'),
    answers: gateway('401 token-invalid'),
  },

  {
    row: 12,
    name: 'a foreign host in the target',
    send: (world) =>
      request('GET', `http://evil.example/api/sales/${world.sale}/seats`, ['X-Forwarded-Host: evil.example']),
    answers: both('401 gate-required'),
  },
  ...(['', '/draw', '/seats', '/place'] as const).map(
    (page): Attack => ({
      row: 12,
      name: `a foreign host for the page of the sale${page}`,
      send: ({ sale }) =>
        request('GET', `http://evil.example/sales/${sale}${page}`, [
          'X-Forwarded-Host: evil.example',
          'X-Forwarded-Proto: https',
          'Forwarded: host=evil.example',
          'Accept: text/html',
        ]),
      answers: gateway(page === '/seats' ? '303' : '200'),
    }),
  ),
  {
    row: 12,
    name: 'the booking service, with a user’s name, in the target',
    send: ({ shop }) => request('GET', `http://admin:x@${new URL(shop.bookingUrl).host}/internal/stock`),
    answers: { gateway: ['404 not-found'], booking: ['401 gate-required'] },
  },
  ...['file:///etc/passwd', 'gopher://127.0.0.1/', '*', 'javascript:alert(1)'].map(
    (target): Attack => ({
      row: 12,
      name: `${target} as the target`,
      send: () => request('GET', target),
      answers: both('400 malformed-request'),
    }),
  ),

  ...['HEAD', 'OPTIONS'].map(
    (method): Attack => ({
      row: 13,
      name: `${method} on a gated path`,
      send: ({ sale }) => request(method, `/api/sales/${sale}/seats`),
      answers: { gateway: [method === 'HEAD' ? '401' : '401 gate-required'] },
    }),
  ),

  // Without a key and with a wrong one, every address of its own: booking-service/caller/caller.test.ts.
  {
    row: 14,
    name: 'an admission of the sale, and no key',
    send: ({ sale, attacker }) =>
      request('GET', `/api/sales/${sale}/seats`, [authorization(attacker.admissionToken), ...DRESSED]),
    answers: booking('401 gate-required'),
  },
  {
    row: 14,
    name: 'an admission of the sale, and a key that is nearly right',
    send: ({ sale, attacker, shop }) =>
      request(
        'POST',
        `/api/sales/${sale}/holds`,
        [
          ...DRESSED,
          authorization(attacker.admissionToken),
          `X-Internal-Key: ${shop.internalSecret.slice(0, -1)}`,
          ...withJson('{}'),
        ],
        '{}',
      ),
    answers: booking('401 gate-required'),
  },
  {
    row: 14,
    name: 'the right key twice',
    send: ({ shop }) =>
      request('GET', '/internal/stock', Array(2).fill(`X-Internal-Key: ${shop.internalSecret}`)),
    answers: booking('401 gate-required'),
  },

  // At every address, with the count of keys: gateway/app.test.ts.
  ...[
    'nosuchsale',
    '__proto__',
    'constructor',
    'toString',
    '{sale}',
    '%7bdemo%7d',
    '%2a',
    'a%0ab',
    'x'.repeat(200),
  ].flatMap((sale): Attack[] => [
    {
      row: 45,
      name: `joining the sale ${sale.slice(0, 20)}`,
      send: () => request('POST', `/api/sales/${sale}/queue`, withJson('{}'), '{}'),
      answers: gateway('404 not-found'),
    },
    {
      row: 45,
      name: `what is known of the sale ${sale.slice(0, 20)}`,
      send: () => request('GET', `/api/sales/${sale}`),
      answers: gateway('404 not-found'),
    },
    {
      row: 45,
      name: `polling the sale ${sale.slice(0, 20)} with a ticket of another`,
      send: queue(`/api/sales/${sale}/queue/me?version=0`),
      answers: gateway('401 token-invalid'),
    },
  ]),

  ...[
    ['a host that is no ASCII', '\xc3\xa9vil.example'],
    ['a host with a path', 'evil.example/a'],
    ['a host with a user', 'a@evil.example'],
    ['a host with a port beyond ports', 'a:99999'],
    ['a host with a line end', 'a%0d%0ab'],
  ].map(
    ([name, host]) =>
      ({
        row: 'also',
        name,
        send: () => `GET /livez HTTP/1.1\r\nHost: ${host}\r\n\r\n`,
        answers: both('400 malformed-request'),
      }) as Attack,
  ),
  {
    row: 'also',
    name: 'an encoded id, as if it were another sale',
    send: look((sale) => `/api/sales/%${sale.charCodeAt(0).toString(16)}${sale.slice(1)}/seats?limit=1`),
    answers: gateway('200'),
    reaches: 1,
  },
  ...[
    '__proto__[x]=1',
    'section[]=A',
    'section=%zz',
    'section=%ff',
    'limit=-1',
    'since=1e400',
    'limit=1%0d%0aX:y',
  ].map(
    (query): Attack => ({
      row: 'also',
      name: `seats?${query}`,
      send: look((sale) => `/api/sales/${sale}/seats?${query}`),
      answers: gateway('422 invalid-field'),
      // With others who ask at the moment, and then alone, for it is not answered with seats.
      reaches: 2,
    }),
  ),
];

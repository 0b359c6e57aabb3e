import { asAttacker, authorization, JSON_TYPE, request } from './attack.ts';
import type { ServiceName, World } from './world.ts';

type Slow = {
  name: string;
  at: ServiceName;
  bytes: (world: World, at: ServiceName) => string;
  /** What comes a second. */
  piece: string;
};

const at = (service: ServiceName): Slow[] => [
  { name: 'nothing', at: service, bytes: () => '', piece: '' },
  { name: 'line ends', at: service, bytes: () => '', piece: '\r\n' },
  { name: 'a header', at: service, bytes: () => 'GET /livez HTTP/1.1\r\nHost: shop\r\nX: ', piece: 'a' },
  {
    name: 'a body',
    at: service,
    bytes: (world) => holds(world, service, 'Content-Length: 1000'),
    piece: 'a',
  },
  {
    name: 'chunks',
    at: service,
    bytes: (world) => holds(world, service, 'Transfer-Encoding: chunked'),
    piece: '1\r\na\r\n',
  },
];
const holds = (world: World, service: ServiceName, length: string): string =>
  request('POST', `/api/sales/${world.sale}/holds`, [...asAttacker(world, service), JSON_TYPE, length]);

/** Row 5: what comes so slowly that it would never end. */
export const slow: Slow[] = [
  ...at('gateway'),
  ...at('booking'),
  {
    name: 'a form',
    at: 'gateway',
    bytes: ({ sale }) =>
      request('POST', `/sales/${sale}/join`, [
        'Content-Type: application/x-www-form-urlencoded',
        'Content-Length: 1000',
      ]),
    piece: 'a',
  },
];

/** A stream that was opened by a request whose body never ends. */
export const slowlyOpenedStream = ({ sale, attacker }: World): string =>
  request('GET', `/api/sales/${sale}/queue/stream`, [
    authorization(attacker.queueTicket),
    'Content-Length: 1000',
  ]);

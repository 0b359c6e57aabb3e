import { idPattern } from '#shared/ids.ts';

/** What an admission that is no longer live may still do. */
type Afterwards = 'nothing' | 'read' | 'replay';

export type DoorRoute = {
  method: 'GET' | 'POST' | 'DELETE';
  /** As the gateway's router knows it, and as the booking service does. */
  path: string;
  /** Writes ask Redis whether the admission is live; reads may go by what was true a moment ago. */
  writes: boolean;
  startsPayment: boolean;
  /** `read`: the fan's own orders. `replay`: a request whose idempotency key is known already; nothing new. */
  afterwards: Afterwards;
  /** Whoever is let in is told the same, so it is asked once for all (shared-reads.ts). */
  sameForAll: boolean;
};

const sale = '/api/sales/:sale';

/** Everything that passes the door. What is not here does not reach the booking service. */
export const doorRoutes = {
  seats: route('GET', `${sale}/seats`, { sameForAll: true }),
  hold: route('POST', `${sale}/holds`),
  holds: route('GET', `${sale}/holds`),
  release: route('DELETE', `${sale}/holds/:hold`),
  order: route('POST', `${sale}/orders`, { startsPayment: true, afterwards: 'replay' }),
  orders: route('GET', `${sale}/orders`, { afterwards: 'read' }),
  orderStatus: route('GET', `${sale}/orders/:order`, { afterwards: 'read' }),
} as const;

function route(
  method: DoorRoute['method'],
  path: string,
  options: Partial<Pick<DoorRoute, 'startsPayment' | 'afterwards' | 'sameForAll'>> = {},
): DoorRoute {
  return {
    ...{ method, path, writes: method !== 'GET' },
    ...{ startsPayment: false, afterwards: 'nothing', sameForAll: false },
    ...options,
  };
}

/**
 * The target's path: the route's own, with ids that are nothing but ids in the places of its parameters. Null when one
 * of them is not an id.
 */
export function targetPath(doorRoute: DoorRoute, params: Record<string, string>): string | null {
  if (!Object.values(params).every((value) => idPattern.test(value))) return null;
  return doorRoute.path.replace(/:([a-z]+)/g, (_, name: string) => params[name] as string);
}

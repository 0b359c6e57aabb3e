import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Hono } from 'hono';
import type { Env } from 'hono/types';
import { counter, histogram } from './registry.ts';

const requests = counter(
  'admit_one_http_requests_total',
  'Requests by route, method and class of status (2xx …; aborted: the asker went away before the answer).',
  ['route', 'method', 'status'],
);
const durations = histogram(
  'admit_one_http_request_duration_seconds',
  'How long answers took, by route; streams, which have no end of their own, are left out.',
  ['route'],
);

const UNKNOWN_ROUTE = 'none';
const METHODS = new Set(['GET', 'HEAD', 'POST', 'PATCH', 'PUT', 'DELETE', 'OPTIONS']);
const CLASSES = ['', '1xx', '2xx', '3xx', '4xx', '5xx'];

/** Counts a request that has been answered; `startedAt` by performance.now(). */
export function countAnswered(
  route: string,
  { method = '' }: IncomingMessage,
  response: ServerResponse,
  startedAt: number,
): void {
  countOne(
    route,
    METHODS.has(method) ? method : 'other',
    response.writableEnded ? response.statusCode : null,
    startedAt,
  );
}

/** The same of one that came in another's body; `status` is null where nobody waited for the answer. */
export function countOne(route: string, method: string, status: number | null, startedAt: number): void {
  requests.count(route, method, status === null ? 'aborted' : (CLASSES[(status / 100) | 0] ?? 'other'));
  if (!route.endsWith('/stream')) durations.observe((performance.now() - startedAt) / 1000, route);
}

/** The pattern of a request's route, from the table by which the app finds it: nobody's ids, and as many as there are routes. */
export function routesOf<E extends Env>(app: Hono<E>): (request: IncomingMessage) => string {
  return ({ method = '', url = '' }) => {
    const mark = url.indexOf('?');
    const path = mark === -1 ? url : url.slice(0, mark);
    try {
      const [handlers] = app.router.match(method === 'HEAD' ? 'GET' : method, path);
      for (let i = handlers.length - 1; i >= 0; i -= 1) {
        const [, route] = (handlers[i] as unknown as [[unknown, { method: string; path: string }]])[0];
        // What stands before all methods decides about others' requests and answers none.
        if (route.method !== 'ALL') return route.path;
      }
    } catch {
      // A target that is none has no route.
    }
    return UNKNOWN_ROUTE;
  };
}

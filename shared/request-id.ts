import { randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { HttpBindings } from '@hono/node-server';
import type { Context } from 'hono';

export const REQUEST_ID = 'x-request-id';

/** What others call a request: long enough to be one, and nothing that a log or a header could stumble over. */
const GIVEN = /^[\w.-]{8,64}$/;
const PREFIX_BYTES = 6;

/** Of this process: what follows is counted, for each request has one. */
const prefix = randomBytes(PREFIX_BYTES).toString('base64url');
let made = 0;

export function newRequestId(): string {
  made += 1;
  return `${prefix}-${made}`;
}

type Named = IncomingMessage & { requestId?: string };

/** Gives a request its id: what it came with, where whoever sent it is believed, else one of ours. */
export function nameRequest(
  request: IncomingMessage,
  isBelieved: (request: IncomingMessage) => boolean,
): void {
  const given = request.headers[REQUEST_ID];
  const isGiven = typeof given === 'string' && GIVEN.test(given) && isBelieved(request);
  (request as Named).requestId = isGiven ? given : newRequestId();
}

/** By which the lines of all services about one request are found. */
export function requestIdOf(request: IncomingMessage): string {
  const named = request as Named;
  named.requestId ??= newRequestId();
  return named.requestId;
}

export function requestIdIn(c: Context): string {
  const incoming = (c.env as Partial<HttpBindings> | undefined)?.incoming;
  return incoming ? requestIdOf(incoming) : newRequestId();
}

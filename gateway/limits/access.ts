import type { IncomingMessage } from 'node:http';
import type { HttpBindings } from '@hono/node-server';
import type { Context } from 'hono';
import type { Problem } from '#shared/problem.ts';
import { clientAddresses, trustedProxies } from './client-address.ts';
import { type Limits, limitAddresses } from './limits.ts';

/** Where requests come from, and what may come from one place. */
export type Access = {
  /** Whether one of our own proxies passed the request on. */
  isFromTrustedProxy: (request: IncomingMessage) => boolean;
  /** Null without limits: see ClientAddress. */
  addressOf: (c: Context) => string | null;
  /** The same, ahead of the router. */
  addressOfRequest: (request: IncomingMessage) => string | null;
  join: Limits['join'];
  count: Limits['count'];
  /** What is answered to a request that fails with this problem. */
  failed: (c: Context, problem: Problem) => Problem;
  /** The same, ahead of the router, for a request that brought its key in a header. */
  failedAhead: (request: IncomingMessage, problem: Problem) => Problem;
  /** What a wrong key in a form is answered with: it counts like one in a header. */
  failedByForm: (c: Context, problem: Problem) => Problem;
};

/** Throws one EnvError for what cannot be read. */
export function watchAccess(env: {
  TRUSTED_PROXIES?: string | undefined;
  RATE_LIMITS?: string | undefined;
}): Access {
  const clientAddress = clientAddresses(env.TRUSTED_PROXIES ?? '');
  const limits = limitAddresses(env.RATE_LIMITS ?? '');
  const addressOf = (c: Context) => {
    const incoming = (c.env as Partial<HttpBindings> | undefined)?.incoming;
    return incoming ? clientAddress(incoming) : null;
  };
  return {
    addressOf,
    addressOfRequest: clientAddress,
    isFromTrustedProxy: trustedProxies(env.TRUSTED_PROXIES ?? ''),
    join: limits.join,
    count: limits.count,
    failed(c, problem) {
      // Who brings no key has not brought a wrong one.
      const isWithoutKey =
        problem.code === 'organiser-required' && c.req.header('authorization') === undefined;
      return isWithoutKey ? problem : limits.failed(addressOf(c), problem);
    },
    failedAhead: (request, problem) => limits.failed(clientAddress(request), problem),
    failedByForm: (c, problem) => limits.failed(addressOf(c), problem),
  };
}

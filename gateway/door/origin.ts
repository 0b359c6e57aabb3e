import type { MiddlewareHandler } from 'hono';
import { Problem } from '#shared/problem.ts';

const safeMethods = new Set(['GET', 'HEAD', 'OPTIONS']);

/**
 * Refuses requests that another site makes a fan's browser send with its cookies. Browsers say where a request comes
 * from in Sec-Fetch-Site (W3C Fetch Metadata), older ones in Origin; a bearer token is never sent unasked.
 */
export function refuseCrossSite(publicUrl: string): MiddlewareHandler {
  const publicHost = new URL(publicUrl).host;
  return async (c, next) => {
    const changes = !safeMethods.has(c.req.method);
    if (
      changes &&
      c.req.header('authorization') === undefined &&
      isCrossSite(c.req.header.bind(c.req), publicHost)
    ) {
      throw new Problem('forbidden', 'This request comes from another site.');
    }
    await next();
  };
}

function isCrossSite(header: (name: string) => string | undefined, publicHost: string): boolean {
  const site = header('sec-fetch-site');
  if (site !== undefined) return site !== 'same-origin' && site !== 'none';
  const origin = header('origin');
  if (origin === undefined) return false;
  const host = URL.canParse(origin) ? new URL(origin).host : null;
  return host === null || (host !== publicHost && host !== header('host'));
}

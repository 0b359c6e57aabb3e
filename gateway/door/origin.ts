import type { MiddlewareHandler } from 'hono';
import { Problem } from '#shared/problem.ts';

/** A year: long enough that nobody's first request of a tour goes unencrypted again (RFC 6797). */
const HTTPS_SECONDS = 365 * 24 * 3_600;

/** What every answer says to a browser: that it is what it is called and, behind https, never to ask without. */
export const safetyHeaders = (publicUrl: string): Record<string, string> => ({
  'x-content-type-options': 'nosniff',
  ...(publicUrl.startsWith('https:') ? { 'strict-transport-security': `max-age=${HTTPS_SECONDS}` } : {}),
});

type Own = { host: string; isSecure: boolean };

/** Where requests of our own pages come from. */
export function ownOrigin(publicUrl: string): Own {
  const { host, protocol } = new URL(publicUrl);
  return { host, isSecure: protocol === 'https:' };
}

const safeMethods = new Set(['GET', 'HEAD', 'OPTIONS']);

/**
 * Refuses requests that another site makes a fan's browser send with its cookies. Browsers say where a request comes
 * from in Sec-Fetch-Site (W3C Fetch Metadata), older ones in Origin; a bearer token is never sent unasked.
 */
export function refuseCrossSite(publicUrl: string): MiddlewareHandler {
  const own = ownOrigin(publicUrl);
  return async (c, next) => {
    const changes = !safeMethods.has(c.req.method);
    if (
      changes &&
      c.req.header('authorization') === undefined &&
      isCrossSite(c.req.header.bind(c.req), own)
    ) {
      throw new Problem('forbidden', 'This request comes from another site.');
    }
    await next();
  };
}

export function isCrossSite(header: (name: string) => string | undefined, own: Own): boolean {
  const site = header('sec-fetch-site');
  if (site !== undefined) return site !== 'same-origin' && site !== 'none';
  const origin = header('origin');
  if (origin === undefined) return false;
  const { host, protocol } = URL.canParse(origin) ? new URL(origin) : { host: null, protocol: null };
  // Without encryption anybody on the way writes the page that asks.
  if (host === null || (own.isSecure && protocol !== 'https:')) return true;
  return host !== own.host && host !== header('host');
}

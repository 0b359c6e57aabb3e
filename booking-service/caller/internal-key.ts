import { createHash, timingSafeEqual } from 'node:crypto';
import type { MiddlewareHandler } from 'hono';
import { internalHeaders } from '#shared/internal.ts';
import { Problem } from '#shared/problem.ts';

const digest = (value: string): Buffer => createHash('sha256').update(value).digest();

/**
 * Lets only the gateway in. Digests are compared, so that the time taken tells nothing about the secret and both sides
 * have one length.
 */
export function requireInternalKey(secret: string): MiddlewareHandler {
  const expected = digest(secret);
  return async (c, next) => {
    const given = c.req.header(internalHeaders.key);
    if (given === undefined || !timingSafeEqual(digest(given), expected)) {
      throw new Problem('gate-required', 'The booking service is reached through the gateway only.');
    }
    await next();
  };
}

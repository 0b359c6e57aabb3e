import { timingSafeEqual } from 'node:crypto';
import type { MiddlewareHandler } from 'hono';
import { internalHeaders } from '#shared/internal.ts';
import { Problem } from '#shared/problem.ts';

export type IsInternalKey = (given: string | undefined) => boolean;

/** Tells the gateway's key. The time taken tells nothing about the secret but its length, which is none. */
export function internalKeyCheck(secret: string): IsInternalKey {
  const expected = Buffer.from(secret);
  // A header's value is Latin-1: one byte a character.
  return (given) =>
    given?.length === expected.length && timingSafeEqual(Buffer.from(given, 'latin1'), expected);
}

/** Lets only the gateway in. */
export function requireInternalKey(isInternalKey: IsInternalKey): MiddlewareHandler {
  return async (c, next) => {
    if (!isInternalKey(c.req.header(internalHeaders.key))) {
      throw new Problem('gate-required', 'The booking service is reached through the gateway only.');
    }
    await next();
  };
}

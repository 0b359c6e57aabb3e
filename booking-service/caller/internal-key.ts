import { timingSafeEqual } from 'node:crypto';
import type { MiddlewareHandler } from 'hono';
import { internalHeaders } from '#shared/internal.ts';
import { Problem } from '#shared/problem.ts';

/** Lets only the gateway in. The time taken tells nothing about the secret but its length, which is none. */
export function requireInternalKey(secret: string): MiddlewareHandler {
  const expected = Buffer.from(secret);
  return async (c, next) => {
    const given = c.req.header(internalHeaders.key);
    // A header's value is Latin-1: one byte a character.
    const isRight =
      given?.length === expected.length && timingSafeEqual(Buffer.from(given, 'latin1'), expected);
    if (!isRight) {
      throw new Problem('gate-required', 'The booking service is reached through the gateway only.');
    }
    await next();
  };
}

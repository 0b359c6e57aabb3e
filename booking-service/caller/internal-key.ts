import { timingSafeEqual } from 'node:crypto';
import type { MiddlewareHandler } from 'hono';
import { internalHeaders } from '#shared/internal.ts';
import { Problem } from '#shared/problem.ts';
import { secretsOf } from '#shared/secrets.ts';

export type IsInternalKey = (given: string | undefined) => boolean;

/**
 * Tells the gateway's key, which may be any of several (secretsOf). The time taken tells nothing about a secret but its length,
 * which is none.
 */
export function internalKeyCheck(internalSecret: string): IsInternalKey {
  const secrets = secretsOf(internalSecret).map((secret) => Buffer.from(secret));
  return (given) => {
    if (given === undefined) return false;
    // A header's value is Latin-1: one byte a character.
    const key = Buffer.from(given, 'latin1');
    return secrets.some((secret) => secret.length === key.length && timingSafeEqual(secret, key));
  };
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

import { hash } from 'node:crypto';
import type { Context } from 'hono';
import { IdempotencyKey } from '#shared/contract/fields.ts';
import { Problem } from '#shared/problem.ts';

/** The request's Idempotency-Key, null without one; throws `malformed-request` for one that cannot be a key. */
export const idempotencyKey = (c: Context): string | null => keyOf(c.req.header('idempotency-key'));

export function keyOf(given: string | undefined): string | null {
  if (given === undefined) return null;
  const key = IdempotencyKey.safeParse(given);
  if (!key.success) throw malformed();
  return key.data;
}

/** The same where a request without a key must not be carried out. */
export function requiredIdempotencyKey(c: Context): string {
  const key = idempotencyKey(c);
  if (key === null) throw malformed();
  return key;
}

const malformed = (): Problem =>
  new Problem(
    'malformed-request',
    'An Idempotency-Key of up to 255 visible ASCII characters is needed here.',
  );

/** What tells one body under a key from another. */
export const requestDigest = (request: unknown): string =>
  hash('sha256', JSON.stringify(request), 'base64url');

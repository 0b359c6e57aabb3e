import type { Context } from 'hono';
import { internalHeaders } from '#shared/internal.ts';
import { Problem } from '#shared/problem.ts';

/**
 * The organiser's name as the gateway says it: percent-encoded, for a header carries no more than ASCII. Nothing that is
 * audited is done for somebody without a name: throws `malformed-request`.
 */
export function organiserOf(c: Context): string {
  const given = c.req.header(internalHeaders.organiser);
  if (given === undefined || given === '') throw nameless();
  try {
    return decodeURIComponent(given);
  } catch {
    throw nameless();
  }
}

const nameless = (): Problem => new Problem('malformed-request', 'An organiser must be named.');

import type { Context } from 'hono';
import { idPattern } from '#shared/ids.ts';
import { Problem } from '#shared/problem.ts';

/** Who asks, by the name of their key. */
export type OrganiserEnv = { Variables: { organiser: string } };

/** What organisers read is for them alone, and always as of now. */
export const answer = (c: Context, body: object, status: 200 | 201 = 200): Response => {
  c.header('cache-control', 'no-store');
  return c.json(body, status);
};

export function requireId(id: string): string {
  if (!idPattern.test(id)) throw new Problem('not-found', 'There is nothing at this address.');
  return id;
}

import type { Context } from 'hono';
import { idPattern } from '#shared/ids.ts';
import { Problem } from '#shared/problem.ts';

/** One answer for what is not there, what is not the asker's, and what cannot be an id at all. */
export const noSuch = (what: string): Problem => new Problem('not-found', `There is no such ${what}.`);

/** The id in a path, named after what it is the id of; whatever cannot be one is not asked for. */
export function pathId(c: Context, what: string): string {
  const id: string | undefined = c.req.param(what);
  if (id === undefined || !idPattern.test(id)) throw noSuch(what);
  return id;
}

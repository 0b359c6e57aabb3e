import type { Context, Hono } from 'hono';
import type { Env } from 'hono/types';
import type { Log } from './log.ts';
import { Problem, problemResponse } from './problem.ts';
import { requestIdIn } from './request-id.ts';

/** What any thrown thing looks like from outside: problems as they are, everything else as `unavailable`. */
export function asProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  return new Problem('unavailable', 'Something failed on our side. Please try again.', { cause: error });
}

/** The same, with an entry in the log where it is worth one. */
export function asLoggedProblem(
  error: unknown,
  log: Log,
  { requestId, method, path }: { requestId: string; method: string; path: string },
): Problem {
  const problem = asProblem(error);
  // A problem that was meant needs no entry; one with a cause within, or anything unexpected, does.
  if (problem.status === 503 && problem.cause !== undefined)
    log.error({ err: problem.cause, requestId, method, path }, problem.message);
  return problem;
}

/**
 * Gives an app the two answers it must have for everything it does not expect: problem documents for errors, 404 for
 * unknown paths and 405 with `Allow` for known paths asked with another method (RFC 9110 §15.5.6). `render` may answer
 * instead, in a form for people.
 */
export function answerWithProblems<E extends Env>(
  app: Hono<E>,
  log: Log,
  render: (c: Context, problem: Problem) => Promise<Response | null> = async () => null,
): void {
  const answer = async (c: Context, problem: Problem): Promise<Response> =>
    (await render(c, problem)) ?? problemResponse(problem);

  app.onError((error, c) => {
    const { method, path } = c.req;
    return answer(c, asLoggedProblem(error, log, { requestId: requestIdIn(c), method, path }));
  });
  let table: RouteTable | undefined;
  app.notFound(async (c) => {
    table ??= routeTable(app);
    const allowed = allowedMethods(table, c.req.path);
    if (allowed.length === 0) return answer(c, new Problem('not-found', 'There is nothing at this address.'));
    const offers = `This address offers ${allowed.join(', ')}.`;
    const response = await answer(c, new Problem('method-not-allowed', offers));
    response.headers.set('allow', allowed.join(', '));
    return response;
  });
}

type RouteTable = { method: string; pattern: RegExp }[];

const routeTable = <E extends Env>(app: Hono<E>): RouteTable =>
  app.routes
    .filter((route) => route.method !== 'ALL')
    .map((route) => ({ method: route.method, pattern: pathPattern(route.path) }));

const pathPattern = (path: string): RegExp => {
  const escaped = path.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  return new RegExp(`^${escaped.replace(/:[A-Za-z]+/g, '[^/]+')}$`);
};

const allowedMethods = (table: RouteTable, path: string): string[] => [
  ...new Set(table.filter((route) => route.pattern.test(path)).map((route) => route.method)),
];

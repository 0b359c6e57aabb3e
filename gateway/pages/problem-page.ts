import type { Context } from 'hono';
import { html } from 'hono/html';
import { type Problem, type ProblemCode, problemHeaders } from '#shared/problem.ts';
import { page } from './layout.ts';
import { localeOf } from './locale.ts';

const REFRESH_SECONDS = 5;

const backToQueue = new Set<ProblemCode>(['gate-required', 'token-invalid', 'already-finished']);

/**
 * A problem on a page, for people: without admission back to the queue, otherwise a page in plain words. Null where a
 * program asked, which gets the problem document.
 */
export async function pageProblem(c: Context, problem: Problem): Promise<Response | null> {
  const { path } = c.req;
  if (path.startsWith('/api/') || path.startsWith('/internal/')) return null;
  const sale = /^\/sales\/([A-Za-z0-9_-]+)\/./.exec(path)?.[1];
  if (sale && backToQueue.has(problem.code)) return c.redirect(`/sales/${sale}`, 303);
  if (!c.req.header('accept')?.includes('text/html')) return null;
  const { byCode, other, toQueue, toConcerts } = localeOf(c).texts.problem;
  const words: Partial<Record<ProblemCode, typeof other>> = byCode;
  const { title, text } = words[problem.code] ?? other;
  const response = await page(c, {
    title,
    status: problem.status,
    refreshSeconds: problem.status === 503 && c.req.method === 'GET' ? REFRESH_SECONDS : undefined,
    body: html`<h1>${title}</h1>
      <p>${text}</p>
      <p><a href="${sale ? `/sales/${sale}` : '/'}">${sale ? toQueue : toConcerts}</a></p>`,
  });
  const retryAfter = problemHeaders(problem)['retry-after'];
  if (retryAfter) response.headers.set('retry-after', retryAfter);
  return response;
}

import type { Context } from 'hono';
import { html } from 'hono/html';
import { type Problem, type ProblemCode, problemHeaders } from '#shared/problem.ts';
import { type Page, page } from './layout.ts';
import { type Locale, localeOf, withLanguage } from './locale.ts';

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
  if (sale && backToQueue.has(problem.code))
    return c.redirect(withLanguage(`/sales/${sale}`, localeOf(c)), 303);
  if (!c.req.header('accept')?.includes('text/html')) return null;
  const response = await page(c, {
    ...problemPage(problem.code, sale, localeOf(c)),
    status: problem.status,
    refreshSeconds: problem.status === 503 && c.req.method === 'GET' ? REFRESH_SECONDS : undefined,
  });
  const retryAfter = problemHeaders(problem)['retry-after'];
  if (retryAfter) response.headers.set('retry-after', retryAfter);
  return response;
}

/** What went wrong in plain words, and the way on: to the sale's queue, where it is about a sale. */
export function problemPage(code: ProblemCode, sale: string | undefined, locale: Locale): Page {
  const { byCode, other, toQueue, toConcerts } = locale.texts.problem;
  const words: Partial<Record<ProblemCode, typeof other>> = byCode;
  const { title, text } = words[code] ?? other;
  return {
    title,
    body: html`<h1>${title}</h1>
      <p>${text}</p>
      <p><a href="${withLanguage(sale ? `/sales/${sale}` : '/', locale)}">${sale ? toQueue : toConcerts}</a></p>`,
  };
}

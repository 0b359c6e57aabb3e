import type { Context } from 'hono';
import { type Problem, type ProblemCode, problems } from '#shared/problem.ts';
import { requestIdIn } from '#shared/request-id.ts';
import type { DoorAnswer } from '../door/door.ts';
import type { DoorRoute } from '../door/route-table.ts';
import { admissionTokenOfPage, type PageDeps } from './context.ts';
import type { Locale } from './locale.ts';

export type ShopRequest = {
  params?: Record<string, string>;
  query?: Record<string, string>;
  json?: unknown;
  key?: string;
  prefer?: string;
};

/** What a page asks of the shop goes through the same door as the API, with the admission in the browser's cookie. */
export function askShop(
  deps: PageDeps,
  c: Context,
  route: DoorRoute,
  request: ShopRequest = {},
): Promise<DoorAnswer> {
  const { params, query, json, key, prefer } = request;
  const sale = c.req.param('sale') as string;
  const headers: Record<string, string> = { accept: 'application/json' };
  if (json !== undefined) headers['content-type'] = 'application/json';
  if (key !== undefined) headers['idempotency-key'] = key;
  if (prefer !== undefined) headers.prefer = prefer;
  return deps.door.pass({
    route,
    params: { ...params, sale },
    token: admissionTokenOfPage(deps, c, sale),
    query: new URLSearchParams(query),
    requestId: requestIdIn(c),
    header: (name) => headers[name],
    body: json === undefined ? null : JSON.stringify(json),
  });
}

export const parsed = <Answer>(answer: DoorAnswer): Answer => JSON.parse(answer.body.toString()) as Answer;

/** A refusal of the shop, in words for the page that led to it. */
export type Refusal = { code: ProblemCode; text: string; status: Problem['status'] };

export function refusalOf(answer: DoorAnswer, { texts: { shop } }: Locale, { isBest = false } = {}): Refusal {
  const { code } = parsed<{ code: ProblemCode }>(answer);
  const ofBest: Partial<Record<ProblemCode, string>> = shop.refusalsOfBest;
  const ofAny: Partial<Record<ProblemCode, string>> = shop.refusals;
  const text = (isBest && ofBest[code]) || ofAny[code] || shop.refusals.other;
  return { code, text, status: problems[code].status };
}

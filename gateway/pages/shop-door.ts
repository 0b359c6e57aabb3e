import type { Context } from 'hono';
import { type Problem, type ProblemCode, problems } from '#shared/problem.ts';
import type { DoorAnswer } from '../door/door.ts';
import type { DoorRoute } from '../door/route-table.ts';
import { admissionTokenOfPage, type PageDeps } from './context.ts';

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
    header: (name) => headers[name],
    body: json === undefined ? null : JSON.stringify(json),
  });
}

export const parsed = <Answer>(answer: DoorAnswer): Answer => JSON.parse(answer.body.toString()) as Answer;

const texts: Partial<Record<ProblemCode, string>> = {
  'seats-taken': 'Someone was faster. Please choose other seats; nothing was held.',
  'limit-reached': 'That is more than one fan may buy in this sale.',
  'hold-lost': 'These seats are no longer held for you. Please choose again.',
  'payment-declined': 'The payment was declined. Your seats are still held: try another card.',
  'invalid-field': 'Please choose at least one seat, and fill in your name and e-mail.',
};

/** To whoever asked for the best available instead of naming seats. */
const textsOfBest: Partial<Record<ProblemCode, string>> = {
  'seats-taken':
    'There are no such seats side by side any more. Ask for fewer, or elsewhere; nothing was held.',
  'invalid-field': 'There cannot be more wheelchair spaces than seats. Please change one of the numbers.',
};

/** A refusal of the shop, in words for the page that led to it. */
export type Refusal = { code: ProblemCode; text: string; status: Problem['status'] };

export function refusalOf(answer: DoorAnswer, { isBest = false } = {}): Refusal {
  const code = parsed<{ code: ProblemCode }>(answer).code;
  const { title, status } = problems[code];
  return { code, text: (isBest && textsOfBest[code]) || texts[code] || `${title}.`, status };
}

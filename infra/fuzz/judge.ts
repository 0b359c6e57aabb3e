import { z } from 'zod';
import { type ProblemCode, problems } from '#shared/problem.ts';
import type { Operation } from './requests.ts';

/** Longer than any answer may take: what a fan waits for is bounded at 3 s, a payment's provider answers at once here. */
export const ANSWER_MS_MAX = 10_000;

export type Answered = { status: number; contentType: string; body: string; tookMs: number };

/** What any request may be answered that is not one of the contract's: where it leads nowhere, or cannot be read. */
const ANYWHERE = new Set<string>([
  ...(['not-found', 'method-not-allowed', 'malformed-request', 'headers-too-large'] satisfies ProblemCode[]),
  ...(['request-timeout', 'too-large', 'forbidden', 'token-invalid', 'rate-limited'] satisfies ProblemCode[]),
]);

const ProblemDocument = z.looseObject({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  code: z.string(),
  detail: z.string(),
  errors: z.array(z.strictObject({ field: z.string(), message: z.string() })).optional(),
  conflicts: z.array(z.string()).optional(),
});

/** What is wrong with an answer by the contract, in words; null where nothing is. `isOther`: the path is another's. */
export function faultOf(
  operation: Operation,
  { status, contentType, body, tookMs }: Answered,
): string | null {
  const declared = operation.responses[status];
  if (tookMs > ANSWER_MS_MAX) return `took ${Math.round(tookMs)} ms`;
  if (status >= 500 && status !== 503) return `a ${status}`;
  if (status === 503 && !declared) return 'a 503 that the contract does not list';
  if (status < 400) return declared ? null : `a ${status} that the contract does not list`;
  const isPage = Object.values(operation.responses).some(({ content = {} }) => 'text/html' in content);
  if (isPage && contentType.startsWith('text/html')) return null;
  if (contentType !== 'application/problem+json') return `a ${status} as ${contentType || 'nothing'}`;
  const read = ProblemDocument.safeParse(jsonOf(body));
  if (!read.success) return `a ${status} whose body is no problem: ${read.error.message}`;
  const { code, type } = read.data;
  if (!Object.hasOwn(problems, code) || problems[code as ProblemCode].status !== status)
    return `the code ${code} with ${status}`;
  if (read.data.status !== status || type !== `urn:admit-one:problem:${code}`)
    return 'a problem of another status';
  const listed = Object.values(declared?.content ?? {}).flatMap(
    ({ schema }) => schema?.allOf?.flatMap(({ properties }) => properties?.code?.enum ?? []) ?? [],
  );
  return listed.includes(code) || ANYWHERE.has(code)
    ? null
    : `the code ${code}, which the contract does not list`;
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

import type { Context } from 'hono';
import { readBody } from '#shared/json-body.ts';
import { Problem } from '#shared/problem.ts';

const FORM_BYTES_MAX = 16 * 1024;

/** The fields of a submitted form. Throws `unsupported-media-type` and `too-large` like the API's bodies do. */
export async function readForm(c: Context, bytesMax = FORM_BYTES_MAX): Promise<URLSearchParams> {
  const type = c.req.header('content-type') ?? '';
  if (!/^application\/x-www-form-urlencoded *(?:;|$)/i.test(type)) {
    throw new Problem('unsupported-media-type', 'The body must be a form.');
  }
  const bytes = await readBody(c.req.raw, bytesMax);
  return new URLSearchParams(new TextDecoder().decode(bytes));
}

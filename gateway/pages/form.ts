import type { Context, MiddlewareHandler } from 'hono';
import { readBody } from '#shared/json-body.ts';
import { Problem } from '#shared/problem.ts';

const FORM_BYTES_MAX = 16 * 1024;

/**
 * What pages are sent is a form as browsers send one, also where nothing in it is read. Throws `unsupported-media-type` for
 * whatever else another site could make a browser send unasked (text/plain, multipart).
 */
export const formsOnly: MiddlewareHandler = async (c, next) => {
  const type = c.req.header('content-type') ?? '';
  if (c.req.method === 'POST' && !/^application\/x-www-form-urlencoded *(?:;|$)/i.test(type))
    throw new Problem('unsupported-media-type', 'The body must be a form.');
  await next();
};

/** The fields of a form that was let through (formsOnly). Throws `too-large` like the API's bodies do. */
export async function readForm(c: Context, bytesMax = FORM_BYTES_MAX): Promise<URLSearchParams> {
  const bytes = await readBody(c.req.raw, bytesMax);
  return new URLSearchParams(new TextDecoder().decode(bytes));
}

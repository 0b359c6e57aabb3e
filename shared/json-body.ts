import type { Context } from 'hono';
import type { z } from 'zod';
import { type FieldError, invalidFields, Problem } from './problem.ts';

export const JSON_BODY_BYTES_MAX = 64 * 1024;
const FIELD_ERRORS_MAX = 20;

const utf8 = new TextDecoder('utf-8', { fatal: true });

/**
 * Reads the body of a request as JSON (RFC 8259) and validates it.
 *
 * Throws `unsupported-media-type` when something other than JSON is sent, `too-large` beyond JSON_BODY_BYTES_MAX,
 * `malformed-request` when it is not JSON in UTF-8, `invalid-field` when the schema refuses it. A request without any
 * body counts as `{}`, so that a command without options needs none.
 */
export async function readJson<Schema extends z.ZodType>(
  c: Context,
  schema: Schema,
  bytesMax = JSON_BODY_BYTES_MAX,
): Promise<z.infer<Schema>> {
  return jsonOf(await readBody(c.req.raw, bytesMax), c.req.header('content-type'), schema);
}

/** The same of a body that has been read. */
export function jsonOf<Schema extends z.ZodType>(
  bytes: Uint8Array,
  type: string | undefined,
  schema: Schema,
): z.infer<Schema> {
  if (bytes.length === 0 && type === undefined) return validate(schema, {});
  if (!/^application\/(?:[a-z0-9.+-]+\+)?json *(?:;|$)/i.test(type ?? '')) {
    throw new Problem('unsupported-media-type', 'The body must be application/json.');
  }
  return validate(schema, parseJson(bytes));
}

/** Validates what came in against its schema; throws `invalid-field` with one entry per fault. */
export function validate<Schema extends z.ZodType>(schema: Schema, input: unknown): z.infer<Schema> {
  const result = schema.safeParse(input);
  if (result.success) return result.data;
  const errors: FieldError[] = result.error.issues.slice(0, FIELD_ERRORS_MAX).map((issue) => ({
    field: issue.path.join('.') || 'body',
    message: issue.message,
  }));
  throw invalidFields(errors);
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(utf8.decode(bytes));
  } catch (cause) {
    throw new Problem('malformed-request', 'The body is not JSON in UTF-8.', { cause });
  }
}

/** The whole body, or `too-large` as soon as it is known to be longer than `bytesMax`. */
export async function readBody(request: Request, bytesMax: number): Promise<Uint8Array> {
  if (Number(request.headers.get('content-length') ?? 0) > bytesMax) throw tooLarge(bytesMax);
  // With a declared length the parser has bounded the body, and it is read without building a stream around it: 0.4 ms
  // less per request on a slow core.
  if (request.headers.has('content-length'))
    return new Uint8Array(await request.arrayBuffer().catch(brokenOff));
  if (!request.body) return new Uint8Array(0);
  return readParts(request.body as unknown as AsyncIterable<Uint8Array>, bytesMax);
}

async function readParts(body: AsyncIterable<Uint8Array>, bytesMax: number): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let length = 0;
  try {
    for await (const part of body) {
      length += part.length;
      if (length > bytesMax) throw tooLarge(bytesMax);
      parts.push(part);
    }
  } catch (error) {
    if (error instanceof Problem) throw error;
    brokenOff(error);
  }
  return parts.length === 1 && parts[0] ? parts[0] : Buffer.concat(parts);
}

/** Whoever goes away in the middle of a body, or sends one that cannot be read, is no fault of ours, and nobody hears it. */
function brokenOff(cause: unknown): never {
  throw new Problem('malformed-request', 'The body ended before it was whole.', { cause });
}

const tooLarge = (bytesMax: number): Problem =>
  new Problem('too-large', `The body may have at most ${bytesMax} bytes.`);

import { Hono } from 'hono';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { answerWithProblems } from './errors.ts';
import { JSON_BODY_BYTES_MAX, readJson } from './json-body.ts';
import { createLog } from './log.ts';

const app = new Hono();
app.post('/things/:thing', async (c) => c.json(await readJson(c, z.strictObject({ n: z.number() }))));
app.get('/things/:thing', (c) => c.text('a thing'));
app.get('/fails', () => {
  throw new TypeError('internal detail');
});
answerWithProblems(app, createLog('test', 'silent'));

const post = (
  body: string | Uint8Array<ArrayBuffer>,
  headers: Record<string, string> = { 'content-type': 'application/json' },
) => app.request('/things/1', { method: 'POST', body, headers });

const problemOf = async (response: Response) => {
  expect(response.headers.get('content-type')).toBe('application/problem+json');
  return (await response.json()) as Record<string, unknown>;
};

test.each([
  ['no JSON', '{"n":', 400, 'malformed-request'],
  ['empty', '', 400, 'malformed-request'],
  ['invalid UTF-8', new Uint8Array([0x7b, 0xff, 0x7d]), 400, 'malformed-request'],
  ['a wrong type', '{"n":"1"}', 422, 'invalid-field'],
  ['an infinite number', '{"n":1e400}', 422, 'invalid-field'],
  ['a member too many', '{"n":1,"price":2}', 422, 'invalid-field'],
  ['__proto__', '{"n":1,"__proto__":{"admin":true}}', 422, 'invalid-field'],
  ['constructor', '{"n":1,"constructor":{}}', 422, 'invalid-field'],
  ['no object', '[]', 422, 'invalid-field'],
  ['depth', `${'['.repeat(10_000)}${']'.repeat(10_000)}`, 422, 'invalid-field'],
])('%s gives a clear refusal', async (_, body, status, code) => {
  const response = await post(body);
  expect(response.status).toBe(status);
  expect(await problemOf(response)).toMatchObject({ status, code });
});

test('a fault names its field', async () => {
  expect(await problemOf(await post('{"n":"1"}'))).toMatchObject({ errors: [{ field: 'n' }] });
});

test('a body over the limit is too large, whether it says so or not', async () => {
  const large = JSON.stringify({ n: 1, pad: 'x'.repeat(JSON_BODY_BYTES_MAX) });
  expect((await post(large)).status).toBe(413);
  const chunked = new ReadableStream({
    start(controller) {
      for (let i = 0; i < 20; i += 1) controller.enqueue(new Uint8Array(8_192).fill(32));
      controller.close();
    },
  });
  const request = new Request('http://x/things/1', {
    method: 'POST',
    body: chunked,
    duplex: 'half',
    headers: { 'content-type': 'application/json' },
  } as RequestInit);
  expect((await app.request(request)).status).toBe(413);
});

test('what is not JSON by its type is an unsupported media type', async () => {
  for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'application/jsonx']) {
    expect(await problemOf(await post('{"n":1}', { 'content-type': type }))).toMatchObject({
      code: 'unsupported-media-type',
    });
  }
});

test('unknown paths are 404, known paths with another method 405 with Allow', async () => {
  expect(await problemOf(await app.request('/nothing'))).toMatchObject({ status: 404, code: 'not-found' });
  const other = await app.request('/things/1', { method: 'DELETE' });
  expect(other.status).toBe(405);
  expect(other.headers.get('allow')).toBe('POST, GET');
});

test('an unexpected error is 503 with Retry-After and tells nothing of its inside', async () => {
  const response = await app.request('/fails');
  expect(response.status).toBe(503);
  expect(response.headers.get('retry-after')).toBe('2');
  expect(JSON.stringify(await problemOf(response))).not.toContain('internal detail');
});

import { Hono } from 'hono';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { answerWithProblems } from './errors.ts';
import { createLog } from './log.ts';
import { exposition } from './metrics/registry.ts';
import { requestIdIn } from './request-id.ts';
import { type RunningServer, serve } from './serve.ts';

const lines: string[] = [];
const log = createLog('test', 'debug', { write: (line) => lines.push(line) });
let believes = false;
let server: RunningServer;
beforeAll(async () => {
  const app = new Hono();
  answerWithProblems(app, log);
  app.get('/things/:thing', (c) => c.text(requestIdIn(c)));
  app.get('/fails', () => {
    throw new Error('broken');
  });
  server = await serve(app, { host: '127.0.0.1', port: 0, believesRequestId: () => believes, log });
});
afterAll(() => server.close());

const get = async (path: string, id?: string) => {
  const response = await fetch(`${server.url}${path}`, {
    headers: id === undefined ? {} : { 'x-request-id': id },
  });
  return { told: response.headers.get('x-request-id') as string, body: await response.text() };
};

test('what a request is called by whoever is not believed counts for nothing, and each has an id of its own', async () => {
  believes = false;
  const answers = await Promise.all([get('/things/1', 'given-by-a-fan'), get('/things/1'), get('/nowhere')]);
  const ids = answers.map(({ told }) => told);
  expect(ids).not.toContain('given-by-a-fan');
  expect(new Set(ids).size).toBe(3);
  for (const id of ids) expect(id).toMatch(/^[\w-]{8}-\d+$/);
  expect(answers[0]?.body).toBe(answers[0]?.told);
});

test.each(['', 'short', 'a b c d e f', `x${'y'.repeat(64)}`, '{"json":"no"}'])(
  'a proxy that is believed cannot call a request %j',
  async (id) => {
    believes = true;
    expect((await get('/things/1', id)).told).not.toBe(id);
  },
);

test('the lines about a request that failed have its id, and its route’s pattern is what is counted', async () => {
  believes = true;
  expect((await get('/fails', 'from.the-proxy_1')).told).toBe('from.the-proxy_1');
  await get('/things/secret-thing?token=secret', 'from.the-proxy_2');
  const told = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  const of = (id: string) => told.filter(({ requestId }) => requestId === id);
  expect(of('from.the-proxy_1')).toMatchObject([
    { level: 50, path: '/fails', err: { message: 'broken' } },
    { level: 20, route: '/fails', status: 503 },
  ]);
  expect(of('from.the-proxy_2')).toMatchObject([{ method: 'GET', route: '/things/:thing', status: 200 }]);
  const counted = await exposition();
  expect(counted).toContain('route="/things/:thing",method="GET",status="2xx"');
  expect(counted).toContain('route="none",method="GET",status="4xx"');
  expect(counted + lines.join('')).not.toContain('secret-thing');
});

import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { operations } from '#shared/contract/operations.ts';
import {
  type GatewayFixture,
  gatewayFixture,
  internalSecret,
  json,
  problem,
} from './testing/gateway-fixture.ts';

let g: GatewayFixture;
beforeAll(async () => {
  g = await gatewayFixture();
});
afterAll(() => g.close());

/** Forms of pages, the organiser's console, pages of development and the worker's own entrance are nobody's contract. */
const outsideContract =
  /^(post \/sales\/{sale}\/(join|claim|leave|hold|release|orders)|get \/dev\/mail.*|post \/internal\/.*|(get|post) \/organiser(\/.*)?)$/;

test('the contract lists exactly the routes there are', () => {
  const routes = g.app.routes
    .filter(({ method }) => method !== 'ALL' && method !== 'OPTIONS')
    .map(({ method, path }) => `${method.toLowerCase()} ${path.replace(/:([a-z]+)/g, '{$1}')}`)
    .filter((route) => !outsideContract.test(route));
  const described = operations.map(({ method, path }) => `${method} ${path}`);
  expect([...new Set(routes)].sort()).toEqual(described.sort());
});

test('whether it lives and is ready is kept by no cache', async () => {
  for (const path of ['/livez', '/readyz'])
    expect((await g.app.request(path)).headers.get('cache-control')).toBe('no-store');
});

test('/openapi.json describes every operation with its answers and problems', async () => {
  const document = (await (await g.app.request('/openapi.json')).json()) as {
    openapi: string;
    paths: Record<string, Record<string, { responses: object }>>;
  };
  expect(document.openapi).toBe('3.1.0');
  for (const { method, path, answers } of operations) {
    expect(Object.keys(document.paths[path]![method]!.responses)).toEqual(
      expect.arrayContaining(Object.keys(answers)),
    );
  }
});

test('/openapi.json is put into words once, not for each who asks, and not sent to whoever has it', async () => {
  const written = vi.spyOn(JSON, 'stringify');
  try {
    const first = await g.app.request('/openapi.json');
    const etag = String(first.headers.get('etag'));
    expect(etag).toMatch(/^".{22}"$/);
    expect(first.headers.get('content-type')).toBe('application/json');
    const again = await g.app.request('/openapi.json', { headers: { 'if-none-match': etag } });
    expect([again.status, await again.text()]).toEqual([304, '']);
    expect(await (await g.app.request('/openapi.json')).text()).toBe(await first.text());
    expect(written).not.toHaveBeenCalled();
  } finally {
    written.mockRestore();
  }
});

test('unknown sales are 404 everywhere, and leave no key behind', async () => {
  const before = await g.redis.dbsize();
  for (const sale of ['nosuchsale', 'a%2fb', '..', '%00', 'x'.repeat(200)]) {
    for (const path of ['', '/draw', '/queue/me']) {
      const response = await g.app.request(`/api/sales/${sale}${path}`);
      expect([401, 404]).toContain(response.status);
    }
    expect((await g.post(`/api/sales/${sale}/queue`)).status).toBe(404);
  }
  expect(await g.redis.dbsize()).toBe(before);
});

test('the worker’s entrance exists only for the internal key', async () => {
  const path = '/internal/sales/x/entries/y/finish';
  expect(await problem(g.post(path, { order: 'o' }))).toMatchObject({ code: 'not-found' });
  const known = { ...json, 'x-internal-key': internalSecret };
  // A sale that is not there at this moment is told again later.
  expect(await problem(g.post(path, { order: 'o' }, known))).toMatchObject({ code: 'unavailable' });
  const sale = await g.sale();
  const finished = await g.post(path.replace('/x/', `/${sale}/`), { order: 'o' }, known);
  expect(finished.status).toBe(200);
  const named = { order: 'o', token: { number: 3, iat: 1_780_000_000 } };
  expect((await g.post(path.replace('/x/', `/${sale}/`), named, known)).status).toBe(200);
  const wrong = g.post(path.replace('/x/', `/${sale}/`), { order: 'o', token: { number: 0, iat: 1 } }, known);
  expect(await problem(wrong)).toMatchObject({ code: 'invalid-field' });
});

import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Shop, startShop } from '../testing/shop.ts';
import { faultsAfterwards, fuzzEnv, fuzzRound } from './fuzz.ts';
import { faultOf } from './judge.ts';
import { type Operation, requestsOf } from './requests.ts';

/** `npm run fuzz` goes on for minutes; this keeps it from rotting. */
const REQUESTS = 300;
const SEED = 20_261_127;

let shop: Shop;
beforeAll(async () => {
  shop = await startShop({ env: fuzzEnv });
});
afterAll(() => shop?.stop());

test(`${REQUESTS} requests near to and far from the contract are answered by it, and the shop sells on (seed ${SEED})`, async () => {
  const { fault, requests, byStatus } = await fuzzRound(shop, { seed: SEED, requestsMax: REQUESTS });
  expect(fault).toBeNull();
  expect(requests).toBeGreaterThan(REQUESTS / 2);
  // Some get through: otherwise only the door would have been tried.
  const succeeded = [...byStatus]
    .filter(([status]) => status < 300)
    .reduce((sum, [, count]) => sum + count, 0);
  expect(succeeded).toBeGreaterThan(requests / 20);
  expect(await faultsAfterwards(shop, 'honest')).toEqual([]);
});

test('whatever value it thinks of, a request can be made of it', () => {
  const schema = { type: 'string' };
  const parameters = [
    { in: 'path' as const, name: 'sale', required: true, schema },
    { in: 'header' as const, name: 'idempotency-key', required: true, schema },
  ];
  const operation: Operation = { path: '/x/{sale}', method: 'GET', security: [], parameters, responses: {} };
  const requests = requestsOf(operation, { credentials: { token: ['a.b.c'] }, known: {} });
  const made = fc.sample(requests, { numRuns: 20_000, seed: SEED });
  expect(made.some(({ path }) => path.includes('toString'))).toBe(true);
});

test('the judge tells what the contract does not allow', () => {
  const problem = {
    type: 'urn:admit-one:problem:unavailable',
    title: 't',
    status: 503,
    code: 'unavailable',
    detail: 'd',
  };
  const operation: Operation = {
    ...{ path: '/x', method: 'GET', security: [], parameters: [] },
    responses: {
      200: {},
      503: { content: { p: { schema: { allOf: [{ properties: { code: { enum: ['unavailable'] } } }] } } } },
    },
  };
  const answer = (status: number, body: unknown, contentType = 'application/problem+json', tookMs = 1) =>
    faultOf(operation, { status, contentType, body: JSON.stringify(body), tookMs });
  expect(answer(200, {}, 'application/json')).toBeNull();
  expect(answer(503, problem)).toBeNull();
  for (const wrong of [
    answer(500, problem),
    answer(502, problem),
    answer(201, {}, 'application/json'),
    answer(503, problem, 'text/html'),
    answer(503, { ...problem, detail: undefined }),
    answer(503, { ...problem, code: 'nonsense' }),
    answer(404, problem),
    answer(409, { ...problem, type: 'urn:admit-one:problem:not-open', status: 409, code: 'not-open' }),
    answer(200, {}, 'application/json', 60_000),
    faultOf(
      { ...operation, responses: {} },
      { status: 503, contentType: 'application/problem+json', body: JSON.stringify(problem), tookMs: 1 },
    ),
  ])
    expect(wrong).toEqual(expect.any(String));
});

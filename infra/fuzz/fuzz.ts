import fc from 'fast-check';
import { Agent, request } from 'undici';
import { createFan } from '../journeys/fan.ts';
import { ask, bearer } from '../journeys/http.ts';
import { openSale } from '../journeys/organise.ts';
import type { Services } from '../testing/services.ts';
import { openStores, verify } from '../verify/verify.ts';
import { ANSWER_MS_MAX, type Answered, faultOf } from './judge.ts';
import {
  type Asked,
  asCurl,
  type Document,
  type Operation,
  operationsOf,
  requestsOf,
  type World,
} from './requests.ts';

const FANS = 12;
const AT_ONCE_MAX = 6;
const HONEST_MS_MAX = 60_000;
/** What the fuzzer has just ordered may still be on its way. */
const PATIENCE_MS = 30_000;
/** A stream has said what there is to judge once it begins. */
const STREAM = 'text/event-stream';
const hall = [
  { name: 'A', rows: 5, seatsPerRow: 10 },
  { name: 'B', rows: 5, seatsPerRow: 10 },
];

export type Shop = Pick<Services, 'gatewayUrls' | 'organiserKey' | 'databaseUrl' | 'redisUrl'>;
export type Round = { requests: number; byStatus: Map<number, number>; fault: string | null };

/** Everything is asked as fast as one asks; polls stay limited. */
export const fuzzEnv = {
  RATE_LIMITS: 'requests=off,claims=off,credentials=off',
  TRUSTED_PROXIES: '127.0.0.1',
};

/**
 * Asks a shop what nobody should ask: requests made of its /openapi.json by a seed, several at once. Stops at the first answer
 * that the contract does not allow, and says it as a curl line, made as small as it can be.
 */
export async function fuzzRound(
  shop: Shop,
  { seed, requestsMax, endsAtMs }: { seed: number; requestsMax: number; endsAtMs?: number },
): Promise<Round> {
  const [origin = ''] = shop.gatewayUrls;
  const { body: document } = await ask<Document>('GET', `${origin}/openapi.json`);
  const world = await makeWorld(shop, seed);
  const operations = operationsOf(document);
  const requests = fc.oneof(
    ...operations.map((operation) => ({
      weight: weightOf(operation),
      arbitrary: requestsOf(operation, world),
    })),
  );
  const dispatcher = new Agent({ headersTimeout: ANSWER_MS_MAX, bodyTimeout: ANSWER_MS_MAX });
  const byStatus = new Map<number, number>();
  let count = 0;

  const send = async (asked: Asked): Promise<void> => {
    const answer = await answerTo(origin, asked, dispatcher);
    count += 1;
    byStatus.set(answer.status, (byStatus.get(answer.status) ?? 0) + 1);
    const fault = faultOf(asked.operation, answer);
    if (fault !== null)
      throw new Error(`${fault}\n  ${asCurl(origin, asked)}\n  ${answer.body.slice(0, 1_000)}`);
  };
  const batches = fc.array(requests, { minLength: 1, maxLength: AT_ONCE_MAX });
  try {
    const result = await fc.check(
      fc.asyncProperty(batches, async (batch) => {
        await Promise.all(batch.map(send));
      }),
      {
        seed,
        numRuns: Math.ceil((requestsMax * 2) / (AT_ONCE_MAX + 1)),
        ...(endsAtMs === undefined ? {} : { interruptAfterTimeLimit: Math.max(1, endsAtMs - Date.now()) }),
      },
    );
    const fault =
      result.failed && !(result.interrupted && result.counterexample === null)
        ? ((result.errorInstance as Error | null)?.message ?? 'no more is known')
        : null;
    return { requests: count, byStatus, fault };
  } finally {
    await dispatcher.destroy();
  }
}

/** What sells is asked for most, and what ends a sale or a place seldom: behind it there is less to find. */
function weightOf({ method, path, security }: Operation): number {
  if (path.endsWith('/close') || (method === 'DELETE' && path.endsWith('/me'))) return 1;
  return security.some((scheme) => 'admissionToken' in scheme) && method === 'POST' ? 40 : 8;
}

async function answerTo(origin: string, asked: Asked, dispatcher: Agent): Promise<Answered> {
  const { operation, path, headers, body } = asked;
  const startedAt = performance.now();
  let status = 0;
  try {
    const response = await request(`${origin}${path}`, {
      ...{ method: operation.method as 'GET', headers, body, dispatcher },
    });
    status = response.statusCode;
    const contentType = String(response.headers['content-type'] ?? '');
    const text = contentType.startsWith(STREAM) ? '' : await response.body.text();
    if (contentType.startsWith(STREAM)) response.body.on('error', () => undefined).destroy();
    return { status, contentType, body: text, tookMs: performance.now() - startedAt };
  } catch (error) {
    throw new Error(`no answer (${status}): ${error}\n  ${asCurl(origin, asked)}`);
  }
}

/** A concert of the fuzzer's own with a sale, and fans of it at every stage of their way. */
async function makeWorld(shop: Shop, seed: number): Promise<World> {
  const [origin = ''] = shop.gatewayUrls;
  const sale = await openSale(shop, hall, { capacity: 1_000, admitPerMinute: 60_000, seatsPerFan: 4 });
  const other = await openSale(shop, hall, { capacity: 1, admitPerMinute: 1 });
  const { body: facts } = await ask<{ event: string }>('GET', `${origin}/api/organiser/sales/${sale}`, {
    headers: bearer(shop.organiserKey),
  });
  const holds: string[] = [];
  const tokens: string[] = [];
  const tickets: string[] = [];
  for (let n = 0; n < FANS; n += 1) {
    const fan = createFan([origin], sale, `fuzz-${seed}-${n}`, Date.now() + HONEST_MS_MAX);
    tickets.push(String((await fan.join()).queueTicket));
    if (n >= FANS - 2) continue;
    if ((await fan.queueUp()) !== 'admitted') throw new Error('a fan of the fuzzer was not let in');
    tokens.push(fan.admissionToken());
    holds.push((await fan.shop<{ hold: string }>('POST', '/holds', { seats: [`A-${n + 1}-1`] })).body.hold);
  }
  const free = Array.from({ length: 40 }, (_, n) => `B-${(n % 4) + 1}-${(n % 10) + 1}`);
  const seats = [...free, 'A-1-1', 'A-1-2', 'A-5-11', 'C-1-1', 'A-0-0'];
  return {
    credentials: { queueTicket: tickets, admissionToken: tokens, organiserKey: [shop.organiserKey] },
    known: {
      ...{
        sale: [...Array<string>(8).fill(sale), other, 'no-such-sale'],
        event: [facts.event, 'no-such-event'],
      },
      ...{ hold: holds, order: [...holds, 'A'.repeat(22)], message: ['A'.repeat(22)], seats },
      ...{ section: ['A', 'B', 'C'], sections: ['A', 'B'], name: ['A', 'Ada', 'General sale'] },
      ...{ email: ['ada@example.org'], token: ['tok_ok', 'tok_declined'], timeZone: ['Europe/Berlin'] },
      ...{ currency: ['EUR'], 'idempotency-key': ['k1', 'k2', 'k3'], prefer: ['respond-async'] },
      ...{ status: ['open', 'held'], version: ['1'], reason: ['because'] },
    },
  };
}

/** What must be so after all of it: an honest fan buys, and no check of `npm run verify` has anything to say. */
export async function faultsAfterwards(shop: Shop, name: string): Promise<string[]> {
  const sale = await openSale(shop, hall, { capacity: 5, admitPerMinute: 6_000 });
  const fan = createFan(shop.gatewayUrls, sale, name, Date.now() + HONEST_MS_MAX);
  const faults: string[] = [];
  await fan.join();
  const state = await fan.queueUp();
  if (state !== 'admitted') faults.push(`an honest fan is ${state}`);
  const held = await fan.shop<{ hold: string }>('POST', '/holds', { seats: ['A-1-1', 'A-1-2'] });
  const buyer = { name: 'Ada', email: `${name}@example.org` };
  const json = { hold: held.body.hold, buyer, payment: { token: 'tok_ok' } };
  const bought = await fan.shop('POST', '/orders', json, 'honest');
  if (bought.status !== 201)
    faults.push(`an honest fan’s order: ${bought.status} ${JSON.stringify(bought.body)}`);
  const stores = await openStores(shop);
  try {
    const { results } = await verify(stores, { patienceMs: PATIENCE_MS });
    for (const { name: check, findings } of results)
      for (const { text } of findings) faults.push(`npm run verify, ${check}: ${text}`);
  } finally {
    await stores.close();
  }
  return faults;
}

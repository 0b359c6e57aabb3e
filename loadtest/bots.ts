import { sleep } from 'k6';
import encoding from 'k6/encoding';
import http from 'k6/http';
import { Counter, Rate } from 'k6/metrics';
import type { Options } from 'k6/options';
import type { SaleRecord } from '../infra/history/record.ts';
import { Fan } from './lib/fan.ts';
import { recordEnd } from './lib/record.ts';
import { ANSWER_TIMEOUT, gateways as addresses, setting, shopUrl } from './lib/settings.ts';
import { arriving, openSaleFor, wholeFan, wholeFanThresholds } from './lib/whole-fan.ts';

// Fans go the whole way while programs try to have more than their share. What these try must fail, and the fans must not
// feel it.

/** Fans a second. */
const rate = setting('RATE', 5, 1, 1_000);
const seconds = setting('SECONDS', 20, 5, 3_600);
/** Of each kind at a time. */
const bots = setting('BOTS', 2, 1, 1_000);
/** Each counts for itself; behind one address there may be several. */
const gateways = setting('GATEWAYS', addresses, 1, 1_000);
/** What one of them does at once. */
const AT_ONCE = 10;
/** Of one ticket at one gateway: what the contract says of polls. */
const POLLS_AT_ONCE = 40;
const POLLS_PER_SECOND = 5;
/** A ticket is asked about at least this many times as often as it may be at once, and then until it has had too much. */
const HAMMERED_TIMES = 3;
const HAMMERED_MS_MAX = 10_000;
const RATE_LIMITED = 429;
const OK = 200;
const CREATED = 201;
const PAUSE_SECONDS = 0.2;
const PATIENCE_MS = 10_000;

/** Requests that nobody but a fan may make, and that were granted. */
const granted = new Counter('bots_granted');
/** Seats beyond what one admission may hold, places beyond one a key, and answers beyond what one ticket gets in its time. */
const beyond = new Counter('bots_beyond_limits');
/** Polls of those who do not wait as they are told. */
const refused = new Rate('bots_refused');
/** What the bots tried: a run in which they did nothing proves nothing. */
const tried = new Counter('bots_tried');

const kind = (exec: string) => ({
  ...{ executor: 'constant-vus' as const, vus: bots, duration: `${seconds}s`, exec, gracefulStop: '30s' },
});

export const options: Options = {
  scenarios: {
    fans: { ...arriving(rate, seconds), exec: 'fanComes' },
    forgers: kind('forges'),
    hammerers: kind('hammers'),
    cloners: kind('clones'),
    sharers: kind('shares'),
    guessers: kind('guesses'),
  },
  thresholds: {
    ...wholeFanThresholds(1_000),
    bots_granted: ['count==0'],
    bots_beyond_limits: ['count==0'],
    bots_refused: ['rate>0'],
    bots_tried: ['count>0'],
  },
  summaryTrendStats: ['med', 'p(95)', 'p(99)', 'max', 'count'],
  setupTimeout: '60s',
};

/** Room for the fans, and for bots who come back again and again. */
export const setup = (): SaleRecord =>
  openSaleFor(
    `Load test: ${rate} fans a second, and bots`,
    rate * seconds + 10 * bots * seconds,
    rate + 5 * bots,
  );

export const fanComes = (sale: SaleRecord): void => wholeFan(sale);

/** Admission tokens and queue tickets of its own making. */
export function forges({ sale }: SaleRecord): void {
  const claims = { iss: 'admit-one', aud: 'booking', sub: 'AAAAAAAAAAA', sale, exp: 4_102_444_800 };
  const part = (value: object) => base64url(JSON.stringify(value));
  const signature = base64url(String(Math.random()).repeat(4)).slice(0, 86);
  const tokens = [
    `${part({ alg: 'none' })}.${part(claims)}.`,
    `${part({ alg: 'HS256', kid: 'k' })}.${part(claims)}.${signature}`,
    `${part({ alg: 'EdDSA', kid: 'k' })}.${part(claims)}.${signature}`,
    `q2.${sale}.AAAAAAAAAAA.1.1.${signature.slice(0, 22)}`,
  ];
  for (const token of tokens) {
    grants(post(`/api/sales/${sale}/holds`, { best: { quantity: 1 } }, token, `f-${__VU}-${__ITER}`));
    grants(get(`/api/sales/${sale}/seats?limit=1`, token));
    grants(get(`/api/sales/${sale}/queue/me`, token));
  }
  sleep(PAUSE_SECONDS);
}

/** One place, and polls without a pause. */
export function hammers({ sale }: SaleRecord): void {
  const fan = new Fan(sale, `hammerer-${__VU}-${__ITER}`);
  if (!fan.join()) {
    sleep(PAUSE_SECONDS);
    return;
  }
  const { queueTicket } = fan.tokens;
  const path = `/api/sales/${sale}/queue/me`;
  const startedAt = Date.now();
  const elapsedMs = () => Date.now() - startedAt;
  // Where everything is slow a bot is, too: what it may have goes by the time that it takes.
  const allowed = () => gateways * (POLLS_AT_ONCE + (POLLS_PER_SECOND * elapsedMs()) / 1_000);
  let [sent, answered] = [0, 0];
  while (
    sent < HAMMERED_TIMES * gateways * POLLS_AT_ONCE ||
    (sent <= allowed() && elapsedMs() < HAMMERED_MS_MAX)
  )
    for (const { status } of http.batch(atOnce(() => request('GET', path, queueTicket)))) {
      sent += 1;
      tried.add(1);
      refused.add(status === RATE_LIMITED);
      if (status === OK) answered += 1;
    }
  const excess = Math.ceil(answered - allowed());
  if (excess > 0) beyond.add(excess);
  fan.leave();
  recordEnd(fan.name, 'hammered');
}

/** Many joins with one key in the same moment: one place. */
export function clones({ sale }: SaleRecord): void {
  const key = `cloner-${__VU}-${__ITER}-${sale}`;
  const joins = http.batch(atOnce(() => request('POST', `/api/sales/${sale}/queue`, undefined, {}, key)));
  const numbers = new Set<unknown>();
  let ticket = '';
  for (const { status, body } of joins) {
    tried.add(1);
    if (status !== 200 && status !== CREATED) continue;
    const answer = JSON.parse(String(body)) as { queueNumber: number; queueTicket: string };
    numbers.add(answer.queueNumber);
    ticket = answer.queueTicket;
  }
  if (numbers.size > 1) beyond.add(numbers.size - 1);
  if (ticket !== '') http.batch([request('DELETE', `/api/sales/${sale}/queue/me`, ticket)]);
  sleep(PAUSE_SECONDS);
}

/** One admission, in many hands at the same time. */
export function shares({ sale, seatsPerFan }: SaleRecord): void {
  const fan = new Fan(sale, `sharer-${__VU}-${__ITER}`);
  const givesUpAt = Date.now() + PATIENCE_MS;
  const isIn = fan.join() && fan.waitForTurn(() => Date.now() < givesUpAt) === 'ready' && fan.claim();
  if (isIn) {
    const { admissionToken } = fan.tokens;
    const path = `/api/sales/${sale}/holds`;
    const held = http.batch(
      atOnce((i) => request('POST', path, admissionToken, { best: { quantity: 1 } }, `${fan.name}-${i}`)),
    );
    tried.add(held.length);
    const seats = held.filter(({ status }) => status === CREATED).length;
    if (seats > seatsPerFan) beyond.add(seats - seatsPerFan);
  }
  fan.leave();
  recordEnd(fan.name, isIn ? 'shared an admission' : 'was not admitted');
}

/** Orders and holds of others, by chance. */
export function guesses({ sale }: SaleRecord): void {
  for (let i = 0; i < AT_ONCE; i += 1) {
    const id = base64url(String(Math.random())).slice(0, 11);
    grants(get(`/api/sales/${sale}/orders/${id}`, id));
    grants(get(`/orders/${id}`));
    grants(get(`/api/organiser/events`, id));
  }
  sleep(PAUSE_SECONDS);
}

const atOnce = <Made>(make: (i: number) => Made): Made[] =>
  Array.from({ length: AT_ONCE }, (_, i) => make(i));

const expected = http.expectedStatuses({ min: 200, max: 499 }, 503);

function request(method: string, path: string, token?: string, json?: object, key?: string) {
  const headers: Record<string, string> = {};
  if (json) headers['content-type'] = 'application/json';
  if (token) headers.authorization = `Bearer ${token}`;
  if (key) headers['idempotency-key'] = key;
  return {
    method,
    url: `${shopUrl()}${path}`,
    body: json ? JSON.stringify(json) : null,
    params: { headers, tags: { name: 'bot' }, timeout: ANSWER_TIMEOUT, responseCallback: expected },
  };
}

const ask = (asked: ReturnType<typeof request>): number => http.batch([asked])[0]?.status ?? 0;
const get = (path: string, token?: string): number => ask(request('GET', path, token));
const post = (path: string, json: object, token: string, key: string): number =>
  ask(request('POST', path, token, json, key));

function grants(status: number): void {
  tried.add(1);
  if (status >= 200 && status < 300) granted.add(1);
}

const base64url = (text: string): string => encoding.b64encode(text, 'rawurl');

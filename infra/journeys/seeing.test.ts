import { readFile } from 'node:fs/promises';
import { request } from 'undici';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { namesIn } from '../observability/names.ts';
import type { ServiceName } from '../testing/services.ts';
import { type Shop, startShop } from '../testing/shop.ts';
import { SOON_MS } from '../testing/soon.ts';
import { createFan, type Fan } from './fan.ts';
import { ask, bearer } from './http.ts';
import { openSale } from './organise.ts';

const JOURNEY_MS_MAX = 60_000;
const SERVICES: ServiceName[] = ['gateway-1', 'booking', 'worker'];
const EMAIL = 'seen@example.org';

let shop: Shop;
let sale: string;
let fan: Fan;
let order: string;

beforeAll(async () => {
  shop = await startShop({
    metrics: true,
    // This test is the proxy.
    env: { LOG_LEVEL: 'info', TRUSTED_PROXIES: '127.0.0.1', DRAIN_SECONDS: '5' },
  });
  const hall = [{ name: 'A', rows: 10, seatsPerRow: 20 }];
  sale = await openSale(shop, hall, { capacity: 200, admitPerMinute: 60_000 });
  fan = createFan(shop.gatewayUrls, sale, 'seen', Date.now() + JOURNEY_MS_MAX);
  await fan.join();
  expect(await fan.queueUp()).toBe('admitted');
});
afterAll(() => shop?.stop());

type Line = { service: string; requestId?: string; order?: string; msg: string };

const linesOf = (id: string): Line[] =>
  SERVICES.flatMap((name) => shop.output(name).split('\n'))
    .filter((line) => line.startsWith('{') && line.includes(id))
    .map((line) => JSON.parse(line) as Line);

test('one request id is found in the lines of gateway, booking service and worker about one order', async () => {
  const held = await fan.shop<{ hold: string }>('POST', '/holds', { best: { quantity: 1 } });
  const requestId = 'given-by.the_proxy-0001';
  const taken = await ask('POST', `${shop.gatewayUrls[0]}/api/sales/${sale}/orders`, {
    json: { hold: held.body.hold, buyer: { name: 'Ada', email: EMAIL }, payment: { token: 'tok_ok' } },
    headers: {
      ...bearer(fan.admissionToken()),
      'idempotency-key': 'pay-once',
      prefer: 'respond-async',
      'x-request-id': requestId,
    },
  });
  expect(taken).toMatchObject({ status: 202, headers: { 'x-request-id': requestId } });
  order = String(taken.body.order);
  await vi.waitFor(() => expect(linesOf(requestId)).toHaveLength(3), 15_000);
  expect(linesOf(requestId).map(({ service, msg }) => [service, msg])).toEqual([
    ['gateway', 'an order was passed on'],
    ['booking', 'an order was accepted'],
    ['worker', 'an order was worked on'],
  ]);
  expect(linesOf(requestId).filter((line) => line.order === order)).toHaveLength(2);
});

const metricsOf = async (name: ServiceName): Promise<string> => {
  const answer = await ask<string>('GET', `${shop.metricsUrls.get(name)}/metrics`);
  expect(answer).toMatchObject({ status: 200, headers: { 'content-type': /^text\/plain; version=0\.0\.4/ } });
  return answer.body;
};

/** `name{label="value",…} number` as Prometheus reads it. */
const SAMPLE = /^([a-z_]+)(?:\{((?:[a-z]+="(?:[^"\\\n]|\\[\\"n])*",?)*)\})? (-?\d+(?:\.\d+)?(?:e[+-]\d+)?)$/;

test('what each process counts can be read by Prometheus, and says nothing of any person', async () => {
  const told = await Promise.all(SERVICES.map(metricsOf));
  const secrets = [EMAIL, order, fan.admissionToken(), 'A-1-', shop.organiserKey, 'Ada'];
  for (const text of told) {
    const lines = text.trimEnd().split('\n');
    const typed = new Set(
      lines.flatMap((line) => /^# TYPE (\S+) (?:counter|gauge|histogram)$/.exec(line)?.[1] ?? []),
    );
    for (const line of lines.filter((each) => !each.startsWith('# '))) {
      const [, name = '', labels = ''] = SAMPLE.exec(line) ?? [];
      expect(typed.has(name) || typed.has(name.replace(/_(?:bucket|sum|count)$/, '')), line).toBe(true);
      for (const [, label] of labels.matchAll(/([a-z]+)="/g)) expect(LABELS, line).toContain(label);
    }
    for (const secret of secrets) expect(text).not.toContain(secret);
  }
  const [gateway = '', booking = '', worker = ''] = told;
  expect(gateway).toContain(`admit_one_joins_total{sale="${sale}",outcome="new"} 1\n`);
  expect(gateway).toContain(`admit_one_turns_given_total{sale="${sale}"} 1\n`);
  expect(gateway).toContain(`admit_one_claims_total{sale="${sale}",outcome="admitted"} 1\n`);
  expect(gateway).toContain(
    'admit_one_http_requests_total{route="/api/sales/:sale/orders",method="POST",status="2xx"} 1\n',
  );
  expect(booking).toContain('admit_one_holds_total{outcome="won"} 1\n');
  expect(booking).toContain('admit_one_orders_total{outcome="accepted"} 1\n');
  expect(worker).toContain('admit_one_waiting_orders_total{outcome="confirmed"} 1\n');
  expect(worker).toContain('admit_one_orders_waiting 0\n');
});
const LABELS = [
  ...['route', 'method', 'status', 'sale', 'state', 'outcome', 'reason', 'code', 'limit', 'script', 'pool'],
  ...['kind', 'what', 'way', 'of', 'quantile', 'metric', 'le'],
];

test('dashboard and alerts name only metrics that the services tell', async () => {
  const told = (await Promise.all(SERVICES.map(metricsOf))).join('');
  const exposed = new Set(
    [...told.matchAll(/^# TYPE (\S+) (\S+)$/gm)].flatMap(([, name, type]) =>
      type === 'histogram' ? ['bucket', 'sum', 'count'].map((part) => `${name}_${part}`) : [name],
    ),
  );
  for (const file of ['alerts.yml', 'dashboard.json']) {
    const text = await readFile(new URL(`../observability/${file}`, import.meta.url), 'utf8');
    const named = namesIn(text);
    expect(named.length).toBeGreaterThan(10);
    expect(named.filter((name) => !exposed.has(name))).toEqual([]);
  }
});

test('metrics are told to nobody at the ports that others reach', async () => {
  const answers = await Promise.all(
    [shop.gatewayUrls[0], shop.bookingUrl].map((url) => ask('GET', `${url}/metrics`)),
  );
  expect(answers.map(({ status }) => status)).toEqual([404, 401]);
});

test('a gateway that is to end says so first, serves on meanwhile, then ends its streams and itself', async () => {
  const [gateway] = shop.gatewayUrls;
  const other = createFan(shop.gatewayUrls, sale, 'other', Date.now() + JOURNEY_MS_MAX);
  const joined = await ask('POST', `${gateway}/api/sales/${sale}/queue`, { json: {} });
  const ticket = bearer(String(joined.body.queueTicket));
  const stream = await request(`${gateway}/api/sales/${sale}/queue/stream`, { headers: ticket });
  expect(stream.statusCode).toBe(200);
  let streamEnded = false;
  const streaming = stream.body.text().finally(() => {
    streamEnded = true;
  });
  expect((await ask('GET', `${gateway}/readyz`)).status).toBe(200);

  const ending = shop.end('gateway-1');
  const told = await vi.waitFor(async () => {
    const ready = await ask('GET', `${gateway}/readyz`);
    expect(ready).toMatchObject({ status: 503, body: { code: 'unavailable' } });
    return ready;
  }, SOON_MS);
  expect(told.headers.connection).toBe('close');
  const poll = await ask('GET', `${gateway}/api/sales/${sale}/queue/me`, { headers: ticket });
  expect(poll).toMatchObject({ status: 200, headers: { connection: 'close' } });
  await other.join();
  expect((await ask('GET', `${gateway}/livez`)).status).toBe(200);
  expect(streamEnded).toBe(false);

  await expect(streaming).resolves.toContain('data: ');
  await ending;
  expect(shop.isRunning('gateway-1')).toBe(false);
  await expect(ask('GET', `${gateway}/livez`)).rejects.toThrow();
});

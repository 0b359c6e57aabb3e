import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { SMTPServer } from 'smtp-server';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { until } from '../local/processes.mjs';
import { newSecrets } from '../local/secrets.mjs';
import { type OwnPostgres, ownPostgres } from '../testing/postgres-server.ts';
import { type OwnRedis, ownRedis } from '../testing/redis-server.ts';
import { type Shop, startShop } from '../testing/shop.ts';
import { createFan } from './fan.ts';
import { ask, bearer } from './http.ts';
import { openSale } from './organise.ts';

const JOURNEY_MS_MAX = 60_000;
const MARK = 'canary';

const secrets = newSecrets();
/** What must be in no log, by what it is. */
const canaries: Record<string, string> = {
  ...secrets,
  'signing key': JSON.parse(secrets.SIGNING_KEYS)[0].d,
  'e-mail': `${MARK}-mail@birds.example.org`,
  name: `${MARK}-name Nightingale`,
  'access code': `${MARK}-CODE-1`,
  'wrong access code': `${MARK}-CODE-2`,
  'idempotency key': `${MARK}-key-of-a-fan`,
  'payment token': `${MARK}-payment-token`,
  'wrong bearer': `${MARK}-bearer-that-is-wrong`,
  cookie: `${MARK}-cookie`,
};

let postgres: OwnPostgres;
let redis: OwnRedis;
let smtp: SMTPServer;
let shop: Shop;
/** Mail that was refused, in words that name whom it was for. */
let refusedMails = 0;

beforeAll(async () => {
  smtp = new SMTPServer({
    disabledCommands: ['AUTH', 'STARTTLS'],
    onRcptTo({ address }, _session, done) {
      refusedMails += 1;
      done(new Error(`Nobody here is called ${address}.`));
    },
  });
  smtp.listen(0, '127.0.0.1');
  await once(smtp.server, 'listening');
  [postgres, redis] = await Promise.all([ownPostgres(), ownRedis()]);
  const { port } = smtp.server.address() as AddressInfo;
  shop = await startShop({
    env: {
      ...secrets,
      LOG_LEVEL: 'trace',
      DATABASE_URL: postgres.url,
      REDIS_URL: redis.url,
      SMTP_URL: `smtp://127.0.0.1:${port}`,
    },
  });
});
afterAll(async () => {
  await shop?.stop();
  await Promise.all([postgres?.stop(), redis?.stop()]);
  smtp?.close();
});

test('no token, cookie, key, code, name or address of a fan is in any log, whatever fails', async () => {
  const [gateway] = shop.gatewayUrls as [string];
  const sale = await openSale(shop, [{ name: 'A', rows: 4, seatsPerRow: 10 }], {
    ...{ capacity: 20, admitPerMinute: 6_000, seatsPerFan: 8 },
    accessCodes: [canaries['access code']],
    accessCodeUses: 20,
  });
  const api = `${gateway}/api/sales/${sale}`;
  const fanOf = (key: string) =>
    createFan([gateway], sale, key, Date.now() + JOURNEY_MS_MAX, {
      accessCode: String(canaries['access code']),
    });
  /** A fan who is let in, and what they were given. */
  const admitted = async (name: string) => {
    const one = fanOf(`${canaries['idempotency key']}${name}`);
    const { queueTicket } = (await one.join()) as { queueTicket?: string };
    expect(await one.queueUp()).toBe('admitted');
    canaries[`queue ticket${name}`] = String(queueTicket);
    canaries[`admission token${name}`] = one.admissionToken();
    return one;
  };
  // An admission buys once: each order that may come to something is another fan's, and the last is still inside in the end.
  const [fan, unheard, patient, inside] = [
    await admitted(''),
    await admitted('-unheard'),
    await admitted('-patient'),
    await admitted('-inside'),
  ];
  const queueTicket = canaries['queue ticket'];

  const hold = async (of = fan) =>
    (await of.shop<{ hold: string }>('POST', '/holds', { best: { quantity: 1 } })).body.hold;
  const orderOf = (of: string, token: string) => ({
    hold: of,
    buyer: { name: canaries.name, email: canaries['e-mail'] },
    payment: { token },
  });
  const key = (i: number) => ({ 'idempotency-key': `${canaries['idempotency key']}-${i}` });
  const authorised = bearer(fan.admissionToken());
  const order = (json: unknown, i: number, headers = {}, of = fan) =>
    ask('POST', `${api}/orders`, {
      json,
      headers: { ...bearer(of.admissionToken()), ...key(i), ...headers },
    });
  const raw = (method: string, path: string, body: string, headers: Record<string, string> = {}) =>
    fetch(`${gateway}${path}`, { method, body, headers: { 'content-type': 'application/json', ...headers } });

  /** Requests that are refused, each with something that must not be told. */
  const refusals = async (): Promise<number[]> => {
    const all = await Promise.all([
      raw('POST', `/api/sales/${sale}/queue`, `{"accessCode": "${canaries['wrong access code']}"}`),
      ask('GET', `${api}/seats`, { headers: bearer(String(canaries['wrong bearer'])) }),
      ask('GET', `${api}/queue/me`, { headers: bearer(`${canaries['queue ticket']}x`) }),
      ask('GET', `${api}/seats`, { headers: bearer(`${fan.admissionToken()}x`) }),
      ask('GET', `${api}/seats`, {
        headers: { cookie: `admission=${canaries.cookie}; queue=${canaries.cookie}` },
      }),
      ask('GET', `${gateway}/api/organiser/sales`, { headers: bearer(String(canaries['wrong bearer'])) }),
      raw('POST', '/organiser/sign-in', `key=${canaries['wrong bearer']}`, {
        'content-type': 'application/x-www-form-urlencoded',
      }),
      raw('POST', `/api/sales/${sale}/orders`, `{"buyer": {"email": "${canaries['e-mail']}", `, {
        ...authorised,
        ...key(0),
      }),
      raw('POST', `/api/sales/${sale}/holds`, `{"seats": ["${canaries.name}\\u0000"]}`, authorised),
      raw('POST', `/api/sales/${sale}/queue`, `{"accessCode": {"x": "${canaries['access code']}"}}`),
      ask('GET', `${api}/orders/${canaries['e-mail']}`, { headers: authorised }),
      order(orderOf('no-such-hold', String(canaries['payment token'])), 1),
      raw('POST', `/internal/sales/${sale}/entries/x/finish`, '{}', {
        'x-internal-key': String(canaries['wrong bearer']),
      }),
    ]);
    return all.map(({ status }) => status);
  };
  expect((await refusals()).filter((status) => status < 400)).toEqual([]);

  // Paid by its answer, declined by a token that nobody knows, lost on the way, and left to the worker.
  const [paid, declined, unknown, later] = [
    await hold(),
    await hold(),
    await hold(unheard),
    await hold(patient),
  ];
  const payment = String(canaries['payment token']);
  expect((await order(orderOf(declined, payment), 2)).status).toBe(402);
  expect((await order(orderOf(unknown, 'tok_unknown'), 3, {}, unheard)).status).not.toBe(402);
  const left = await order(orderOf(later, payment), 4, { prefer: 'respond-async' }, patient);
  expect(left.status).toBe(202);
  expect((await order(orderOf(paid, 'tok_ok'), 5)).status).toBe(201);
  expect(await until(async () => refusedMails > 0, JOURNEY_MS_MAX)).toBe(true);

  await postgres.crash();
  expect(await refusals()).not.toContain(200);
  const away = await Promise.all([
    order(orderOf(unknown, payment), 6),
    ask('POST', `${api}/holds`, {
      json: { best: { quantity: 1 } },
      headers: { ...bearer(inside.admissionToken()), ...key(7) },
    }),
    ask('GET', `${gateway}/api/organiser/sales/${sale}/orders?find=${canaries['e-mail']}`, {
      headers: bearer(shop.organiserKey),
    }),
  ]);
  expect(away.map(({ status }) => status)).toEqual([503, 503, 503]);
  await redis.kill();
  const nowhere = await Promise.all([
    ask('POST', `${api}/queue`, { json: { accessCode: canaries['access code'] }, headers: key(8) }),
    ask('POST', `${api}/queue/me/claim`, { headers: bearer(String(queueTicket)) }),
    order(orderOf(unknown, payment), 9),
  ]);
  expect(nowhere.every(({ status }) => status === 503)).toBe(true);

  for (const service of ['gateway-1', 'booking', 'worker'] as const) {
    const log = shop.output(service);
    // What fails is told, or there would be nothing to search.
    expect(log).toMatch(/"level":[45]0/);
    for (const [what, canary] of Object.entries(canaries)) {
      const line = log.split('\n').find((each) => each.includes(canary));
      expect(line, `${what}, in the log of ${service}`).toBeUndefined();
    }
    expect(log.toLowerCase()).not.toContain(MARK);
  }
}, 120_000);

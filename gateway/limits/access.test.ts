import { request } from 'undici';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type RunningServer, serve } from '#shared/serve.ts';
import { type GatewayFixture, gatewayFixture, json, organiser } from '../testing/gateway-fixture.ts';

let g: GatewayFixture;
let server: RunningServer;
beforeAll(async () => {
  g = await gatewayFixture(undefined, {
    TRUSTED_PROXIES: '127.0.0.1',
    RATE_LIMITS: 'joins=0.001/3,codes=0.001/3,credentials=0.001/3',
  });
  server = await serve(g.app, { host: '127.0.0.1', port: 0 });
});
afterAll(async () => {
  await server.close();
  await g.close();
});

type Answer = { status: number; code: string | undefined; retryAfter: string | undefined; ticket: string };

/** As nginx passes it on for a fan at this address. */
async function ask(
  address: string | null,
  path: string,
  body: object | null = null,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const answer = await request(`${server.url}${path}`, {
    method: body ? 'POST' : 'GET',
    body: body ? JSON.stringify(body) : null,
    headers: { ...json, ...(address === null ? {} : { 'x-forwarded-for': address }), ...headers },
  });
  const text = (await answer.body.json()) as { code?: string; queueTicket?: string };
  return {
    status: answer.statusCode,
    code: text.code,
    retryAfter: answer.headers['retry-after'] as string | undefined,
    ticket: text.queueTicket ?? '',
  };
}

const statuses = async (times: number, work: () => Promise<Answer>) => {
  const all: number[] = [];
  for (let i = 0; i < times; i += 1) all.push((await work()).status);
  return all;
};

test('an address gets so many new places; who has one, other addresses and tools of this machine go on', async () => {
  const path = `/api/sales/${await g.sale()}/queue`;
  const first = await ask('192.0.2.1', path, {});
  expect(first.status).toBe(201);
  expect(await statuses(4, () => ask('192.0.2.1', path, {}))).toEqual([201, 201, 429, 429]);
  const refused = await ask('192.0.2.1', path, {});
  expect(refused).toMatchObject({ code: 'rate-limited' });
  expect(Number(refused.retryAfter)).toBeGreaterThan(0);
  // A header of one's own stands before what the proxy adds, and changes nothing.
  expect((await ask('198.51.100.1, 192.0.2.1', path, {})).status).toBe(429);
  expect((await ask('192.0.2.2', path, {})).status).toBe(201);
  expect(await statuses(10, () => ask(null, path, {}))).toEqual(Array(10).fill(201));
  await g.queue.watch.renew(path.split('/')[3] as string);
  const again = await ask('192.0.2.1', path, {}, { authorization: `Bearer ${first.ticket}` });
  expect(again.status).toBe(200);
  const poll = await ask('192.0.2.1', `${path}/me`, null, { authorization: `Bearer ${first.ticket}` });
  expect(poll.status).toBe(200);
});

test('guessing access codes ends after a few, and then the right one is refused too, there and in this sale', async () => {
  const codes = ['night-1', 'night-2'];
  const sales = [await g.sale({ accessCodeUses: 9 }, codes), await g.sale({ accessCodeUses: 9 }, codes)];
  const guess = (address: string, accessCode: string, sale = 0) =>
    ask(address, `/api/sales/${sales[sale]}/queue`, { accessCode });
  expect((await guess('2001:db8:0:1::1', 'night-1')).status).toBe(201);
  // Somewhere else in the same /64.
  const tried = await statuses(3, () => guess('2001:db8:0:1:ffff::2', 'night-9'));
  expect(tried).toEqual([403, 403, 403]);
  expect((await guess('2001:db8:0:1:ffff::3', 'night-1')).code).toBe('rate-limited');
  expect((await guess('2001:db8:0:2::1', 'night-1')).status).toBe(201);
  const wrong = await statuses(4, () => guess('192.0.2.9', 'night-9'));
  expect(wrong).toEqual([403, 403, 403, 429]);
});

test('wrong tickets, tokens and keys get 429 in the end, right ones are never refused', async () => {
  const sale = await g.sale();
  const bad = { authorization: 'Bearer not-a-ticket' };
  const poll = () => ask('192.0.2.20', `/api/sales/${sale}/queue/me`, null, bad);
  expect(await statuses(5, poll)).toEqual([401, 401, 401, 429, 429]);
  const seats = () => ask('192.0.2.21', `/api/sales/${sale}/seats`, null, bad);
  expect(await statuses(4, seats)).toEqual([401, 401, 401, 429]);
  const manage = (headers: Record<string, string>) =>
    ask('192.0.2.22', '/api/organiser/sales', null, headers);
  expect(await statuses(5, () => manage(bad))).toEqual([401, 401, 401, 429, 429]);
  expect((await manage(organiser)).status).toBe(200);
  expect(await statuses(5, () => manage({}))).toEqual([401, 401, 401, 401, 401]);
});

test('one fan waits in several sales at once, each by a ticket of its own', async () => {
  const sales = [await g.sale(), await g.sale()];
  const cookies: string[] = [];
  for (const sale of sales) {
    const joined = await g.post(`/api/sales/${sale}/queue`, {}, { ...json, cookie: cookies.join('; ') });
    expect(joined.status).toBe(201);
    cookies.push(String(joined.headers.get('set-cookie')).split(';', 1)[0] as string);
  }
  for (const sale of sales) {
    const headers = { cookie: cookies.join('; ') };
    const answer = await g.app.request(`/api/sales/${sale}/queue/me`, { headers });
    expect(await answer.json()).toMatchObject({ sale, state: 'waiting', position: 1 });
    const again = await g.post(`/api/sales/${sale}/queue`, {}, { ...json, ...headers });
    expect(again.status).toBe(200);
  }
  const left = await g.app.request(`/api/sales/${sales[0]}/queue/me`, {
    method: 'DELETE',
    headers: { cookie: cookies.join('; '), 'sec-fetch-site': 'same-origin' },
  });
  expect(left.status).toBe(204);
  const other = await g.app.request(`/api/sales/${sales[1]}/queue/me`, {
    headers: { cookie: cookies.join('; ') },
  });
  expect(await other.json()).toMatchObject({ state: 'waiting', position: 1 });
});

test.each([1, 3])('two hundred fans join at once with a code that is good for %i', async (accessCodeUses) => {
  const sale = await g.sale({ accessCodeUses }, ['night-1']);
  const answers = await Promise.all(
    Array.from({ length: 200 }, (_, i) =>
      g.post(
        `/api/sales/${sale}/queue`,
        { accessCode: 'night-1' },
        { ...json, 'idempotency-key': `fan-${i}` },
      ),
    ),
  );
  expect(answers.filter(({ status }) => status === 201)).toHaveLength(accessCodeUses);
  expect(answers.filter(({ status }) => status === 403)).toHaveLength(200 - accessCodeUses);
});

import { afterAll, beforeAll, expect, test } from 'vitest';
import type { SaleDefinition } from '#shared/contract/sale.ts';
import { freezeLobby } from '../lobby/freeze.ts';
import { saleKey } from '../redis/keys.ts';
import { type GatewayFixture, gatewayFixture, json, problem } from '../testing/gateway-fixture.ts';
import { takePlace } from './place.ts';
import { readSnapshot } from './snapshot.ts';
import { waitingStatus } from './status.ts';

let g: GatewayFixture;
beforeAll(async () => {
  g = await gatewayFixture();
});
afterAll(() => g.close());

test('a join, a poll, a claim and a leave answer as the contract says', async () => {
  const sale = await g.sale({ capacity: 1 });
  const joined = await g.post(`/api/sales/${sale}/queue`, {}, { ...json, 'idempotency-key': 'my-key' });
  expect(joined.status).toBe(201);
  const answer = (await joined.json()) as { queueTicket: string; version: number };
  expect(answer).toMatchObject({
    sale,
    saleState: 'open',
    state: 'waiting',
    queueNumber: 1,
    position: 1,
    ahead: 0,
  });
  expect(joined.headers.get('cache-control')).toBe('no-store');
  expect(joined.headers.get('set-cookie')).toMatch(/^queue-.+HttpOnly; SameSite=Lax/);

  const authorization = `Bearer ${answer.queueTicket}`;
  const again = await g.post(`/api/sales/${sale}/queue`, {}, { ...json, authorization });
  expect(again.status).toBe(200);
  const cookie = joined.headers.get('set-cookie')!.split(';')[0]!;
  const byCookie = await g.app.request(`/api/sales/${sale}/queue/me`, { headers: { cookie } });
  expect(await byCookie.json()).toMatchObject({ position: 1, version: answer.version });

  expect(await problem(g.post(`/api/sales/${sale}/queue/me/claim`, {}, { authorization }))).toMatchObject({
    code: 'not-your-turn',
  });
  const left = await g.app.request(`/api/sales/${sale}/queue/me`, {
    method: 'DELETE',
    headers: { authorization },
  });
  expect(left.status).toBe(204);
  const status = await g.app.request(`/api/sales/${sale}/queue/me`, { headers: { authorization } });
  expect(await status.json()).toMatchObject({ state: 'left', position: null, ahead: null });
});

test('without a ticket a poll is gate-required; with a wrong one, or one of another sale, token-invalid', async () => {
  const [mine, other] = [await g.sale(), await g.sale()];
  const { queueTicket } = (await (await g.post(`/api/sales/${mine}/queue`)).json()) as {
    queueTicket: string;
  };
  const poll = (sale: string, authorization?: string) =>
    g.app.request(
      `/api/sales/${sale}/queue/me`,
      authorization === undefined ? {} : { headers: { authorization } },
    );
  expect(await problem(poll(mine))).toMatchObject({ code: 'gate-required' });
  for (const wrong of ['Bearer x', 'Basic eDp5', `Bearer ${queueTicket.slice(0, -1)}`]) {
    expect(await problem(poll(mine, wrong))).toMatchObject({ code: 'token-invalid' });
  }
  expect(await problem(poll(other, `Bearer ${queueTicket}`))).toMatchObject({ code: 'token-invalid' });
});

test('leaving the lobby shows at once, and one may come back', async () => {
  const sale = await g.sale({ lobbyOpensAt: g.inSeconds(-60), opensAt: g.inSeconds(60) });
  const { queueTicket } = (await (await g.post(`/api/sales/${sale}/queue`)).json()) as {
    queueTicket: string;
  };
  const headers = { authorization: `Bearer ${queueTicket}` };
  const poll = async () => (await g.app.request(`/api/sales/${sale}/queue/me`, { headers })).json();
  expect(await poll()).toMatchObject({ state: 'lobby', position: null, queueNumber: null });
  expect((await g.app.request(`/api/sales/${sale}/queue/me`, { method: 'DELETE', headers })).status).toBe(
    204,
  );
  expect(await poll()).toMatchObject({ state: 'left' });
  expect((await g.post(`/api/sales/${sale}/queue`, {}, { ...json, ...headers })).status).toBe(201);
});

test('in a lobby that some have left a poll costs no Redis command, and who has left is told so', async () => {
  const sale = await g.sale({ lobbyOpensAt: g.inSeconds(-60), opensAt: g.inSeconds(60) });
  const joined = async () => {
    const { queueTicket } = (await (await g.post(`/api/sales/${sale}/queue`)).json()) as {
      queueTicket: string;
    };
    return { authorization: `Bearer ${queueTicket}` };
  };
  const fans = await Promise.all(Array.from({ length: 12 }, joined));
  const leaver = fans[5]!;
  const path = `/api/sales/${sale}/queue/me`;
  await g.app.request(path, { method: 'DELETE', headers: leaver });
  // Once each is asked about: Redis may have lost data that only their tickets tell of.
  for (const headers of fans) await g.app.request(path, { headers });
  const { version } = await g.queue.watch.renew(sale);
  const asked: unknown[] = [];
  const call = g.redis.call.bind(g.redis);
  g.redis.call = ((...args: [string, ...string[]]) => {
    asked.push(args[0]);
    return call(...args);
  }) as typeof g.redis.call;
  try {
    for (const headers of fans.filter((fan) => fan !== leaver)) {
      const answer = await g.app.request(`${path}?version=${version}`, { headers });
      expect(await answer.json()).toMatchObject({ state: 'lobby' });
    }
    // Presence is merged and facts are read beside, but nobody is looked up.
    expect(asked.filter((command) => command === 'evalsha').length).toBeLessThan(4);
    const answer = await g.app.request(`${path}?version=${version}`, { headers: leaver });
    expect(await answer.json()).toMatchObject({ state: 'left' });
  } finally {
    g.redis.call = call;
  }
});

test('a sale that is closed before its lobby was drawn is over for the lobby at once', async () => {
  const sale = await g.sale({
    lobbyOpensAt: g.inSeconds(-60),
    opensAt: g.inSeconds(5),
    beacon: { name: 'b', rule: 'all of it', url: null, field: null, from: g.inSeconds(500) },
  });
  const { queueTicket } = (await (await g.post(`/api/sales/${sale}/queue`)).json()) as {
    queueTicket: string;
  };
  g.pass(6);
  await freezeLobby(g.store, sale);
  const poll = async () =>
    (
      await g.app.request(`/api/sales/${sale}/queue/me`, {
        headers: { authorization: `Bearer ${queueTicket}` },
      })
    ).json();
  expect(await poll()).toMatchObject({ state: 'lobby' });
  await g.redis.hset(saleKey(sale, 'sale'), 'closedAt', g.now());
  expect(await poll()).toMatchObject({ state: 'closed', saleState: 'closed' });
});

test('who asks as told neither lapses nor misses a turn, however short a sale makes them', async () => {
  const told = async (settings: Partial<SaleDefinition>) => {
    const sale = await g.sale(settings);
    const headers: Record<string, string> = {};
    const { queueTicket, pollAfterMs } = (await (await g.post(`/api/sales/${sale}/queue`)).json()) as {
      queueTicket: string;
      pollAfterMs: number;
    };
    headers.authorization = `Bearer ${queueTicket}`;
    const answer = await g.app.request(`/api/sales/${sale}/queue/me`, { headers });
    const polled = (await answer.json()) as { pollAfterMs: number };
    const snapshot = await readSnapshot(g.store, sale, null);
    return [pollAfterMs, polled.pollAfterMs, waitingStatus(snapshot!, 1, 100_000, 2).pollAfterMs];
  };
  for (const ms of await told({ claimSeconds: 10, admitPerMinute: 1 })) expect(ms).toBeLessThanOrEqual(5_000);
  const lobby = { lobbyOpensAt: g.inSeconds(-60), opensAt: g.inSeconds(600), graceSeconds: 20 };
  for (const ms of await told(lobby)) expect(ms).toBeLessThanOrEqual(5_000);
});

test('far from the front and without an estimate nobody is told to ask every second', async () => {
  const sale = await g.sale({ paused: true });
  const { entry } = await takePlace(g.store, sale, { ticketEntry: null, keyEntry: null });
  await g.redis.setbit(`admit-one:{${sale}}:waiting-bits`, 1, 1);
  const snapshot = await readSnapshot(g.store, sale, null);
  expect(waitingStatus(snapshot!, entry.queueNumber!, 100_000).pollAfterMs).toBeGreaterThan(10_000);
  expect(waitingStatus(snapshot!, entry.queueNumber!, 1).pollAfterMs).toBeLessThan(2_000);
});

import { afterAll, beforeAll, expect, test } from 'vitest';
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

test('far from the front and without an estimate nobody is told to ask every second', async () => {
  const sale = await g.sale({ paused: true });
  const { entry } = await takePlace(g.store, sale, { ticketEntry: null, keyEntry: null });
  await g.redis.setbit(`admit-one:{${sale}}:waiting-bits`, 1, 1);
  const snapshot = await readSnapshot(g.store, sale, null);
  expect(waitingStatus(snapshot!, entry.queueNumber!, 100_000).pollAfterMs).toBeGreaterThan(10_000);
  expect(waitingStatus(snapshot!, entry.queueNumber!, 1).pollAfterMs).toBeLessThan(2_000);
});

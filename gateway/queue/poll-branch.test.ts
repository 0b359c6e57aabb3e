import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  asInit,
  type CountedServer,
  type RawAnswer,
  type RawHeaders,
  rawRequest,
  serveCounted,
} from '../../infra/testing/raw-request.ts';
import { giveTurns } from '../admission/turn-giver.ts';
import { type GatewayFixture, gatewayFixture, json } from '../testing/gateway-fixture.ts';
import { answerPolls } from './poll-branch.ts';
import { limitPolls } from './poll-limit.ts';

let g: GatewayFixture;
let server: CountedServer;
beforeAll(async () => {
  g = await gatewayFixture();
  server = await serveCounted(g.app, [answerPolls(g.queue, g.cookies)]);
});
afterAll(async () => {
  await server.close();
  await g.close();
});

const get = (path: string, headers: RawHeaders = {}) => rawRequest(server.port, path, { headers });
const textOf = ({ body }: RawAnswer): string => body.toString();

const join = async (sale: string) => {
  const answer = await g.post(`/api/sales/${sale}/queue`, {}, json);
  expect(answer.status).toBe(201);
  return (await answer.json()) as { queueTicket: string; version: number; queueNumber: number };
};

/** What both ways answer, without what is drawn by lot. */
const bothWays = async (path: string, headers: RawHeaders) => {
  const before = server.answeredAhead();
  const ahead = await get(path, headers);
  const wasAhead = server.answeredAhead() > before;
  const routed = await g.app.request(path, asInit({ headers }));
  const routedBody = await routed.text();
  const plain = (text: string) => text.replace(/"pollAfterMs":[\d.]+/, '"pollAfterMs":0');
  expect(ahead.status).toBe(routed.status);
  expect(plain(textOf(ahead))).toBe(plain(routedBody));
  for (const name of ['content-type', 'cache-control'])
    expect(ahead.headers[name]).toBe(routed.headers.get(name));
  expect(ahead.headers['retry-after'] === undefined).toBe(routed.headers.get('retry-after') === null);
  return { ...ahead, wasAhead };
};

test('a fan who waits is answered ahead of the router what the route answers, field for field', async () => {
  const sale = await g.sale({
    notice: { text: 'A "@" and \\"@" – "doors 7 pm"', at: new Date(g.now()).toISOString() },
  });
  const fans: Awaited<ReturnType<typeof join>>[] = [];
  for (let i = 0; i < 5; i += 1) fans.push(await join(sale));
  const { version } = await g.queue.watch.renew(sale);
  for (const [i, fan] of fans.entries()) {
    const path = `/api/sales/${sale}/queue/me?version=${version}`;
    for (const headers of [
      { authorization: `Bearer ${fan.queueTicket}` },
      { cookie: `a=b; queue-${sale}=${fan.queueTicket}` },
    ]) {
      const answer = await bothWays(path, headers);
      expect(answer.wasAhead).toBe(true);
      expect(JSON.parse(textOf(answer))).toMatchObject({
        position: i + 1,
        ahead: i,
        queueNumber: i + 1,
        state: 'waiting',
      });
      expect(Number(answer.headers['retry-after'])).toBeGreaterThanOrEqual(1);
    }
  }
});

test('whatever an organiser writes into a notice, the answer is JSON', async () => {
  for (const text of ['@', '"@"', '\\', '"', ',"position":7,', 'ü – 券', '</script>']) {
    const sale = await g.sale({ notice: { text, at: new Date(g.now()).toISOString() } });
    const fan = await join(sale);
    const { version } = await g.queue.watch.renew(sale);
    const headers = { authorization: `Bearer ${fan.queueTicket}` };
    const answer = await bothWays(`/api/sales/${sale}/queue/me?version=${version}`, headers);
    expect(answer.wasAhead).toBe(true);
    expect(JSON.parse(textOf(answer))).toMatchObject({ notice: { text }, position: 1 });
  }
});

test('with an estimate too, and once the turn has come it is left to the route', async () => {
  const sale = await g.sale({ capacity: 3 });
  const fans: Awaited<ReturnType<typeof join>>[] = [];
  for (let i = 0; i < 8; i += 1) fans.push(await join(sale));
  expect(await giveTurns(g.store, sale)).toBe(3);
  const { version } = await g.queue.watch.renew(sale);
  const at = (i: number) =>
    bothWays(`/api/sales/${sale}/queue/me?version=${version}`, {
      authorization: `Bearer ${fans[i]!.queueTicket}`,
    });
  const waiting = await at(5);
  expect(waiting.wasAhead).toBe(true);
  expect(JSON.parse(textOf(waiting))).toMatchObject({ position: 3 });
  const ready = await at(0);
  expect(ready.wasAhead).toBe(false);
  expect(JSON.parse(textOf(ready))).toMatchObject({ state: 'ready', position: null });
});

test('whatever is no plain poll of a fan who waits is the route’s', async () => {
  const sale = await g.sale();
  const { queueTicket, version } = await join(sale);
  const other = await g.sale();
  const path = `/api/sales/${sale}/queue/me?version=${version}`;
  const bearer = { authorization: `Bearer ${queueTicket}` };
  const odd: [string, RawHeaders][] = [
    [path, {}],
    [path, { authorization: 'Bearer x' }],
    [path, { authorization: `Basic ${queueTicket}` }],
    [path, { authorization: `Bearer ${queueTicket.slice(0, -1)}` }],
    [path, { authorization: 'Bearer x', cookie: `queue-${sale}=${queueTicket}` }],
    [path, { authorization: '', cookie: `queue-${sale}=${queueTicket}` }],
    [path, { authorization: [`Bearer ${queueTicket}`, `Bearer ${queueTicket}`] }],
    [path, { authorization: [`Bearer ${queueTicket}`, 'Bearer x'] }],
    [`/api/sales/${other}/queue/me?version=0`, bearer],
    [`/api/sales/no-such-sale/queue/me?version=0`, bearer],
    [`${path}x`, bearer],
    [`${path}&x=1`, bearer],
    [`/api/sales/${sale}/queue/me?version=-1`, bearer],
    [`/api/sales/${sale}/queue/me?version=${'9'.repeat(30)}`, bearer],
    [`/api/sales/${sale}/queue/mex?version=1`, bearer],
  ];
  for (const [target, headers] of odd)
    expect([target, (await bothWays(target, headers)).wasAhead]).toEqual([target, false]);
  // One that has seen more than this process is answered by a fresh reading, not by what is remembered.
  await g.sale();
  const newer = await get(`/api/sales/${sale}/queue/me?version=${version + 1}`, bearer);
  expect(newer.status).toBe(200);
});

test('who asks too often with one ticket reads 429 and when to come back, on both ways; nobody else notices', async () => {
  const sale = await g.sale();
  const [greedy, other] = [await join(sale), await join(sale)];
  const poll = (fan: { queueTicket: string }, query = `?version=${other.version}`) =>
    get(`/api/sales/${sale}/queue/me${query}`, { authorization: `Bearer ${fan.queueTicket}` });
  const answers = await Promise.all(Array.from({ length: 300 }, () => poll(greedy)));
  const refused = answers.filter(({ status }) => status === 429);
  expect(refused.length).toBeGreaterThan(100);
  expect(answers.length - refused.length).toBeGreaterThanOrEqual(40);
  for (const answer of refused) {
    expect(Number(answer.headers['retry-after'])).toBeGreaterThanOrEqual(1);
    expect(JSON.parse(textOf(answer))).toMatchObject({ code: 'rate-limited', status: 429 });
  }
  const routed = await Promise.all(Array.from({ length: 100 }, () => poll(greedy, '')));
  expect(routed.filter(({ status }) => status === 429).length).toBeGreaterThan(20);
  expect((await poll(other)).status).toBe(200);
});

test.each([7, null])(
  'the limit gives a fan so many polls a second, and some at once: number %s',
  (number) => {
    const limit = limitPolls();
    const ticket = (queueNumber: number | null, entry = 'the-fan') => ({
      sale: 'sale',
      entry,
      queueNumber,
      epoch: 1,
    });
    const takeAll = (nowMs: number) => {
      let taken = 0;
      while (limit.take(ticket(number), nowMs) === 0) taken += 1;
      return taken;
    };
    const atOnce = takeAll(1_000);
    expect(takeAll(1_000)).toBe(0);
    const wait = limit.take(ticket(number), 1_000);
    expect(takeAll(1_000 + wait)).toBe(1);
    expect(takeAll(1_000_000)).toBe(atOnce);
    expect(limit.take(ticket(8), 1_000)).toBe(0);
    expect(limit.take(ticket(null, 'another'), 1_000)).toBe(0);
  },
);

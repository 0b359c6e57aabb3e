import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { internalHeaders } from '#shared/internal.ts';
import { SOON_MS } from '../../infra/testing/soon.ts';
import { giveTurns } from '../admission/turn-giver.ts';
import { leavePlace } from '../queue/place.ts';
import { type GatewayFixture, gatewayFixture, json, problem } from '../testing/gateway-fixture.ts';

/** How long a read may go by an earlier check. */
const CHECK_SECONDS = 1;
const ADMISSION_SECONDS = 600;

let shop: ReturnType<typeof createServer>;
let g: GatewayFixture;
let sale: string;
let asked: string[];
/** What the shop waits for before it answers an order. */
let beforeOrder: Promise<void>;

beforeEach(async () => {
  asked = [];
  beforeOrder = Promise.resolve();
  shop = createServer(async ({ method = '', url = '', headers }, response) => {
    if (!url.startsWith('/api/')) return void response.writeHead(503).end();
    asked.push(`${method} ${url.split('/').at(-1)} ${headers[internalHeaders.admission]}`);
    const isOrder = url.endsWith('/orders') && method === 'POST';
    if (isOrder) await beforeOrder;
    const told = isOrder ? { [internalHeaders.order]: 'o' } : {};
    response.writeHead(200, { 'content-type': 'application/json', ...told }).end('{}');
  });
  await once(shop.listen(0, '127.0.0.1'), 'listening');
  g = await gatewayFixture(`http://127.0.0.1:${(shop.address() as AddressInfo).port}`);
  sale = await g.sale();
});

afterEach(async () => {
  await g.close();
  shop.closeAllConnections();
  shop.close();
});

type Admitted = {
  entry: string;
  read: () => Promise<Response>;
  order: () => Promise<Response>;
  /** What Redis says of the place. */
  state: () => Promise<string>;
};

/** An admitted fan whom the shop has answered already, so that they share. */
async function admitted(): Promise<Admitted> {
  const { queueTicket } = (await (await g.post(`/api/sales/${sale}/queue`)).json()) as {
    queueTicket: string;
  };
  await giveTurns(g.store, sale);
  const ticket = { authorization: `Bearer ${queueTicket}` };
  const claimed = await g.post(`/api/sales/${sale}/queue/me/claim`, {}, ticket);
  const { admissionToken } = (await claimed.json()) as { admissionToken: string };
  const headers = { ...json, authorization: `Bearer ${admissionToken}` };
  const read = async () => g.app.request(`/api/sales/${sale}/seats`, { headers });
  const order = async () => g.post(`/api/sales/${sale}/orders`, {}, { ...headers, 'idempotency-key': 'k' });
  const state = async () => {
    const me = await g.app.request(`/api/sales/${sale}/queue/me`, { headers: ticket });
    return ((await me.json()) as { state: string }).state;
  };
  expect((await read()).status).toBe(200);
  return { entry: String(queueTicket.split('.')[2]), read, order, state };
}

/** The fan and a crowd around them, at one moment. */
async function readInCrowd(fan: Admitted, crowd: Admitted[]) {
  asked.splice(0);
  const [own, ...others] = await Promise.all([fan, ...crowd].map(({ read }) => read()));
  for (const { status } of others) expect(status).toBe(200);
  // Some of them shared.
  expect(asked.length).toBeLessThanOrEqual(crowd.length);
  return own as Response;
}

describe('an admission that is withdrawn reads seats no longer than a check is believed, in a crowd that shares too', () => {
  test('given back at another gateway: after a second', async () => {
    const [fan, ...crowd] = [await admitted(), await admitted(), await admitted()];
    await leavePlace(g.store, sale, fan.entry);
    g.pass(CHECK_SECONDS);
    expect(await problem(await readInCrowd(fan, crowd))).toMatchObject({ code: 'already-finished' });
  });

  test('whose time is over: after a second', async () => {
    const fan = await admitted();
    g.pass(ADMISSION_SECONDS - 1);
    const crowd = [await admitted(), await admitted()];
    expect((await readInCrowd(fan, crowd)).status).toBe(200);
    g.pass(CHECK_SECONDS);
    expect(await problem(await readInCrowd(fan, crowd))).toMatchObject({ code: 'gate-required' });
  });

  test('by an order that was completed through this door: at once', async () => {
    const [fan, ...crowd] = [await admitted(), await admitted(), await admitted()];
    expect((await readInCrowd(fan, crowd)).status).toBe(200);
    expect(await fan.state()).toBe('admitted');
    expect((await fan.order()).status).toBe(200);
    // Before the fan is told, and without a worker: the room is free.
    expect(await fan.state()).toBe('finished');
    expect(await problem(await readInCrowd(fan, crowd))).toMatchObject({ code: 'already-finished' });
    // Its own orders it may read, and repeat its key.
    asked.splice(0);
    expect((await fan.order()).status).toBe(200);
    expect(asked).toEqual(['POST orders finished']);
  });
});

/** Something to wait for until the test says so. */
function gate() {
  let open: () => void = () => undefined;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}

test('a look that Redis judged before an order was answered does not bring the admission back', async () => {
  const fan = await admitted();
  const [order, word] = [gate(), gate()];
  beforeOrder = order.opened;
  const ordered = fan.order();
  await vi.waitFor(() => expect(asked).toContain('POST orders live'), SOON_MS);
  g.pass(CHECK_SECONDS);
  const call = g.redis.call.bind(g.redis) as (...args: unknown[]) => Promise<unknown>;
  const calls = vi.spyOn(g.redis, 'call') as unknown as { mockImplementation: (as: typeof call) => void };
  let isJudged = false;
  calls.mockImplementation(async (...args) => {
    const answer = await call(...args);
    if (isJudged || !args.includes(fan.entry)) return answer;
    isJudged = true;
    await word.opened;
    return answer;
  });
  const looked = fan.read();
  await vi.waitFor(() => expect(isJudged).toBe(true), SOON_MS);
  order.open();
  expect((await ordered).status).toBe(200);
  word.open();
  await looked;
  expect(await problem(fan.read())).toMatchObject({ code: 'already-finished' });
});

test('an admission that this gateway knows to be over does not come back while Redis is away', async () => {
  const [over, live] = [await admitted(), await admitted()];
  await leavePlace(g.store, sale, over.entry);
  g.pass(CHECK_SECONDS);
  expect((await over.read()).status).toBe(409);
  g.redis.disconnect();
  g.pass(CHECK_SECONDS);
  expect(await problem(over.read())).toMatchObject({ code: 'already-finished' });
  expect((await live.read()).status).toBe(200);
  asked.splice(0);
  await over.order();
  await live.order();
  expect(asked).toEqual(['POST orders finished', 'POST orders live']);
});

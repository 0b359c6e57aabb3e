import { type ClientRequest, type IncomingMessage, request } from 'node:http';
import { connect, Socket } from 'node:net';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import type { StatusAnswer } from '#shared/contract/queue.ts';
import { type RunningServer, serve } from '#shared/serve.ts';
import { ownRedis } from '../../infra/testing/redis-server.ts';
import { giveTurns } from '../admission/turn-giver.ts';
import { connectRedis } from '../redis/client.ts';
import { putSale } from '../sale/live-sale.ts';
import { type GatewayFixture, gatewayFixture, json } from '../testing/gateway-fixture.ts';
import { definitionAt, mastersOf, silentLog } from '../testing/queue-fixture.ts';
import { beginRecovery } from './begin-recovery.ts';
import { readEventId } from './fan-stream.ts';
import { measurePolls } from './pace.ts';
import { leavePlace, takePlace } from './place.ts';
import { unlimitedPolls } from './poll-limit.ts';
import { keepPresence } from './presence.ts';
import { STEPS_PER_LOOK_AT_THE_CLOCK } from './slices.ts';
import type { Queue } from './status.ts';
import { answerStreams } from './stream-branch.ts';
import { type FanStreams, streamStatuses } from './streams.ts';
import { watchQueues } from './watch.ts';

const PATIENCE = { timeout: 20_000, interval: 20 };

let g: GatewayFixture;
beforeAll(async () => {
  g = await gatewayFixture();
});
afterAll(() => g.close());

/** What is short in tests: nobody waits for a quarter of a minute to pass. */
type Timings = Parameters<typeof streamStatuses>[2];

type Gateway = { server: RunningServer; streams: FanStreams; close: () => Promise<void> };

/** The fixture's gateway behind a real port, with streams of its own. */
async function gateway(timings: Timings = {}, queue: Queue = { ...g.queue, limit: unlimitedPolls }) {
  const streams = streamStatuses(queue, silentLog, timings);
  const ahead = [answerStreams(queue, g.cookies, streams)];
  const server = await serve(g.app, { host: '127.0.0.1', port: 0, ahead });
  const close = async () => {
    await streams.stop();
    await server.close();
  };
  return { server, streams, close } satisfies Gateway;
}

type Frame = { id: string; event: string | null; status: StatusAnswer };

type Reader = {
  status: () => number;
  headers: () => IncomingMessage['headers'];
  frames: Frame[];
  /** All that came, as it came. */
  text: () => string;
  ended: () => boolean;
  request: ClientRequest;
};

/** A stream as a browser reads it. */
async function listen(
  { server }: { server: RunningServer },
  sale: string,
  headers: Record<string, string>,
  query = '',
  method = 'GET',
): Promise<Reader> {
  const path = `/api/sales/${sale}/queue/stream${query}`;
  const frames: Frame[] = [];
  let [text, rest, ended] = ['', '', false];
  const asking = request({ host: '127.0.0.1', port: server.port, method, path, headers, agent: false });
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    asking.on('response', resolve).on('error', reject).end();
  });
  asking.on('error', () => undefined);
  response
    .on('error', () => undefined)
    .on('close', () => {
      ended = true;
    });
  response.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
    rest += chunk;
    for (let at = rest.indexOf('\n\n'); at !== -1; at = rest.indexOf('\n\n')) {
      const lines = rest.slice(0, at).split('\n');
      rest = rest.slice(at + 2);
      const field = (name: string) =>
        lines.find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2) ?? null;
      const data = field('data');
      if (data !== null)
        frames.push({ id: field('id') ?? '', event: field('event'), status: JSON.parse(data) });
    }
  });
  return {
    status: () => response.statusCode ?? 0,
    headers: () => response.headers,
    frames,
    text: () => text,
    ended: () => ended,
    request: asking,
  };
}

const last = ({ frames }: Reader): StatusAnswer | undefined => frames.at(-1)?.status;
const positions = ({ frames }: Reader) => frames.map(({ status }) => status.position);

const bearer = (ticket: string) => ({ authorization: `Bearer ${ticket}` });
const join = async (sale: string) => {
  const answer = await g.post(`/api/sales/${sale}/queue`, {}, json);
  expect(answer.status).toBe(201);
  return (await answer.json()) as { queueTicket: string; version: number; queueNumber: number };
};

/** So many fans, without an HTTP request each. */
async function crowd(sale: string, size: number, named = 'fan') {
  const places = await Promise.all(
    Array.from({ length: size }, (_, i) =>
      takePlace(g.store, sale, { ticketEntry: null, keyEntry: `${named}-${i}` }),
    ),
  );
  await g.queue.watch.renew(sale);
  return places.map(({ entry }) =>
    g.queue.tickets.sign({ sale, entry: entry.id, queueNumber: entry.queueNumber, epoch: 1 }),
  );
}

const commandsOf = async (pattern: RegExp) => {
  const stats = await Promise.all(mastersOf(g.redis).map((master) => master.info('commandstats')));
  let calls = 0;
  for (const [, name, count] of stats.join('\n').matchAll(/cmdstat_([a-z|-]+):calls=(\d+)/g)) {
    if (pattern.test(name as string)) calls += Number(count);
  }
  return calls;
};

test('a stream says what a poll says, and again when fans ahead have gone; positions never rise', async () => {
  const sale = await g.sale();
  const fans = [];
  for (let i = 0; i < 4; i += 1) fans.push(await join(sale));
  await g.queue.watch.renew(sale);
  const it = await gateway();
  const reader = await listen(it, sale, bearer(fans[3]!.queueTicket));
  expect(reader.status()).toBe(200);
  expect(reader.headers()).toMatchObject({
    'content-type': 'text/event-stream',
    'cache-control': 'no-store',
  });
  await vi.waitFor(() => expect(last(reader)?.position).toBe(4), PATIENCE);
  expect(reader.text()).toMatch(/^retry: \d{3,4}\n\n/);
  const poll = await g.app.request(`/api/sales/${sale}/queue/me`, { headers: bearer(fans[3]!.queueTicket) });
  const volatile = { asOf: '', pollAfterMs: 0, version: 0 };
  expect({ ...last(reader), ...volatile }).toEqual({ ...((await poll.json()) as object), ...volatile });
  for (const [i, fan] of fans.slice(0, 3).entries()) {
    await leavePlace(g.store, sale, String(fan.queueTicket.split('.')[2]));
    await vi.waitFor(() => expect(last(reader)?.position).toBe(3 - i), PATIENCE);
  }
  expect(positions(reader)).toEqual([...positions(reader)].sort((a, b) => (b ?? 0) - (a ?? 0)));
  for (const frame of reader.frames)
    expect(readEventId(frame.id)).toEqual({ version: frame.status.version, ended: false });
  await it.close();
  await vi.waitFor(() => expect(reader.ended()).toBe(true), PATIENCE);
});

test('a turn, the admission and the end reach the fan; after the end the stream ends, and is not opened again', async () => {
  const sale = await g.sale({ capacity: 1 });
  const [first, second] = [await join(sale), await join(sale)];
  const it = await gateway();
  const [ready, waits] = [
    await listen(it, sale, bearer(first.queueTicket)),
    await listen(it, sale, { cookie: `queue-${sale}=${second.queueTicket}` }),
  ];
  await vi.waitFor(() => expect(last(waits)?.position).toBe(2), PATIENCE);
  expect(await giveTurns(g.store, sale)).toBe(1);
  await vi.waitFor(() => expect(last(ready)).toMatchObject({ state: 'ready', position: null }), PATIENCE);
  expect(last(ready)?.claimBy).not.toBeNull();
  await vi.waitFor(() => expect(last(waits)?.position).toBe(1), PATIENCE);
  const claimed = await g.post(
    `/api/sales/${sale}/queue/me/claim`,
    {},
    { ...json, ...bearer(first.queueTicket) },
  );
  expect(claimed.status).toBe(200);
  await vi.waitFor(() => expect(last(ready)?.state).toBe('admitted'), PATIENCE);
  await leavePlace(g.store, sale, String(first.queueTicket.split('.')[2]));
  await vi.waitFor(() => expect(ready.ended()).toBe(true), PATIENCE);
  expect(last(ready)?.state).toBe('finished');
  const again = await listen(it, sale, {
    ...bearer(first.queueTicket),
    'last-event-id': ready.frames.at(-1)!.id,
  });
  expect(again.status()).toBe(204);
  expect(waits.ended()).toBe(false);
  // Everybody who waits hears at once that the sale is over.
  expect((await g.organise('POST', `/sales/${sale}/close`, {})).status).toBe(200);
  await vi.waitFor(() => expect(waits.ended()).toBe(true), PATIENCE);
  expect(last(waits)).toMatchObject({ state: 'closed', saleState: 'closed' });
  await it.close();
});

test('five hundred streams whose turn comes at once cost a handful of Redis commands', async () => {
  const sale = await g.sale({ capacity: 500, admitPerMinute: 1_000_000 });
  const tickets = await crowd(sale, 700);
  const it = await gateway();
  const readers = await Promise.all(tickets.map((ticket) => listen(it, sale, bearer(ticket))));
  await vi.waitFor(() => expect(readers.every((reader) => last(reader))).toBe(true), PATIENCE);
  const before = await commandsOf(/^(evalsha|eval|hget|zrank|zscore)$/);
  const scriptsBefore = await commandsOf(/^evalsha$/);
  let given = 0;
  while (given < 500) given += await giveTurns(g.store, sale);
  await vi.waitFor(
    () => expect(readers.filter((reader) => last(reader)?.state === 'ready')).toHaveLength(500),
    PATIENCE,
  );
  const scripts = (await commandsOf(/^evalsha$/)) - scriptsBefore;
  expect(before).toBeGreaterThan(0);
  // Snapshots, turns and presence of all sales go on meanwhile, some ten or twenty a second; one a stream would be 500.
  expect(scripts).toBeLessThan(250);
  expect(readers.slice(500).every((reader) => last(reader)?.state === 'waiting')).toBe(true);
  await vi.waitFor(() => expect(last(readers[699]!)?.position).toBe(200), PATIENCE);
  await it.close();
});

/** The most frames that were written in one turn of the event loop, and all of them, from now on until it is asked. */
function countFrames() {
  let [most, all, counting] = [0, 0, true];
  const writes = vi.spyOn(Socket.prototype, 'write');
  const turn = () => {
    const frames = writes.mock.calls.filter(([chunk]) => String(chunk).includes('\ndata: ')).length;
    writes.mockClear();
    most = Math.max(most, frames);
    all += frames;
    if (counting) setImmediate(turn);
  };
  turn();
  return () => {
    counting = false;
    turn();
    writes.mockRestore();
    return { most, all };
  };
}

/** A gateway each of whose slices is as short as can be, and so many fans of each sale who listen. */
async function listeners(sales: string[], each: number) {
  const it = await gateway({ sliceMs: 0 });
  const readers: Reader[] = [];
  for (const sale of sales)
    for (const ticket of await crowd(sale, each)) readers.push(await listen(it, sale, bearer(ticket)));
  await vi.waitFor(() => expect(readers.every((reader) => last(reader)?.position)).toBe(true), PATIENCE);
  return { it, readers };
}

test.each([
  ['is closed', 'closed', (sale: string) => g.organise('POST', `/sales/${sale}/close`, {})],
  ['is sold out', 'soldOut', (sale: string) => g.redis.hset(`admit-one:{${sale}}:sale`, 'soldOut', '1')],
])('when a sale %s all are told in slices, and their streams end', async (_, saleState, act) => {
  const sale = await g.sale();
  const { it, readers } = await listeners([sale], 120);
  const stop = countFrames();
  await act(sale);
  await vi.waitFor(() => expect(readers.every((reader) => reader.ended())).toBe(true), PATIENCE);
  const { most, all } = stop();
  expect(all).toBe(120);
  expect(most).toBeLessThanOrEqual(STEPS_PER_LOOK_AT_THE_CLOCK);
  for (const reader of readers) {
    expect(last(reader)).toMatchObject({ state: 'closed', saleState, position: null });
    expect(readEventId(reader.frames.at(-1)!.id)?.ended).toBe(true);
  }
  await it.close();
});

test('turns that come at one moment are told in slices', async () => {
  const sale = await g.sale({ capacity: 500, admitPerMinute: 1_000_000 });
  const { it, readers } = await listeners([sale], 120);
  const stop = countFrames();
  let given = 0;
  while (given < 120) given += await giveTurns(g.store, sale);
  await vi.waitFor(
    () => expect(readers.every((reader) => last(reader)?.state === 'ready')).toBe(true),
    PATIENCE,
  );
  expect(stop().most).toBeLessThanOrEqual(STEPS_PER_LOOK_AT_THE_CLOCK);
  await it.close();
});

test('the streams of all sales share one slice', async () => {
  const sales: string[] = [];
  for (let i = 0; i < 12; i += 1) sales.push(await g.sale());
  const { it, readers } = await listeners(sales, 12);
  const stop = countFrames();
  await Promise.all(sales.map((sale) => leavePlace(g.store, sale, 'fan-0')));
  await vi.waitFor(
    () => expect(readers.every((reader, i) => i % 12 === 0 || last(reader)?.position === i % 12)).toBe(true),
    PATIENCE,
  );
  const { most, all } = stop();
  expect(all).toBeGreaterThanOrEqual(12 * 11);
  expect(most).toBeLessThanOrEqual(STEPS_PER_LOOK_AT_THE_CLOCK);
  await it.close();
});

test('a renewed ticket reaches the fan, even if nothing else has changed for them', async () => {
  const sale = await g.sale();
  const [ticket] = (await crowd(sale, 1)) as [string];
  expect(await giveTurns(g.store, sale)).toBe(1);
  await g.queue.watch.renew(sale);
  const it = await gateway();
  const reader = await listen(it, sale, bearer(ticket));
  await vi.waitFor(() => expect(last(reader)?.state).toBe('ready'), PATIENCE);
  expect(last(reader)?.queueTicket).toBeUndefined();
  await beginRecovery(g.store, sale, { epoch: 1, seenEpoch: 1, seenVersion: 0 }, silentLog);
  await vi.waitFor(() => expect(last(reader)?.queueTicket).toBeDefined(), PATIENCE);
  expect(last(reader)).toMatchObject({ state: 'ready' });
  expect(g.queue.tickets.verify(last(reader)?.queueTicket as string)).toMatchObject({
    queueNumber: 1,
    epoch: 2,
  });
  await it.close();
});

test('in the lobby too the sign of life is a status, with the figures of now, and no comment', async () => {
  const sale = await g.sale({ lobbyOpensAt: g.inSeconds(-10), opensAt: g.inSeconds(3_600) });
  const fan = await join(sale);
  await g.queue.watch.renew(sale);
  const it = await gateway({ heartbeatMs: 400 });
  const reader = await listen(it, sale, bearer(fan.queueTicket));
  await vi.waitFor(() => expect(last(reader)).toMatchObject({ state: 'lobby', waiting: 1 }), PATIENCE);
  await join(sale);
  await vi.waitFor(() => expect(last(reader)).toMatchObject({ state: 'lobby', waiting: 2 }), PATIENCE);
  await vi.waitFor(() => expect(reader.frames.length).toBeGreaterThanOrEqual(4), PATIENCE);
  expect(reader.text()).not.toContain(': still here');
  await it.close();
});

test('who waits in the lobby hears of the opening', async () => {
  const sale = await g.sale({ lobbyOpensAt: g.inSeconds(-10), opensAt: g.inSeconds(60) });
  const fan = await join(sale);
  const it = await gateway();
  const reader = await listen(it, sale, bearer(fan.queueTicket));
  await vi.waitFor(() => expect(last(reader)).toMatchObject({ state: 'lobby', queueNumber: null }), PATIENCE);
  g.pass(61);
  await vi.waitFor(() => expect(last(reader)).toMatchObject({ saleState: 'open' }), PATIENCE);
  await it.close();
});

test('a stream goes on where another gateway left off: nothing older than Last-Event-ID is sent', async () => {
  const sale = await g.sale();
  const tickets = await crowd(sale, 3);
  const it = await gateway();
  const reader = await listen(it, sale, bearer(tickets[2] as string));
  await vi.waitFor(() => expect(last(reader)?.position).toBe(3), PATIENCE);
  await it.close();
  await leavePlace(g.store, sale, 'fan-0');
  const seen = await g.queue.watch.renew(sale);
  // Another gateway, whose memory is of before.
  const stale = { ...seen, version: seen.version - 1, bits: seen.bits };
  const other = await gateway(
    {},
    {
      ...g.queue,
      limit: unlimitedPolls,
      watch: {
        ...g.queue.watch,
        remembered: () => stale,
        atLeast: async (_, { version }) => (version > stale.version ? g.queue.watch.renew(sale) : stale),
      },
    },
  );
  const resumed = await listen(other, sale, {
    ...bearer(tickets[2] as string),
    'last-event-id': String(seen.version),
  });
  await vi.waitFor(() => expect(last(resumed)).toMatchObject({ position: 2 }), PATIENCE);
  expect(resumed.frames[0]!.status.version).toBeGreaterThanOrEqual(seen.version);
  const byQuery = await listen(other, sale, bearer(tickets[2] as string), `?version=${seen.version}`);
  await vi.waitFor(() => expect(last(byQuery)?.version).toBeGreaterThanOrEqual(seen.version), PATIENCE);
  await other.close();
});

test.each([
  [{}, 401, 'gate-required'],
  [{ authorization: 'Bearer x' }, 401, 'token-invalid'],
  [{ authorization: 'Basic x' }, 401, 'token-invalid'],
])('a stream with %j is refused as a poll would be', async (headers, status, code) => {
  const sale = await g.sale();
  const it = await gateway();
  const reader = await listen(it, sale, headers as Record<string, string>);
  expect(reader.status()).toBe(status);
  await vi.waitFor(() => expect(JSON.parse(reader.text())).toMatchObject({ code }), PATIENCE);
  await it.close();
});

test.each([
  ['?version=0&x=1', 'GET', 200],
  ['?x=1', 'GET', 200],
  ['?', 'GET', 200],
  ['?version=', 'GET', 200],
  ['?version=none', 'GET', 422],
  ['?version=-1', 'GET', 422],
  [`?version=${'9'.repeat(30)}`, 'GET', 422],
  ['', 'HEAD', 200],
  ['?version=none', 'HEAD', 422],
  ['', 'POST', 405],
])(
  'a stream with the query %j, by %s, is answered %i: never as if it would be there later',
  async (query, method, status) => {
    const sale = await g.sale();
    const { queueTicket } = await join(sale);
    const it = await gateway();
    const reader = await listen(it, sale, bearer(queueTicket), query, method);
    expect(reader.status()).toBe(status);
    const isStream = method === 'GET' && status === 200;
    if (isStream) await vi.waitFor(() => expect(last(reader)?.position).toBe(1), PATIENCE);
    else await vi.waitFor(() => expect(reader.ended()).toBe(true), PATIENCE);
    expect(it.streams.count()).toBe(isStream ? 1 : 0);
    await it.close();
  },
);

test('a stream whose address is spelled otherwise reads that it is, not that it is away', async () => {
  const sale = await g.sale();
  const { queueTicket } = await join(sale);
  const it = await gateway();
  const answer = await g.app.request(`/api/sales/${sale}/queue/%73tream`, { headers: bearer(queueTicket) });
  expect(answer.status).toBe(400);
  expect(await answer.json()).toMatchObject({ code: 'malformed-request' });
  await it.close();
});

test('a sale that does not exist, or a ticket of another sale, gets a problem and no stream', async () => {
  const sale = await g.sale();
  const it = await gateway();
  const made = g.queue.tickets.sign({ sale: 'no-such-sale', entry: 'nobody', queueNumber: 7, epoch: 1 });
  const unknown = await listen(it, 'no-such-sale', bearer(made));
  expect(unknown.status()).toBe(404);
  const foreign = await listen(it, sale, bearer(made));
  expect(foreign.status()).toBe(401);
  await vi.waitFor(() => expect(it.streams.count()).toBe(0), PATIENCE);
  await it.close();
});

test('one ticket has three streams at most: the oldest is told to poll; a process has its own limit', async () => {
  const sale = await g.sale();
  const tickets = await crowd(sale, 3);
  const it = await gateway({ streamsMax: 5 });
  const tabs: Reader[] = [];
  for (let i = 0; i < 5; i += 1) tabs.push(await listen(it, sale, bearer(tickets[0] as string)));
  await vi.waitFor(
    () => expect(tabs.map((tab) => tab.ended())).toEqual([true, true, false, false, false]),
    PATIENCE,
  );
  expect(tabs[0]!.frames.at(-1)).toMatchObject({ event: 'superseded' });
  await vi.waitFor(() => expect(it.streams.count()).toBe(3), PATIENCE);
  await listen(it, sale, bearer(tickets[1] as string));
  await listen(it, sale, bearer(tickets[2] as string));
  const refused = await listen(it, sale, bearer(tickets[1] as string));
  expect(refused.status()).toBe(503);
  expect(Number(refused.headers()['retry-after'])).toBeGreaterThan(0);
  tabs[4]!.request.destroy();
  await vi.waitFor(async () => {
    const accepted = await listen(it, sale, bearer(tickets[2] as string));
    expect(accepted.status()).toBe(200);
  }, PATIENCE);
  await it.close();
  expect(it.streams.count()).toBe(0);
});

test('streams asked for one behind another on a connection are one: nothing of them stays when it is gone', async () => {
  const sale = await g.sale();
  const [waits, other] = (await crowd(sale, 2)) as [string, string];
  // One is in the snapshot, the other's first answer is awaited: the connection goes meanwhile, too.
  const lobby = await g.sale({ lobbyOpensAt: g.inSeconds(-10), opensAt: g.inSeconds(60) });
  const unanswered = (await join(lobby)).queueTicket;
  const it = await gateway({ streamsMax: 12 });
  const asked = (of: string, ticket: string, method = 'GET') =>
    `${method} /api/sales/${of}/queue/stream HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${ticket}\r\n\r\n`;
  const poll = asked(sale, waits).replace('/stream', '/me');
  const pipelines = [
    asked(sale, waits).repeat(10),
    asked(lobby, unanswered).repeat(10),
    poll + asked(sale, waits).repeat(10),
    asked(sale, waits, 'HEAD') + asked(sale, waits) + asked(sale, waits, 'DELETE'),
  ];
  for (const pipeline of pipelines) {
    const socket = connect(it.server.port, '127.0.0.1').on('error', () => undefined);
    let text = '';
    socket.on('data', (chunk) => {
      text += chunk;
    });
    socket.write(pipeline);
    await vi.waitFor(() => expect(text).toContain('HTTP/1.1'), PATIENCE);
    expect(it.streams.count()).toBeLessThanOrEqual(1);
    socket.destroy();
    await vi.waitFor(() => expect(it.streams.count()).toBe(0), PATIENCE);
    const gone = connect(it.server.port, '127.0.0.1').on('error', () => undefined);
    gone.write(pipeline, () => gone.destroy());
    await vi.waitFor(() => expect(gone.closed).toBe(true), PATIENCE);
  }
  const reader = await listen(it, sale, bearer(other));
  expect(reader.status()).toBe(200);
  await vi.waitFor(() => expect(it.streams.count()).toBe(1), PATIENCE);
  await it.close();
  await vi.waitFor(() => expect(it.streams.count()).toBe(0), PATIENCE);
});

test('a notice reaches everybody at once, and without news something is still sent', async () => {
  const sale = await g.sale();
  const [ticket] = await crowd(sale, 1);
  const it = await gateway({ heartbeatMs: 300 });
  const reader = await listen(it, sale, bearer(ticket as string));
  await vi.waitFor(() => expect(reader.frames.length).toBeGreaterThanOrEqual(3), PATIENCE);
  const definition = (await g.queue.watch.renew(sale)).definition;
  const { version } = definition;
  const changed = await g.organise('PATCH', `/sales/${sale}`, { version, notice: 'Doors 7 pm – “early”' });
  expect(changed.status).toBe(200);
  await vi.waitFor(() => expect(last(reader)?.notice?.text).toBe('Doors 7 pm – “early”'), PATIENCE);
  await it.close();
});

test('a stream that lives is presence; one whose life is over ends, and must be opened again', async () => {
  const sale = await g.sale();
  const [ticket] = await crowd(sale, 1);
  const marked: number[] = [];
  const presence = { ...g.queue.presence, mark: (_: string, number: number) => void marked.push(number) };
  const it = await gateway({ lifeMsMax: 1_500 }, { ...g.queue, presence, limit: unlimitedPolls });
  const reader = await listen(it, sale, bearer(ticket as string));
  await vi.waitFor(() => expect(marked.length).toBeGreaterThan(3), PATIENCE);
  await vi.waitFor(() => expect(reader.ended()).toBe(true), PATIENCE);
  const afterwards = marked.length;
  await g.queue.watch.renew(sale);
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect(marked.length).toBe(afterwards);
  await it.close();
});

test('who takes nothing is not present, gets nothing piled up, and is dropped', async () => {
  // Frames as long as they can be fill the sockets' buffers sooner.
  const sale = await g.sale({ notice: { text: 'x'.repeat(500), at: new Date(g.now()).toISOString() } });
  const tickets = await crowd(sale, 2);
  const it = await gateway({ heartbeatMs: 0, slowReaderMsMax: 400 });
  const slow = await listen(it, sale, bearer(tickets[0] as string));
  const quick = await listen(it, sale, bearer(tickets[1] as string));
  await vi.waitFor(() => expect(last(slow)).toBeDefined(), PATIENCE);
  const { socket } = slow.request;
  socket?.pause();
  const written = vi.waitFor(() => expect(it.streams.count()).toBe(1), { timeout: 25_000, interval: 50 });
  // What the system itself buffers must be full first: the fan's other data does that.
  const response = [...serverResponses(it)].find((each) => each.remotePort === socket?.localPort);
  response?.write(Buffer.alloc(32 * 1024 * 1024));
  await written;
  expect(quick.ended()).toBe(false);
  await it.close();
});

/** The sockets a server has. */
function* serverResponses({ server }: Gateway) {
  const sockets = (process as unknown as { _getActiveHandles: () => unknown[] })._getActiveHandles();
  for (const handle of sockets) {
    const socket = handle as import('node:net').Socket & { server?: unknown };
    if (socket.server === server.server) yield socket;
  }
}

test('while Redis is away the place is kept, said once; afterwards the position is there again, and never rises', async () => {
  const server = await ownRedis();
  const redis = await connectRedis(server.url, silentLog);
  const store = { redis, time: () => null };
  const definition = definitionAt(Date.now());
  const { sale } = definition;
  await putSale(store, definition, []);
  for (const name of ['ada', 'ben', 'cleo'])
    await takePlace(store, sale, { ticketEntry: null, keyEntry: name });
  const start = () => {
    const watch = watchQueues(store, silentLog);
    const presence = keepPresence(store, watch.definitions, silentLog);
    const stop = () => Promise.all([presence.stop(), watch.stop()]);
    const queue: Queue = { ...g.queue, store, watch, presence, load: measurePolls(), limit: unlimitedPolls };
    return { queue, stop };
  };
  const one = start();
  await one.queue.watch.renew(sale);
  const it = await gateway({}, one.queue);
  const ticket = g.queue.tickets.sign({ sale, entry: 'cleo', queueNumber: 3, epoch: 1 });
  const reader = await listen(it, sale, bearer(ticket));
  await vi.waitFor(() => expect(last(reader)?.position).toBe(3), PATIENCE);
  await server.kill();
  await vi.waitFor(() => expect(last(reader)).toMatchObject({ state: 'waiting', position: null }), PATIENCE);
  const newcomer = await listen(it, sale, bearer(ticket));
  await vi.waitFor(
    () => expect(last(newcomer)).toMatchObject({ state: 'waiting', position: null }),
    PATIENCE,
  );
  expect(positions(reader).filter((position) => position === null)).toHaveLength(1);
  await server.start();
  await vi.waitFor(() => expect(last(reader)?.position).toBe(3), PATIENCE);
  await vi.waitFor(() => expect(leavePlace(store, sale, 'ada')).resolves.toBe('left'), PATIENCE);
  await vi.waitFor(() => expect(last(reader)?.position).toBe(2), PATIENCE);
  // The gateway is restarted: another takes over, with the id of the last event.
  await it.close();
  await one.stop();
  const two = start();
  const next = await gateway({}, two.queue);
  const resumed = await listen(next, sale, { ...bearer(ticket), 'last-event-id': reader.frames.at(-1)!.id });
  await vi.waitFor(() => expect(last(resumed)?.position).toBe(2), PATIENCE);
  await next.close();
  await two.stop();
  redis.disconnect();
  await server.stop();
});

test('the ids of events are read, and nobody else’s', () => {
  expect(readEventId('17')).toEqual({ version: 17, ended: false });
  expect(readEventId('17.ended')).toEqual({ version: 17, ended: true });
  for (const other of ['', '-1', '1.5', 'x', '17.ended.', '9'.repeat(16)])
    expect(readEventId(other)).toBeNull();
});

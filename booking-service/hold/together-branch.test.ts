import { once } from 'node:events';
import { connect } from 'node:net';
import postgres from 'postgres';
import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test } from 'vitest';
import {
  type AnsweredHold,
  type AskedHold,
  HOLDS_TOGETHER_BYTES_MAX,
  HOLDS_TOGETHER_MAX,
  HOLDS_TOGETHER_PATH,
} from '#shared/holds-together.ts';
import { internalHeaders } from '#shared/internal.ts';
import type { Log } from '#shared/log.ts';
import { exposition } from '#shared/metrics/registry.ts';
import { REQUEST_ID } from '#shared/request-id.ts';
import { type CountedServer, rawRequest, serveCounted } from '../../infra/testing/raw-request.ts';
import { createApp } from '../app.ts';
import { internalSecret, startBooking, type TestBooking } from '../testing/booking.ts';
import { admissionClaims } from '../testing/signer.ts';
import { violations } from '../testing/violations.ts';

const SEATS_PER_FAN = 4;
const ROWS = 10;
/** Longer than the event loop may take for a turn without the process having stood still. */
const OUT_OF_BREATH_MS = 1_300;
const BEST = '{"best":{"quantity":1}}';

/** What is logged, as it is given to the log. */
const logged: Record<string, unknown>[] = [];
const note = (entry: Record<string, unknown>) => void logged.push(entry);
const log = {
  isLevelEnabled: () => true,
  debug: note,
  error: note,
  warn: note,
  info: note,
} as unknown as Log;

let booking: TestBooking;
let server: CountedServer;
let event: string;
let sale: string;
let otherSale: string;
beforeAll(async () => {
  booking = await startBooking();
  const { app, ahead } = createApp({ ...booking.dependencies, log });
  server = await serveCounted(app, ahead);
});
afterAll(async () => {
  await server.close();
  expect(await violations(booking.db, SEATS_PER_FAN)).toEqual([]);
  await booking.stop();
});
beforeEach(async () => {
  logged.splice(0);
  event = (await booking.makeEvent([{ name: 'Ä', rows: ROWS, seatsPerRow: 20, amount: 6_500 }])).event;
  ({ sale } = await booking.makeSale(event, { seatsPerFan: SEATS_PER_FAN }));
  otherSale = (await booking.makeSale(event, { seatsPerFan: SEATS_PER_FAN, name: 'Another' })).sale;
  await booking.inventory.refresh();
});

const inside = { [internalHeaders.key]: internalSecret };
const json = { 'content-type': 'application/json' };
const live = { [internalHeaders.admission]: 'live' };

async function fanOf(of = sale, claims: Record<string, unknown> = {}): Promise<Record<string, string>> {
  const token = await booking.signer.sign(admissionClaims(of, claims));
  return { authorization: `Bearer ${token}`, ...live, ...json };
}
const seats = (...names: string[]) => JSON.stringify({ seats: names });
/** A character a byte. */
const bytes = (text: string | Buffer) => Buffer.from(text as string).toString('latin1');

type Answered = { status: number; headers: Record<string, string>; body: Record<string, unknown> };

/** Over a socket: the lines of the answer, told as they come. */
async function send(lines: string[], told: (place: number) => void = () => undefined) {
  const answers: Answered[] = [];
  const body = Buffer.from(lines.join('\n'), 'latin1');
  const socket = connect(server.port, '127.0.0.1');
  const head = [`POST ${HOLDS_TOGETHER_PATH} HTTP/1.1`, 'host: x', 'connection: close'];
  const headers = Object.entries({ ...inside, 'content-length': body.length }).map(([k, v]) => `${k}: ${v}`);
  socket.write([...head, ...headers, '', ''].join('\r\n'));
  socket.write(body);
  let text = '';
  let answered = 0;
  socket.on('data', (part: Buffer) => {
    text += part.toString();
    for (const line of text
      .split('\n')
      .filter((each) => /^\[\d.*\]$/.test(each))
      .slice(answered)) {
      answered += 1;
      const [place, status, given, of] = JSON.parse(line) as AnsweredHold;
      answers[place] = { status, headers: given, body: JSON.parse(of) };
      told(place);
    }
  });
  await once(socket, 'close');
  expect(answered).toBe(lines.length);
  return { head: text.slice(0, text.indexOf('\r\n\r\n')), answers };
}
const lineOf = (...asked: AskedHold) => JSON.stringify(asked);
const ask = async (asked: AskedHold[]) => (await send(asked.map((each) => lineOf(...each)))).answers;

/** The same hold by the route. */
async function byRoute([of, headers, body]: AskedHold): Promise<Answered> {
  const response = await booking.app.request(`/api/sales/${of}/holds`, {
    ...{ method: 'POST', body: Buffer.from(body, 'latin1') },
    headers: { ...inside, ...headers },
  });
  return {
    status: response.status,
    headers: Object.fromEntries(response.headers),
    body: (await response.json()) as Record<string, unknown>,
  };
}

test('a service that was out of breath for a moment answers those who wait', async () => {
  const asked: AskedHold[] = [
    [sale, await fanOf(), bytes(seats('Ä-1-1'))],
    [sale, await fanOf(), BEST],
  ];
  const goesOnAt = performance.now() + OUT_OF_BREATH_MS;
  while (performance.now() < goesOnAt);
  expect((await ask(asked)).map(({ status }) => status)).toEqual([201, 201]);
});

test('holds that come together are answered what each would be told alone', async () => {
  const owner = await fanOf();
  expect((await ask([[sale, owner, bytes(seats('Ä-1-1'))]]))[0]?.status).toBe(201);
  const [hog, keyed] = [await fanOf(), { ...(await fanOf()), 'idempotency-key': 'one' }];
  await ask([
    [sale, hog, bytes(seats('Ä-2-1', 'Ä-2-2', 'Ä-2-3', 'Ä-2-4'))],
    [sale, keyed, bytes(seats('Ä-2-5'))],
  ]);
  const { authorization: _, ...nobody } = await fanOf();
  const { [internalHeaders.admission]: __, ...unjudged } = await fanOf();
  const { 'content-type': ___, ...untyped } = await fanOf();
  const refused: [AskedHold, number][] = [
    [[sale, await fanOf(), bytes(seats('Ä-1-1'))], 409],
    [[sale, hog, bytes(seats('Ä-2-6'))], 409],
    [[sale, keyed, bytes(seats('Ä-2-6'))], 422],
    [[sale, { ...(await fanOf()), [internalHeaders.admission]: 'finished' }, bytes(seats('Ä-3-1'))], 409],
    [[sale, { ...(await fanOf()), [internalHeaders.left]: '-1' }, bytes(seats('Ä-3-1'))], 401],
    [[sale, nobody, bytes(seats('Ä-3-1'))], 401],
    [[sale, unjudged, bytes(seats('Ä-3-1'))], 401],
    [[sale, { ...(await fanOf()), authorization: 'Bearer x.y.z' }, bytes(seats('Ä-3-1'))], 401],
    [[sale, await fanOf(otherSale), bytes(seats('Ä-3-1'))], 401],
    [[otherSale, await fanOf(), bytes(seats('Ä-3-1'))], 401],
    [['AAAAAAAAAAA', await fanOf('AAAAAAAAAAA'), bytes(seats('Ä-3-1'))], 404],
    [[sale, { ...(await fanOf()), 'idempotency-key': 'two words' }, bytes(seats('Ä-3-1'))], 400],
    [[sale, await fanOf(), ''], 400],
    [[sale, untyped, ''], 422],
    [[sale, untyped, bytes(seats('Ä-3-1'))], 415],
    [[sale, await fanOf(), '{"seats":'], 400],
    [[sale, await fanOf(), bytes(Buffer.from([0x22, 0xff, 0x22]))], 400],
    [[sale, await fanOf(), bytes(seats('Ä-99-1'))], 422],
    [[sale, await fanOf(), '{"best":{"quantity":0}}'], 422],
  ];
  const together = await ask(refused.map(([asked]) => asked));
  // Where others are after seats at this moment, what memory says of the best is enough.
  const best: AskedHold = [sale, await fanOf(), '{"best":{"quantity":1,"accessible":1}}'];
  refused.push([best, 409]);
  together.push(...(await ask([best])));
  const names = ['content-type', 'cache-control', 'retry-after', internalHeaders.holdEnds];
  const inShort = ({ status, headers, body }: Answered) => ({
    ...{ status, body },
    headers: names.map((name) => headers[name] ?? null),
  });
  for (const [i, [asked, status]] of refused.entries()) {
    expect(together[i]?.status, `${i}: ${JSON.stringify(together[i])}`).toBe(status);
    expect(inShort(together[i] as Answered), String(i)).toEqual(inShort(await byRoute(asked)));
  }
  // A key tells the same hold again, both ways.
  const again = await ask([[sale, keyed, bytes(seats('Ä-2-5'))]]);
  const routed = await byRoute([sale, keyed, bytes(seats('Ä-2-5'))]);
  expect(again[0]).toMatchObject({ status: 201, headers: { location: routed.headers.location } });
  expect(inShort(again[0] as Answered)).toEqual(inShort(routed));
});

test('a crowd on one seat has one winner, and every other hold of the request its own', async () => {
  const fans = await Promise.all(Array.from({ length: HOLDS_TOGETHER_MAX }, () => fanOf()));
  const answers = await ask(
    fans.map((fan, i) => [sale, fan, bytes(seats(i % 2 === 0 ? 'Ä-1-1' : `Ä-2-${(i >> 1) + 1}`))]),
  );
  const [sameSeat, own] = [0, 1].map((rest) => answers.filter((_, i) => i % 2 === rest));
  expect(sameSeat?.filter(({ status }) => status === 201)).toHaveLength(1);
  expect(sameSeat?.filter(({ body }) => body.code === 'seats-taken')).toHaveLength(31);
  // The row has twenty seats.
  expect(own?.map(({ status, body }) => (status === 201 ? 201 : body.code))).toEqual(
    own?.map((_, i) => (i < 20 ? 201 : 'invalid-field')),
  );
});

test('a poisonous line spoils its own answer alone, and is not told', async () => {
  const poison = ['', '{', 'null', '[1,{},""]', `["${sale}",null,"x"]`, '["\\u0000",{},""]', '[[],[],[]]'];
  const lines: string[] = [];
  for (const [i, each] of poison.entries())
    lines.push(each, lineOf(sale, await fanOf(), bytes(seats(`Ä-1-${i + 1}`))));
  const { answers } = await send(lines);
  for (const [i, { status }] of answers.entries()) {
    if (i % 2 === 1) expect(status, lines[i]).toBe(201);
    else expect([400, 401], lines[i]).toContain(status);
  }
  expect(logged.filter(({ err }) => err !== undefined)).toEqual([]);
});

test('one that waits for somebody’s lock keeps back no other’s answer', async () => {
  const foreign = postgres(booking.databaseUrl, { max: 1 });
  onTestFinished(async () => foreign.end());
  await foreign`begin`;
  await foreign`select from seat where event = ${event} and seat = 0 for update`;
  const fans = await Promise.all(Array.from({ length: 10 }, () => fanOf()));
  const told: number[] = [];
  const { answers } = await send(
    fans.map((fan, i) => lineOf(sale, { ...fan, [REQUEST_ID]: `locked-${i}` }, bytes(seats(`Ä-1-${i + 1}`)))),
    (place) => told.push(place),
  );
  expect(told.at(-1)).toBe(0);
  expect(answers.map(({ status }) => status)).toEqual([503, ...new Array(9).fill(201)]);
  expect(answers[0]).toMatchObject({ headers: { 'retry-after': '2' }, body: { code: 'unavailable' } });
  // Its lines say whose it was.
  expect(logged.filter(({ err }) => err !== undefined)).toMatchObject([
    { requestId: 'locked-0', method: 'POST', path: `/api/sales/${sale}/holds` },
  ]);
});

test('each is counted and logged as the hold that it is', async () => {
  const countOf = async (status: string) => {
    const name = `admit_one_http_requests_total{route="/api/sales/:sale/holds",method="POST",status="${status}"}`;
    const found = (await exposition()).split('\n').find((each) => each.startsWith(name));
    return Number(found?.split(' ').at(-1) ?? 0);
  };
  const before = [await countOf('2xx'), await countOf('4xx')];
  const [one, two] = [await fanOf(), await fanOf()];
  const answers = await ask([
    [sale, { ...one, [REQUEST_ID]: 'request-one' }, bytes(seats('Ä-1-1'))],
    [sale, { ...two, [REQUEST_ID]: 'request-two' }, bytes(seats('Ä-1-1'))],
  ]);
  expect([await countOf('2xx'), await countOf('4xx')]).toEqual(before.map((count) => count + 1));
  const answered = logged.filter(({ requestId }) => String(requestId).startsWith('request-'));
  const lines = answered.map(({ requestId, status, route }) => [requestId, status, route]).toSorted();
  // Tokens are verified side by side, so either may be the first.
  expect(answers.map(({ status }) => status).toSorted()).toEqual([201, 409]);
  expect(lines).toEqual([
    ['request-one', answers[0]?.status, '/api/sales/:sale/holds'],
    ['request-two', answers[1]?.status, '/api/sales/:sale/holds'],
  ]);
});

test('the answer says whose it is and is not to be kept until it is whole', async () => {
  const { head } = await send([lineOf(sale, await fanOf(), bytes(seats('Ä-1-1')))]);
  const map = await rawRequest(server.port, `/api/sales/${sale}/seats`, {
    headers: { ...inside, ...(await fanOf()) },
  });
  expect(map.status).toBe(200);
  expect(head).toContain('x-accel-buffering: no');
  expect(head).toContain(`${internalHeaders.process}: ${map.headers[internalHeaders.process]}`);
});

test('whoever has not the key, or sends too much, takes nothing', async () => {
  const one = lineOf(sale, await fanOf(), BEST);
  const post = (body: string, headers: Record<string, string>) =>
    rawRequest(server.port, HOLDS_TOGETHER_PATH, {
      ...{ method: 'POST', body },
      headers: { 'content-length': String(Buffer.byteLength(body)), ...headers },
    });
  expect((await post(one, {})).status).toBe(401);
  expect((await post(one, { [internalHeaders.key]: `${internalSecret}x` })).status).toBe(401);
  const many = new Array(HOLDS_TOGETHER_MAX + 1).fill(one).join('\n');
  expect((await post(many, inside)).status).toBe(413);
  expect((await post(one.padEnd(HOLDS_TOGETHER_BYTES_MAX + 1), inside)).status).toBe(404);
  expect((await post(one.padEnd(HOLDS_TOGETHER_BYTES_MAX), inside)).status).toBe(200);
});

test('a gateway that goes away in the middle of asking has asked nothing', async () => {
  const fan = await fanOf();
  const one = lineOf(sale, fan, BEST);
  const socket = connect(server.port, '127.0.0.1');
  const before = server.answeredAhead();
  socket.write(
    `POST ${HOLDS_TOGETHER_PATH} HTTP/1.1\r\nhost: x\r\n${internalHeaders.key}: ${internalSecret}\r\ncontent-length: ${one.length + 1}\r\n\r\n${one}`,
  );
  await expect.poll(server.answeredAhead).toBe(before + 1);
  socket.destroy();
  expect((await ask([[sale, await fanOf(), bytes(seats('Ä-1-1'))]]))[0]?.status).toBe(201);
  const holds = await rawRequest(server.port, `/api/sales/${sale}/holds`, { headers: { ...inside, ...fan } });
  expect(JSON.parse(holds.body.toString())).toEqual({ holds: [] });
});

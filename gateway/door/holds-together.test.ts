import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import {
  type AnsweredHold,
  type AskedHold,
  HOLDS_TOGETHER_BYTES_MAX,
  HOLDS_TOGETHER_MAX,
  HOLDS_TOGETHER_PATH,
} from '#shared/holds-together.ts';
import { internalHeaders } from '#shared/internal.ts';
import { Problem } from '#shared/problem.ts';
import { type BookingAnswer, connectBooking } from '../booking/client.ts';
import { sendHoldsTogether } from './holds-together.ts';

const SALE = 'AAAAAAAAAAA';
const PATH = `/api/sales/${SALE}/holds`;
/** As many requests with holds of several fans are under way at most. */
const UNDER_WAY_MAX = 64;
const HOLDS_MAX = 4_000;
const BODY_BYTES_MAX = 4 * 1024;
const PATIENCE_MS = 300;

type Joint = { lines: AskedHold[]; response: ServerResponse; headers: IncomingMessage['headers'] };

/** Of a token whose process is named in it: `p1 ada`. */
const processIn = (authorization = '') => authorization.split(' ')[0] as string;
const nameOf = ([, headers]: AskedHold) => headers.authorization;

/** A shop of the test's own: alone everybody is answered at once; what comes together waits for the test, or for `answers`. */
async function shopKnownTo(fans: string[], patience: { patienceMs?: number; rowMs?: number } = {}) {
  const shop = { alone: [] as string[], joint: [] as Joint[], answers: null as ((of: Joint) => void) | null };
  const server = createServer(async (request, response) => {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    const { url, headers } = request;
    response.setHeader(internalHeaders.process, processIn(headers.authorization));
    if (url !== HOLDS_TOGETHER_PATH) {
      if (url === PATH) shop.alone.push(String(headers.authorization));
      return void response.writeHead(201).end(`alone ${headers.authorization}`);
    }
    const body = Buffer.concat(parts).toString('latin1');
    const asked = { lines: body.split('\n').map((line) => JSON.parse(line) as AskedHold), response, headers };
    shop.joint.push(asked);
    shop.answers?.(asked);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const booking = connectBooking(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, 'a key');
  onTestFinished(async () => {
    server.closeAllConnections();
    server.close();
    await booking.close();
  });
  const { request } = sendHoldsTogether(booking, patience);
  const hold = (fan: string, headers: Record<string, string> = {}, body: string | Uint8Array = '{}') =>
    request({
      ...{ lane: 'shop', method: 'POST', path: PATH, body },
      headers: { authorization: fan, [internalHeaders.admission]: 'live', ...headers },
    });
  const look = (fan: string) =>
    request({
      ...{ lane: 'shop', method: 'GET', path: `/api/sales/${SALE}/seats` },
      headers: { authorization: fan },
    });
  await Promise.all(fans.map(look));
  const isJoint = (times: number) =>
    expect.poll(() => shop.joint.length, { timeout: 40 * PATIENCE_MS }).toBe(times);
  return { shop, hold, look, isJoint };
}

const line = (...answer: AnsweredHold) => `${JSON.stringify(answer)}\n`;
const answerAll = ({ lines, response }: Joint) => {
  response.writeHead(200);
  for (const [place, asked] of lines.entries()) response.write(line(place, 201, {}, String(nameOf(asked))));
  response.end();
};
const textOf = ({ status, body }: BookingAnswer) => [status, body.toString()];
const crowd = (count: number, process = 'p1') =>
  Array.from({ length: count }, (_, i) => `${process} fan${i}`);
const outcomes = (answers: PromiseSettledResult<BookingAnswer>[]) =>
  answers.map((answer) =>
    answer.status === 'fulfilled'
      ? answer.value.status
      : answer.reason instanceof Problem
        ? answer.reason.code
        : answer.reason,
  );

test('holds of one moment are one request, each with what it says of its own, and its own answer', async () => {
  const fans = crowd(20);
  const { shop, hold } = await shopKnownTo(fans);
  shop.answers = ({ lines, response }) => {
    response.writeHead(200, { [internalHeaders.process]: 'p1' });
    for (const place of lines.keys())
      response.write(line(place, 200 + place, { 'x-place': String(place) }, `é ${place}`));
    response.end();
  };
  const body = Buffer.from([0x7b, 0xff, 0x0a, 0x7d]);
  const answers = await Promise.all(
    fans.map((fan, i) =>
      hold(
        fan,
        {
          ...{
            'x-request-id': `request-${i}`,
            'idempotency-key': `key-${i}`,
            [internalHeaders.left]: `${i}`,
          },
          ...{ accept: 'text/html', 'content-type': 'application/json' },
        },
        body,
      ),
    ),
  );
  expect(answers.map(textOf)).toEqual(fans.map((_, i) => [200 + i, `é ${i}`]));
  expect(answers[7]?.headers).toEqual({ 'x-place': '7' });
  expect(shop.joint).toHaveLength(1);
  expect(shop.alone).toEqual([]);
  expect(shop.joint[0]?.headers[internalHeaders.key]).toBe('a key');
  expect(shop.joint[0]?.lines[7]).toEqual([
    SALE,
    {
      ...{ authorization: fans[7], 'content-type': 'application/json', 'idempotency-key': 'key-7' },
      ...{ 'x-request-id': 'request-7', [internalHeaders.admission]: 'live', [internalHeaders.left]: '7' },
    },
    body.toString('latin1'),
  ]);
});

test('each is answered when its own answer is there, in pieces too, and not when the slowest is', async () => {
  const [slow, fast] = crowd(2) as [string, string];
  const { shop, hold, isJoint } = await shopKnownTo([slow, fast]);
  let slowIs = 'waiting';
  const waiting = hold(slow).then((answer) => {
    slowIs = 'answered';
    return answer;
  });
  const quick = hold(fast);
  await isJoint(1);
  const { response } = shop.joint[0] as Joint;
  const text = Buffer.from(line(1, 201, {}, 'ü quick'));
  const inTheMiddleOfACharacter = text.indexOf(0xc3) + 1;
  response.write(text.subarray(0, inTheMiddleOfACharacter));
  await new Promise(setImmediate);
  response.write(text.subarray(inTheMiddleOfACharacter));
  expect(textOf(await quick)).toEqual([201, 'ü quick']);
  expect(slowIs).toBe('waiting');
  response.end(line(0, 409, {}, 'slow'));
  expect(textOf(await waiting)).toEqual([409, 'slow']);
});

test('who comes alone, or whose process nobody knows, is asked for as ever', async () => {
  const { shop, hold } = await shopKnownTo(['p1 ada', 'p1 bob']);
  shop.answers = answerAll;
  expect(textOf(await hold('p1 ada'))).toEqual([201, 'alone p1 ada']);
  const all = ['p1 ada', 'p1 stranger', 'p1 bob'].map((fan) => hold(fan));
  expect((await Promise.all(all)).map(textOf)).toEqual([
    [201, 'p1 ada'],
    [201, 'alone p1 stranger'],
    [201, 'p1 bob'],
  ]);
  // The stranger has heard now.
  await Promise.all([hold('p1 ada'), hold('p1 stranger')]);
  expect(shop.joint.map(({ lines }) => lines.length)).toEqual([2, 2]);
});

test('fans of one process go together, and to none but theirs', async () => {
  const fans = [...crowd(3, 'p1'), ...crowd(3, 'p2')];
  const { shop, hold } = await shopKnownTo(fans);
  shop.answers = answerAll;
  await Promise.all(fans.map((fan) => hold(fan)));
  const sent = shop.joint.map(({ lines, headers }) => [headers.authorization, lines.map(nameOf)]);
  expect(sent.toSorted()).toEqual([
    ['p1 fan0', crowd(3, 'p1')],
    ['p2 fan0', crowd(3, 'p2')],
  ]);
});

test('where another process has taken over, its fans go alone until they have met it', async () => {
  const fans = crowd(2);
  const { shop, hold } = await shopKnownTo(fans);
  shop.answers = (asked) => {
    asked.response.setHeader(internalHeaders.process, 'another');
    answerAll(asked);
  };
  await Promise.all(fans.map((fan) => hold(fan)));
  await Promise.all(fans.map((fan) => hold(fan)));
  expect(shop.joint).toHaveLength(1);
  expect(shop.alone.toSorted()).toEqual(fans);
});

test('what is not of the plain kind goes alone: long bodies, and headers that HTTP would not carry as they are', async () => {
  const fans = crowd(2);
  const { shop, hold } = await shopKnownTo(fans);
  shop.answers = answerAll;
  const both = (headers: Record<string, string>, body: string) =>
    Promise.allSettled(fans.map((fan) => hold(fan, headers, body)));
  await both({}, 'x'.repeat(BODY_BYTES_MAX));
  expect(shop.joint.map(({ lines }) => lines.map(([, , body]) => body.length))).toEqual([
    [BODY_BYTES_MAX, BODY_BYTES_MAX],
  ]);
  await both({}, 'x'.repeat(BODY_BYTES_MAX + 1));
  await both({ 'idempotency-key': 'é' }, '{}');
  expect(shop.alone.toSorted()).toEqual([...fans, ...fans].toSorted());
  // As it is refused when it goes alone: in the form of the contract.
  expect(outcomes(await both({ 'idempotency-key': '😀' }, '{}'))).toEqual([
    'malformed-request',
    'malformed-request',
  ]);
  expect(shop.joint).toHaveLength(1);
});

test('a request has so many holds at most, and so many bytes', async () => {
  const fans = crowd(HOLDS_TOGETHER_MAX + 2);
  const { shop, hold } = await shopKnownTo(fans);
  shop.answers = answerAll;
  await Promise.all(fans.map((fan) => hold(fan)));
  expect(new Set(shop.joint.map(({ lines }) => lines.length))).toEqual(new Set([HOLDS_TOGETHER_MAX, 2]));
  shop.joint.splice(0);
  // In JSON six characters each.
  await Promise.all(fans.map((fan) => hold(fan, {}, '\u0001'.repeat(BODY_BYTES_MAX))));
  for (const { headers } of shop.joint)
    expect(Number(headers['content-length'])).toBeLessThanOrEqual(HOLDS_TOGETHER_BYTES_MAX);
  expect(shop.joint.length).toBeGreaterThan(2);
  expect(new Set(shop.joint.flatMap(({ lines }) => lines.map(nameOf)))).toEqual(new Set(fans));
});

test('a shop that dies in the middle leaves those their answers who have them; the others may try again', async () => {
  const fans = crowd(4);
  const { shop, hold, isJoint } = await shopKnownTo(fans);
  const told = Promise.allSettled(fans.map((fan) => hold(fan)));
  await isJoint(1);
  const { response } = shop.joint[0] as Joint;
  response.write(line(2, 201, {}, 'held'));
  response.write(line(3, 201, {}, 'broken off').slice(0, 9), () => response.socket?.destroy());
  expect(outcomes(await told)).toEqual(['unavailable', 'unavailable', 201, 'unavailable']);
  // Whatever it died of goes alone the next time.
  expect(outcomes(await Promise.allSettled(fans.map((fan) => hold(fan))))).toEqual([201, 201, 201, 201]);
  expect(shop.alone.toSorted()).toEqual(fans);
});

test('an answer that ends too early, or is not of its form, is none', async () => {
  const fans = crowd(2);
  const { shop, hold, look } = await shopKnownTo(fans);
  for (const text of ['', 'no JSON\n', line(5, 201, {}, 'nobody'), '[0,201,{}', 'null\n']) {
    shop.answers = ({ response }) => response.writeHead(200).end(text);
    const answers = await Promise.allSettled(fans.map((fan) => hold(fan)));
    expect(outcomes(answers), text).toEqual(['unavailable', 'unavailable']);
    await Promise.all(fans.map(look));
  }
  expect(shop.joint).toHaveLength(5);
});

test('whoever refuses them all is heard by each', async () => {
  const fans = crowd(3);
  const { shop, hold } = await shopKnownTo(fans);
  shop.answers = ({ response }) => response.writeHead(503, { 'retry-after': '1' }).end('away');
  const answers = await Promise.all(fans.map((fan) => hold(fan)));
  expect(answers.map(textOf)).toEqual(fans.map(() => [503, 'away']));
  for (const { headers } of answers) expect(headers['retry-after']).toBe('1');
});

test('a shop that hangs is waited for as long as ever', async () => {
  const fans = crowd(4);
  const { shop, hold, isJoint } = await shopKnownTo(fans, { patienceMs: PATIENCE_MS });
  const startedMs = performance.now();
  const told = Promise.allSettled(fans.map((fan) => hold(fan)));
  await isJoint(1);
  const { response } = shop.joint[0] as Joint;
  const isCut = once(response, 'close');
  response.write(line(1, 201, {}, 'held'));
  expect(outcomes(await told)).toEqual(['unavailable', 201, 'unavailable', 'unavailable']);
  expect(performance.now() - startedMs).toBeGreaterThanOrEqual(PATIENCE_MS - 1);
  // Nobody waits any more, and nothing stays open.
  await isCut;
});

test('many that hang leave the way to others; those behind them go together when one ends, and lose patience like any', async () => {
  const fans = crowd(2 * UNDER_WAY_MAX);
  const late = crowd(5, 'p1 late');
  const { shop, hold, look, isJoint } = await shopKnownTo([...fans, ...late], {
    patienceMs: PATIENCE_MS * 10,
  });
  const hung: Promise<PromiseSettledResult<BookingAnswer>[]>[] = [];
  for (let i = 0; i < UNDER_WAY_MAX; i += 1) {
    hung.push(Promise.allSettled(fans.slice(2 * i, 2 * i + 2).map((fan) => hold(fan))));
    // In a turn of the event loop of their own.
    await new Promise(setImmediate);
  }
  await isJoint(UNDER_WAY_MAX);
  const behind = Promise.allSettled(late.map((fan) => hold(fan)));
  expect((await look('p1 fan0')).status).toBe(201);
  expect((await hold('p1 stranger')).status).toBe(201);
  expect(shop.joint).toHaveLength(UNDER_WAY_MAX);
  answerAll(shop.joint[3] as Joint);
  await isJoint(UNDER_WAY_MAX + 1);
  expect(shop.joint.at(-1)?.lines.map(nameOf)).toEqual(late);
  const all = (await Promise.all(hung)).flatMap(outcomes);
  expect(all.filter((outcome) => outcome === 201)).toHaveLength(2);
  expect(all.filter((outcome) => outcome === 'unavailable')).toHaveLength(2 * UNDER_WAY_MAX - 2);
  expect(outcomes(await behind)).toEqual(late.map(() => 'unavailable'));
});

test.each([404, 401, 413])(
  'a shop that does not take them together (%s) is asked for each alone',
  async (status) => {
    const fans = crowd(3);
    const { shop, hold } = await shopKnownTo(fans);
    shop.answers = ({ response }) => response.writeHead(status).end('no such address');
    const answers = await Promise.all(fans.map((fan) => hold(fan)));
    expect(answers.map(textOf)).toEqual(fans.map((fan) => [201, `alone ${fan}`]));
    expect(shop.joint).toHaveLength(1);
  },
);

/** As many requests as there may be, none of which is answered. */
async function allUnderWay(shopped: Awaited<ReturnType<typeof shopKnownTo>>, fans: string[]) {
  const hung: Promise<PromiseSettledResult<BookingAnswer>[]>[] = [];
  for (let i = 0; i < UNDER_WAY_MAX; i += 1) {
    hung.push(Promise.allSettled(fans.slice(2 * i, 2 * i + 2).map((fan) => shopped.hold(fan))));
    await new Promise(setImmediate);
  }
  await shopped.isJoint(UNDER_WAY_MAX);
  return hung;
}

test('whoever cannot be sent in time is told so, has asked for nothing, and is told while nothing ends', async () => {
  const fans = crowd(2 * UNDER_WAY_MAX);
  const late = crowd(5, 'p1 late');
  const shopped = await shopKnownTo([...fans, ...late], {
    patienceMs: 100 * PATIENCE_MS,
    rowMs: PATIENCE_MS,
  });
  const hung = await allUnderWay(shopped, fans);
  const told = await Promise.allSettled(late.map((fan) => shopped.hold(fan)));
  expect(outcomes(told)).toEqual(late.map(() => 'unavailable'));
  for (const joint of [...shopped.shop.joint]) answerAll(joint);
  const all = (await Promise.all(hung)).flatMap(outcomes);
  expect(all).toEqual(fans.map(() => 201));
  expect(shopped.shop.joint).toHaveLength(UNDER_WAY_MAX);
  expect(shopped.shop.alone).toEqual([]);
});

test('the patience of who had to wait begins when they are sent: what the shop then takes is heard', async () => {
  const fans = crowd(2 * UNDER_WAY_MAX);
  const late = crowd(5, 'p1 late');
  const shopped = await shopKnownTo([...fans, ...late], {
    patienceMs: 8 * PATIENCE_MS,
    rowMs: 40 * PATIENCE_MS,
  });
  const { shop, isJoint } = shopped;
  const hung = await allUnderWay(shopped, fans);
  const askedMs = performance.now();
  const told = Promise.allSettled(late.map((fan) => shopped.hold(fan)));
  // The first of those before them lose patience, and only then they are sent.
  await isJoint(UNDER_WAY_MAX + 1);
  setTimeout(() => answerAll(shop.joint.at(-1) as Joint), 4 * PATIENCE_MS);
  expect(outcomes(await told)).toEqual(late.map(() => 201));
  expect(performance.now() - askedMs).toBeGreaterThan(8 * PATIENCE_MS);
  await Promise.all(hung);
});

test('beyond so many nobody is taken on', async () => {
  const fans = crowd(2);
  const { shop, hold } = await shopKnownTo(fans, { patienceMs: PATIENCE_MS });
  let refusedAtOnce = 0;
  const one = (_: unknown, i: number) => {
    const answer = hold(fans[i % 2] as string);
    answer.catch(() => {
      if (shop.joint.length === 0) refusedAtOnce += 1;
    });
    return answer;
  };
  const told = Promise.allSettled(Array.from({ length: HOLDS_MAX + 3 }, one));
  const all = outcomes(await told);
  expect(all).toEqual(new Array(HOLDS_MAX + 3).fill('unavailable'));
  // At once, and not when the others lose patience.
  expect(refusedAtOnce).toBe(3);
});

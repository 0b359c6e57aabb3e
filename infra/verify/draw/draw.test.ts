import { execFile } from 'node:child_process';
import { createHash, createHmac } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { DrawAnswer } from '#shared/contract/queue.ts';
import { freezeLobby } from '../../../gateway/lobby/freeze.ts';
import { publishDraws } from '../../../gateway/lobby/published.ts';
import { takePlace } from '../../../gateway/queue/place.ts';
import { entryOf, type QueueFixture, queueFixture } from '../../../gateway/testing/queue-fixture.ts';
import { faultsOfDraw, type PublishedDraw } from '../queue/draw.ts';
import { main } from './main.ts';

const FANS = 300;

let f: QueueFixture;
let server: Server;
let folder: string;
/** What the shop publishes, whether true or not. */
let answer: DrawAnswer;
let drawn: DrawAnswer;
beforeAll(async () => {
  f = await queueFixture();
  folder = await mkdtemp(join(tmpdir(), 'admit-one-verify-draw-'));
  drawn = await aDraw();
  server = createServer((request, response) => {
    const isDraw = request.url === `/api/sales/${drawn.sale}/draw`;
    response.writeHead(isDraw ? 200 : 404, { 'content-type': 'application/json' });
    response.end(isDraw ? JSON.stringify(answer) : '{}');
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
});
afterAll(async () => {
  server.close();
  await Promise.all([f.close(), rm(folder, { recursive: true, force: true })]);
});

async function aDraw(): Promise<DrawAnswer> {
  const sale = await f.sale({
    lobbyOpensAt: new Date(f.now() - 60_000).toISOString(),
    opensAt: new Date(f.now() + 60_000).toISOString(),
  });
  for (let i = 0; i < FANS; i += 1)
    await takePlace(f.store, sale, { ticketEntry: null, keyEntry: entryOf(`fan-${i}`) });
  f.pass(60);
  await freezeLobby(f.store, sale);
  await f.draw(sale);
  return JSON.parse(Buffer.from((await publishDraws(f.store).answer(sale)).body).toString());
}

/** What `npm run verify-draw` says of a published draw, and its exit code. */
async function verify(published: DrawAnswer, args: string[] = [], sourceSays: string | null = null) {
  answer = published;
  const lines: string[] = [];
  const { port } = server.address() as AddressInfo;
  const code = await main(
    { root: '', args: [`http://127.0.0.1:${port}/sales/${drawn.sale}/draw`, ...args] },
    {
      say: (line) => lines.push(line),
      fetchValue: async () => {
        if (sourceSays === null) throw new Error('the source is silent');
        return sourceSays;
      },
    },
  );
  return { code, text: lines.join('\n') };
}

test('a draw that is what it says is proven step by step, and what is not proven is said', async () => {
  const id = drawn.ids![41] as string;
  const noted = ['--commitment', drawn.commitment!.toUpperCase(), '--digest', drawn.digest!, '--id', id];
  const { code, text } = await verify(drawn, noted);
  expect(text).not.toContain('BROKEN');
  expect(code).toBe(0);
  expect(text).toContain('The commitment is the one that was noted');
  expect(text).toContain(`The entry ${id} has the queue number 42`);
  expect(text).toContain('did not try several seeds or lobbies');
});

const swapped = (ids: string[]) => [ids[1] as string, ids[0] as string, ...ids.slice(2)];

/** Two ids as one: the lobby's text, and so its digest, is the same; the order is by the rule. */
function merged({ seed, digest, ids }: DrawAnswer): string[] {
  const [first, second, ...others] = [...ids!].sort();
  const key = Buffer.concat([Buffer.from(seed!, 'hex'), Buffer.from(digest!, 'hex')]);
  const rank = (id: string) => createHmac('sha256', key).update(id).digest('hex');
  return [`${first}\n${second}`, ...others].sort((a, b) => (rank(a) < rank(b) ? -1 : 1));
}

type Plant = (draw: DrawAnswer) => DrawAnswer;

/** What is wrong with seed, ids or order. */
const falseOrders: Record<string, [planted: Plant, said: RegExp]> = {
  'another seed': [
    (draw) => ({ ...draw, seed: 'ab'.repeat(32) }),
    /seed is not the one whose fingerprint was published/,
  ],
  'two ids that changed places': [
    (draw) => ({ ...draw, ids: swapped(draw.ids!) }),
    /Number 2 stands where the rule does not put it/,
  ],
  'an id that is missing': [
    (draw) => ({ ...draw, ids: draw.ids!.slice(1), entries: FANS - 1 }),
    /ids are not those whose fingerprint/,
  ],
  'all ids that are missing': [
    (draw) => ({ ...draw, ids: [], entries: 0 }),
    /ids are not those whose fingerprint/,
  ],
  'an id that was drawn twice': [
    (draw) => ({ ...draw, ids: [draw.ids![0]!, ...draw.ids!], entries: FANS + 1 }),
    /Number 2 stands where the rule does not put it/,
  ],
  'an id more': [
    (draw) => ({ ...draw, ids: [...draw.ids!, entryOf('x')] }),
    /300 were in the lobby at the opening, and 301 were drawn/,
  ],
  'two ids that were drawn as one': [
    (draw) => ({ ...draw, ids: merged(draw), entries: FANS - 1 }),
    /is not an id/,
  ],
  'another digest': [(draw) => ({ ...draw, digest: 'cd'.repeat(32) }), /ids are not those whose fingerprint/],
};

/** What is wrong around a draw whose order is right. */
const falseFacts: Record<string, [planted: Plant, said: RegExp]> = {
  'fewer in the lobby than were drawn': [(draw) => ({ ...draw, entries: 299 }), /299 were in the lobby/],
  'the draw of another sale': [(draw) => ({ ...draw, sale: 'another' }), /draw of the sale another/],
  'a seed that is kept back': [(draw) => ({ ...draw, seed: null }), /seed and ids are not published/],
  'a beacon that nobody had named': [(draw) => ({ ...draw, beacon: '' }), /had not been named/],
};

test.each(Object.entries({ ...falseOrders, ...falseFacts }))('%s is found', async (_, [planted, said]) => {
  const { code, text } = await verify(planted(drawn));
  expect(text).toMatch(said);
  expect(code).toBe(1);
});

test.each(Object.entries(falseOrders))('%s is found in what Redis has of a draw too', (_, [planted]) => {
  expect(faultsOfDraw(planted(drawn) as PublishedDraw)).not.toEqual([]);
  expect(faultsOfDraw(drawn as PublishedDraw)).toEqual([]);
});

test('a lobby in which nobody was has a draw of nobody, and its digest', async () => {
  const nobody = { ...drawn, ids: [], entries: 0, digest: createHash('sha256').digest('hex') };
  const { code, text } = await verify(nobody);
  expect(text).not.toContain('BROKEN');
  expect(code).toBe(0);
  expect(faultsOfDraw(nobody as PublishedDraw)).toEqual([]);
});

test('a draw that the shop has lost is not said to be what it says', async () => {
  const { code, text } = await verify({ ...drawn, state: 'unproven', seed: null, ids: null });
  expect(code).toBe(2);
  expect(text).not.toContain('is what it says');
});

test('another commitment or digest than those that were noted is found', async () => {
  for (const option of ['--commitment', '--digest']) {
    const { code, text } = await verify(drawn, [option, '00'.repeat(32)]);
    expect(text).toContain('that was noted is 0000');
    expect(code).toBe(1);
  }
});

describe('a draw with a beacon', () => {
  const named = {
    name: 'the lottery’s bonus number',
    rule: 'its digits',
    from: '2099-01-01T00:00:00.000Z',
    url: 'https://lottery.example/draw.json',
    field: 'bonus',
  };
  // The value is mixed in by the very rule: an empty one gives the order of a draw without.
  const withBeacon = (): DrawAnswer => ({ ...drawn, beaconSource: named, beacon: '' });

  test('its value is compared with what its source says', async () => {
    expect((await verify(withBeacon(), [], '')).text).not.toContain('BROKEN');
    const { code, text } = await verify(withBeacon(), [], '17');
    expect(text).toContain('says 17');
    expect(code).toBe(1);
    const silent = await verify(withBeacon());
    expect(silent.code).toBe(0);
    expect(silent.text).toContain('look it up');
  });

  test('a value that was changed does not give the order', async () => {
    const { code, text } = await verify({ ...withBeacon(), beacon: '17' }, [], '17');
    expect(text).toMatch(/stands where the rule does not put it/);
    expect(code).toBe(1);
  });

  const atFrom = named.from;
  const lateLobbies: Record<string, Partial<DrawAnswer>> = {
    'a lobby that was closed when the value could be known': { frozenAt: atFrom, digestAt: atFrom },
    'a digest that was published when the value could be known': { digestAt: atFrom },
    'a digest that does not tell its time': { digestAt: null },
  };
  test.each(Object.entries(lateLobbies))('%s is found', async (_, times) => {
    const { code, text } = await verify({ ...withBeacon(), ...times }, [], '');
    expect(text).toContain('could be known from 2099-01-01T00:00:00.000Z on');
    expect(code).toBe(1);
  });

  test('a value that was given before its moment is found', async () => {
    const early = { ...withBeacon(), beaconAt: '2098-12-31T23:59:59.999Z' };
    expect((await verify(early, [], '')).text).toContain('before anybody could know it');
    expect((await verify({ ...early, beaconAt: named.from }, [], '')).code).toBe(0);
  });

  test('that it was not used is told with the reason', async () => {
    const without = { reason: 'The lottery was cancelled.', at: '2026-06-01T10:00:00.000Z' };
    const { code, text } = await verify({ ...drawn, beaconSource: named, withoutBeacon: without });
    expect(text).toContain('The lottery was cancelled.');
    expect(code).toBe(0);
    const neither = await verify({ ...drawn, beaconSource: named });
    expect(neither.text).toContain('no value of it is mixed in');
    expect(neither.code).toBe(1);
    expect((await verify({ ...withBeacon(), withoutBeacon: without })).code).toBe(1);
  });
});

test('what cannot be looked at ends with 2', async () => {
  expect((await verify({ ...drawn, state: 'committed', seed: null, ids: null })).code).toBe(2);
  expect(await main({ root: '', args: ['http://127.0.0.1:9/sales/x'] }, { say: () => undefined })).toBe(2);
  expect(await main({ root: '', args: ['nonsense'] })).toBe(2);
  expect(await main({ root: '', args: [] })).toBe(2);
});

test('ten lines of anybody’s code, as printed, come to the same', async () => {
  const text = await readFile(new URL('../../../gateway/lobby/README.md', import.meta.url), 'utf8');
  const [, code = ''] = /```js\n([\s\S]*?)```/.exec(text) ?? [];
  expect(code.trim().split('\n')).toHaveLength(10);
  const file = join(folder, 'check-draw.mjs');
  await writeFile(file, code);
  const run = async (published: DrawAnswer) => {
    answer = published;
    const { port } = server.address() as AddressInfo;
    const url = `http://127.0.0.1:${port}/api/sales/${drawn.sale}/draw`;
    return (await promisify(execFile)(process.execPath, [file, url])).stdout;
  };
  expect((await run(drawn)).match(/: true$/gm)).toHaveLength(3);
  expect(await run({ ...drawn, ids: swapped(drawn.ids!) })).toContain('the order that was drawn: false');
  const dropped = await run({ ...drawn, ids: [], entries: 0 });
  expect(dropped).toContain('the lobby that was frozen: false');
  expect(await run({ ...drawn, ids: merged(drawn) })).toContain('the lobby that was frozen: false');
});

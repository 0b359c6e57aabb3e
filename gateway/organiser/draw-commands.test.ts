import { createHash, createHmac } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { DrawAnswer } from '#shared/contract/queue.ts';
import { OrganiserSaleAnswer } from '#shared/contract/sale.ts';
import { freezeLobby } from '../lobby/freeze.ts';
import { takePlace } from '../queue/place.ts';
import { markSaved, unsavedChanges } from '../sale/live-sale.ts';
import { type GatewayFixture, gatewayFixture, problem } from '../testing/gateway-fixture.ts';
import { entryOf } from '../testing/queue-fixture.ts';
import { beaconAsker } from './draw-commands.ts';

let g: GatewayFixture;
beforeAll(async () => {
  g = await gatewayFixture();
});
afterAll(() => g.close());

const beaconFrom = (seconds: number) => ({
  name: 'the lottery’s bonus number',
  rule: 'its digits',
  from: g.inSeconds(seconds),
  url: null,
  field: null,
});

/** A sale whose lobby is open, its draw waiting for a beacon that is known a minute after the opening. */
async function saleWithBeacon(source: object = {}): Promise<string> {
  const sale = await g.sale({
    lobbyOpensAt: g.inSeconds(-60),
    opensAt: g.inSeconds(60),
    beacon: { ...beaconFrom(120), ...source },
  });
  for (let i = 0; i < 20; i += 1)
    await takePlace(g.store, sale, { ticketEntry: null, keyEntry: entryOf(`fan-${i}`) });
  return sale;
}

async function untilAwaited(sale: string): Promise<void> {
  g.pass(60);
  await freezeLobby(g.store, sale);
  await g.draw(sale);
}

const give = (sale: string, value: string) =>
  g.organise('POST', `/sales/${sale}/draw/beacon`, { value, reason: 'as printed' });
const drawWithout = (sale: string, reason: string) =>
  g.organise('POST', `/sales/${sale}/draw/without-beacon`, { reason });

/** The booking service, which is away here, has recorded the change that was answered. */
async function record(sale: string, answer: Response): Promise<void> {
  expect(answer.status).toBe(200);
  const { durable } = OrganiserSaleAnswer.parse(await answer.json());
  expect(durable).toBe(false);
  await markSaved(g.store, sale, await unsavedChanges(g.store, sale));
}

/** What is published, once it is in this state: what is known of a draw is remembered for half a second. */
async function published(sale: string, state: DrawAnswer['state']): Promise<DrawAnswer> {
  let draw: DrawAnswer;
  do draw = (await (await g.app.request(`/api/sales/${sale}/draw`)).json()) as DrawAnswer;
  while (draw.state !== state);
  return draw;
}

function orderBy({ seed, digest, ids }: DrawAnswer, beacon: string): string[] {
  const key = Buffer.concat([Buffer.from(seed!, 'hex'), Buffer.from(digest!, 'hex'), Buffer.from(beacon)]);
  const rank = (id: string) => createHmac('sha256', key).update(id).digest('hex');
  return [...ids!].sort((a, b) => (rank(a) < rank(b) ? -1 : 1));
}

test('the draw waits for its beacon, which is mixed in, audited, and given once', async () => {
  const sale = await saleWithBeacon();
  expect((await problem(give(sale, '17'))).code).toBe('beacon-not-due');
  await untilAwaited(sale);
  const waiting = await published(sale, 'awaitingBeacon');
  expect(waiting).toMatchObject({
    beacon: null,
    seed: null,
    beaconSource: { name: 'the lottery’s bonus number' },
  });
  const sorted = Array.from({ length: 20 }, (_, i) => entryOf(`fan-${i}`)).sort();
  expect(waiting.digest).toBe(createHash('sha256').update(sorted.join('\n')).digest('hex'));
  // Before its moment nobody can know it.
  expect((await problem(give(sale, '17'))).code).toBe('beacon-not-due');

  g.pass(60);
  const given = await give(sale, '17');
  expect((await give(sale, '17')).status).toBe(200);
  expect((await problem(give(sale, '18'))).code).toBe('beacon-given');
  // Nothing is decided by what can still be lost.
  await g.draw(sale);
  expect(await published(sale, 'awaitingBeacon')).toEqual(waiting);
  const { entries } = (await (await g.organise('GET', `/sales/${sale}/audit`)).json()) as {
    entries: { action: string; by: string; reason: string; to: { beaconGiven: object } }[];
  };
  expect(entries[0]).toMatchObject({ action: 'giveBeacon', reason: 'as printed' });
  expect(entries[0]?.to.beaconGiven).toMatchObject({ value: '17' });
  await record(sale, given);
  expect((await problem(drawWithout(sale, 'no'))).code).toBe('beacon-given');
  expect(await published(sale, 'drawing')).toMatchObject({ beacon: '17', seed: null });
  await g.draw(sale);
  const drawn = await published(sale, 'drawn');
  expect(drawn).toMatchObject({ beacon: '17', withoutBeacon: null, digest: waiting.digest, entries: 20 });
  expect(drawn.ids).toEqual(orderBy(drawn, '17'));
  expect(drawn.ids).not.toEqual(orderBy(drawn, ''));
});

test('a value that could be known before the lobby’s digest was published is refused; only a draw without it is left', async () => {
  const sale = await saleWithBeacon();
  g.pass(60);
  await freezeLobby(g.store, sale);
  // Every gateway was away meanwhile.
  g.pass(60);
  await g.draw(sale);
  const waiting = await published(sale, 'awaitingBeacon');
  expect(waiting.digestAt).toBe(waiting.beaconSource?.from);
  expect((await problem(give(sale, '17'))).code).toBe('beacon-too-late');
  expect(await published(sale, 'awaitingBeacon')).toMatchObject({ beacon: null });
  await record(sale, await drawWithout(sale, 'The gateways were away.'));
  await g.draw(sale);
  const drawn = await published(sale, 'drawn');
  expect(drawn).toMatchObject({ beacon: null, withoutBeacon: { reason: 'The gateways were away.' } });
  expect(drawn.ids).toEqual(orderBy(drawn, ''));
});

test('a source is asked until it has the value, and not any more for one that is refused', async () => {
  const source = { url: 'https://lottery.example/draw.json', field: 'bonus' };
  const sale = await saleWithBeacon(source);
  await untilAwaited(sale);
  const lateSale = await saleWithBeacon(source);
  g.pass(60);
  await freezeLobby(g.store, lateSale);
  g.pass(60);
  await g.draw(lateSale);

  let [asked, milliseconds, isThere] = [0, 0, false];
  const fetchValue = async () => {
    asked += 1;
    if (!isThere) throw new Error('not yet');
    return '17';
  };
  const ask = beaconAsker(g.shop, fetchValue, () => milliseconds);
  const askAfter = async (seconds: number, of: string) => {
    milliseconds += seconds * 1_000;
    await ask(of, await g.queue.watch.renew(of));
    return asked;
  };
  expect([await askAfter(0, sale), await askAfter(4, sale), await askAfter(1, sale)]).toEqual([1, 1, 2]);
  isThere = true;
  expect(await askAfter(5, sale)).toBe(3);
  await markSaved(g.store, sale, await unsavedChanges(g.store, sale));
  expect(await published(sale, 'drawing')).toMatchObject({ beacon: '17' });
  expect([await askAfter(0, lateSale), await askAfter(3_600, lateSale)]).toEqual([4, 4]);
});

test('the organiser can draw without the beacon, and everybody is told why', async () => {
  const sale = await saleWithBeacon();
  await untilAwaited(sale);
  expect((await problem(drawWithout(sale, ''))).code).toBe('invalid-field');
  await record(sale, await drawWithout(sale, 'The lottery was cancelled.'));
  await g.draw(sale);
  const drawn = await published(sale, 'drawn');
  expect(drawn).toMatchObject({ beacon: null, withoutBeacon: { reason: 'The lottery was cancelled.' } });
  expect(drawn.ids).toEqual(orderBy(drawn, ''));
});

test('the beacon is fixed when the lobby opens; before it can be named, changed and taken back', async () => {
  const sale = await g.sale({ lobbyOpensAt: g.inSeconds(60), opensAt: g.inSeconds(120) });
  const patch = async (body: object) => g.organise('PATCH', `/sales/${sale}`, body);
  expect((await problem(patch({ version: 1, beacon: beaconFrom(179.999) }))).errors).toEqual([
    expect.objectContaining({ field: 'beacon.from' }),
  ]);
  expect((await patch({ version: 1, beacon: beaconFrom(180) })).status).toBe(200);
  expect((await problem(patch({ version: 2, opensAt: g.inSeconds(130) }))).errors).toEqual([
    expect.objectContaining({ field: 'beacon.from' }),
  ]);
  g.pass(60);
  expect((await problem(patch({ version: 2, beacon: null }))).errors).toEqual([
    expect.objectContaining({ field: 'beacon' }),
  ]);
  expect((await patch({ version: 2, capacity: 7 })).status).toBe(200);
});

test('a sale that opens before its lobby does not wait for a beacon', async () => {
  const sale = await g.sale({
    lobbyOpensAt: g.inSeconds(60),
    opensAt: g.inSeconds(120),
    beacon: beaconFrom(180),
  });
  expect(await (await g.organise('POST', `/sales/${sale}/open`, {})).json()).toMatchObject({
    state: 'open',
    beacon: null,
  });
});

test.each([' 17', '17\n', '', 'é', 'x'.repeat(257)])('%j is no value of a beacon', async (value) => {
  const sale = await g.sale();
  expect((await problem(give(sale, value))).code).toBe('invalid-field');
});

test('nobody has a position before the draw; whoever comes meanwhile stands behind the lobby, at most as far as fans wait', async () => {
  const sale = await saleWithBeacon();
  const joined = await g.post(`/api/sales/${sale}/queue`);
  const { queueTicket } = (await joined.json()) as { queueTicket: string };
  await untilAwaited(sale);
  const headers = { authorization: `Bearer ${queueTicket}` };
  const me = async () => (await g.app.request(`/api/sales/${sale}/queue/me`, { headers })).json();
  expect(await me()).toMatchObject({ state: 'lobby', saleState: 'open', position: null, waiting: 21 });
  const late = (await (await g.post(`/api/sales/${sale}/queue`)).json()) as { queueTicket: string };
  expect(late).toMatchObject({ position: 22, waiting: 22 });

  // Whoever leaves the lobby now keeps an empty number until the draw is written: it still counts, on both sides.
  const left = await g.app.request(`/api/sales/${sale}/queue/me`, { method: 'DELETE', headers });
  expect(left.status).toBe(204);
  headers.authorization = `Bearer ${late.queueTicket}`;
  expect(await me()).toMatchObject({ position: 22, waiting: 22 });
  await record(sale, await drawWithout(sale, 'not needed'));
  await g.draw(sale);
  await g.queue.watch.renew(sale);
  expect(await me()).toMatchObject({ position: 21, waiting: 21 });
});

test('a drawn order is answered with a tag and for long, one that waits for a second only', async () => {
  const sale = await saleWithBeacon();
  const waiting = await g.app.request(`/api/sales/${sale}/draw`);
  expect(waiting.headers.get('cache-control')).toContain('max-age=1,');
  await untilAwaited(sale);
  await record(sale, await drawWithout(sale, 'not needed'));
  await g.draw(sale);
  await published(sale, 'drawn');
  const drawn = await g.app.request(`/api/sales/${sale}/draw`);
  expect(drawn.headers.get('cache-control')).toContain('immutable');
  const etag = drawn.headers.get('etag')!;
  const again = await g.app.request(`/api/sales/${sale}/draw`, { headers: { 'if-none-match': etag } });
  expect(again.status).toBe(304);
});

import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import type { StatsAnswer } from '#shared/contract/stats.ts';
import { takePlace } from '../queue/place.ts';
import { saleKey } from '../redis/keys.ts';
import { type QueueFixture, queueFixture, silentLog } from '../testing/queue-fixture.ts';
import { readSaleStats, type SaleStats } from './stats.ts';
import { type StatsStreams, streamStats } from './stats-streams.ts';

let f: QueueFixture;
let stats: SaleStats;
let streams: StatsStreams;
let reads = 0;
beforeAll(async () => {
  f = await queueFixture();
});
afterAll(() => f.close());
beforeEach(() => {
  reads = 0;
  const real = readSaleStats({
    store: f.store,
    stockOf: () => null,
    door: () => ({ requests: 0, errors: 0, p50Ms: null, p99Ms: null }),
  });
  stats = {
    read: (sale) => {
      reads += 1;
      return real.read(sale);
    },
  };
  streams = streamStats(stats, silentLog);
});
afterEach(() => streams.stop());

const uncut = () => {
  throw new Error('a reader who reads is not cut');
};
const joinOne = (sale: string) => takePlace(f.store, sale, { ticketEntry: null, keyEntry: null });

/** Reads frames as a browser does: events with their ids, comments apart. */
function readerOf(body: ReadableStream<Uint8Array>) {
  const reader = body.getReader();
  const next = async () => {
    const { value, done } = await reader.read();
    if (done) return null;
    const text = new TextDecoder().decode(value);
    const id = /^id: (.+)$/m.exec(text)?.[1] ?? null;
    const data = /^data: (.+)$/m.exec(text)?.[1];
    return { text, id, stats: data === undefined ? null : (JSON.parse(data) as StatsAnswer) };
  };
  return { next, cancel: () => reader.cancel() };
}

test('a stream begins with the figures, goes on when they change, and ends cleanly with the gateway', async () => {
  const sale = await f.sale();
  const reader = readerOf(await streams.open(sale, null, uncut));
  const first = await reader.next();
  expect(first?.text).toMatch(/^retry: \d+\n\nid: \S+\ndata: {.+}\n\n$/);
  expect(first?.stats).toMatchObject({ sale, joined: 0, waiting: 0 });
  await joinOne(sale);
  const second = await reader.next();
  expect(second?.stats).toMatchObject({ joined: 1, waiting: 1 });
  expect(second?.id).not.toBe(first?.id);
  const end = reader.next();
  await streams.stop();
  expect(await end).toBeNull();
  await expect(streams.open(sale, null, uncut)).rejects.toMatchObject({ code: 'unavailable' });
});

test('whoever comes back with the last id they saw is told only what is new, by whichever gateway', async () => {
  const sale = await f.sale();
  const reader = readerOf(await streams.open(sale, null, uncut));
  const first = await reader.next();
  const elsewhere = streamStats(stats, silentLog, { heartbeatMs: 600 });
  const back = readerOf(await elsewhere.open(sale, String(first?.id), uncut));
  expect(await back.next()).toMatchObject({ text: 'retry: 2000\n\n', stats: null });
  expect(await back.next()).toMatchObject({ text: ': still here\n\n', stats: null });
  await joinOne(sale);
  expect((await back.next())?.stats).toMatchObject({ joined: 1 });
  await elsewhere.stop();
});

test('a hundred readers cost one reading, the next one is sent away, and whoever goes makes room', async () => {
  const sale = await f.sale();
  const bodies = await Promise.all(Array.from({ length: 100 }, () => streams.open(sale, null, uncut)));
  const readers = bodies.map(readerOf);
  await Promise.all(readers.map((reader) => reader.next()));
  await expect(streams.open(sale, null, uncut)).rejects.toMatchObject({
    code: 'unavailable',
    retryAfterSeconds: 10,
  });
  reads = 0;
  await joinOne(sale);
  const said = await Promise.all(readers.map((reader) => reader.next()));
  expect(said.every((event) => event?.stats?.joined === 1)).toBe(true);
  expect(reads).toBeLessThan(5);
  await readers[0]?.cancel();
  const again = readerOf(await streams.open(sale, null, uncut));
  expect((await again.next())?.stats).toMatchObject({ joined: 1 });
});

test('when the last reader has gone nothing is read any more', async () => {
  const sale = await f.sale();
  const reader = readerOf(await streams.open(sale, null, uncut));
  await reader.next();
  await reader.cancel();
  reads = 0;
  const other = readerOf(await streams.open(await f.sale(), null, uncut));
  await other.next();
  await vi.waitFor(() => expect(reads).toBeGreaterThan(4), 5_000);
  // The opening of the other one, and its producer: nobody reads for the reader who went.
  const ofOther = vi.spyOn(stats, 'read');
  await vi.waitFor(() => expect(ofOther.mock.calls.length).toBeGreaterThan(2), 5_000);
  expect(new Set(ofOther.mock.calls.map(([id]) => id)).has(sale)).toBe(false);
});

test('a reader who takes nothing is dropped, and holds one frame at most until then', async () => {
  const sale = await f.sale();
  const impatient = streamStats(stats, silentLog, { slowReaderMsMax: 700 });
  let cuts = 0;
  const body = await impatient.open(sale, null, () => {
    cuts += 1;
  });
  const slow = body.getReader();
  await slow.read();
  // One frame lies ready for a reader who asked once more and then no longer.
  void slow.read();
  await joinOne(sale);
  await vi.waitFor(() => expect(cuts).toBe(1), 5_000);
  await impatient.stop();
});

test('while the queue cannot be read, readers are told how old the figures are', async () => {
  const own = await queueFixture();
  const sale = await own.sale();
  const real = readSaleStats({
    store: own.store,
    stockOf: () => null,
    door: () => ({ requests: 0, errors: 0, p50Ms: null, p99Ms: null }),
  });
  const ofOwn = streamStats(real, silentLog);
  const reader = readerOf(await ofOwn.open(sale, null, uncut));
  const first = await reader.next();
  await own.close();
  const aged = await reader.next();
  expect(aged?.stats?.ageMs).toBeGreaterThan(2_000);
  expect(aged?.id).toBe(first?.id);
  await ofOwn.stop();
});

test('a stream of a sale that is not there is refused, and none that began has a key of its own', async () => {
  await expect(streams.open('nosuchsale1', null, uncut)).rejects.toMatchObject({ code: 'not-found' });
  const sale = await f.sale();
  const before = (await f.redis.keys(`${saleKey(sale, 'sale').split(':sale')[0]}*`)).sort();
  const reader = readerOf(await streams.open(sale, null, uncut));
  await reader.next();
  expect((await f.redis.keys(`${saleKey(sale, 'sale').split(':sale')[0]}*`)).sort()).toEqual(before);
});

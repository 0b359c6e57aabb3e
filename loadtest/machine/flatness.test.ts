import { expect, test } from 'vitest';
import { createRandom } from '../../infra/testing/random.ts';
import { grows, slopes } from './flatness.ts';
import type { Sample } from './watch.ts';

const MIB = 1024 ** 2;
const MINUTE_MS = 60_000;
const INTERVAL_MS = 10_000;
const random = createRandom('flatness').next;

/** A process seen every 10 s; what it uses is said by the minute. */
function seen(minutes: number, at: (minute: number) => { memoryMb?: number; handles?: number }): Sample[] {
  return Array.from({ length: (minutes * MINUTE_MS) / INTERVAL_MS + 1 }, (_, i) => {
    const atMs = i * INTERVAL_MS;
    const { memoryMb = 200, handles = 100 } = at(atMs / MINUTE_MS);
    return { atMs, cpuMs: 0, memoryBytes: memoryMb * MIB, handles };
  });
}

const growing = (samples: Sample[], handlesAtRest?: number) =>
  slopes(
    new Map([['shop', samples]]),
    new Map(
      handlesAtRest === undefined ? [] : [['shop', { cpuMs: 0, memoryBytes: 0, handles: handlesAtRest }]],
    ),
  )
    .filter(grows)
    .map(({ measure }) => measure);

/** Node's memory: it rises until garbage is collected, some 40 MB, in its own time. */
const sawtooth = (minute: number) => 40 * ((minute * 1.7) % 1) + 10 * random();

test('a planted leak of memory is noticed under the saw teeth of the garbage collector', () => {
  expect(growing(seen(30, (minute) => ({ memoryMb: 200 + sawtooth(minute) + 1.5 * minute })))).toEqual([
    'memoryBytes',
  ]);
});

test('a planted leak of one open file a minute is noticed', () => {
  expect(growing(seen(30, (minute) => ({ handles: 60 + Math.floor(minute) })))).toEqual(['handles']);
});

test('noise is not called a leak, nor a peak at the end', () => {
  const noise = seen(30, (minute) => ({
    memoryMb: 200 + sawtooth(minute) + (minute > 29 ? 200 : 0),
    handles: 100 + Math.floor(30 * random()) + (minute > 29 ? 500 : 0),
  }));
  expect(growing(noise)).toEqual([]);
});

test('what grows in the warm-up only is flat', () => {
  expect(growing(seen(30, (minute) => ({ memoryMb: 80 + 30 * Math.min(5, minute) })))).toEqual([]);
});

test('a process that shrinks is not called growing', () => {
  expect(growing(seen(30, (minute) => ({ memoryMb: 400 - 5 * minute, handles: 400 - minute })))).toEqual([]);
});

test('a slow swing of the heap, back at its floor by the end, is not called a leak', () => {
  // As a gateway was seen to: 205 MB, 276, 223 within half an hour, and 205 at rest.
  const swing = (minute: number) =>
    205 + 60 * Math.max(0, Math.sin(((minute - 6) / 20) * Math.PI)) + 8 * random();
  expect(growing(seen(30, (minute) => ({ memoryMb: minute < 25 ? swing(minute) : 212 })))).toEqual([]);
});

test('connections that have gone with the fans are no leak; those that stay are', () => {
  const rising = seen(30, (minute) => ({ handles: 60 + Math.floor(minute) }));
  expect(growing(rising, 62)).toEqual([]);
  expect(growing(rising, 88)).toEqual(['handles']);
});

test('too few samples are no judgement', () => {
  expect(slopes(new Map([['shop', seen(1, () => ({}))]]))).toEqual([]);
});

import { expect, test } from 'vitest';
import type { AnswerRecord } from '../../infra/history/record.ts';
import { recoveryOf } from './recovery.ts';

const SPIKE_AT = 20;
const SPIKE_SECONDS = 5;

/** Ten answers a second; who comes in the spike is named so. */
function run(seconds: number, at: (second: number) => { tookMs?: number; position?: number }) {
  const fans = new Map<string, AnswerRecord[]>();
  for (let i = 0; i < seconds * 10; i += 1) {
    const second = Math.floor(i / 10);
    const isSpike = second >= SPIKE_AT && second < SPIKE_AT + SPIKE_SECONDS;
    const fan = `${isSpike ? 'spike' : 'before'}-${i}`;
    const { tookMs = 20, position = 3 } = at(second);
    fans.set(fan, [
      { kind: 'answer', fan, step: 'join', sentAt: 1_000_000 + i * 100, status: 201, tookMs, position },
    ]);
  }
  return recoveryOf({ fans }, (fan) => fan.startsWith('spike-'));
}

const within = (from: number, to: number) => (second: number) => second >= from && second < to;

test('a shop that the spike does not touch is as before at once', () => {
  expect(run(60, () => ({}))).toMatchObject({ answersAfterMs: 0, positionsAfterMs: 0 });
});

test('answers and positions recover each in their own time', () => {
  const recovery = run(60, (second) => ({
    tookMs: within(20, 30)(second) ? 900 : 20,
    position: within(20, 40)(second) ? 250 : 3,
  }));
  expect(recovery.worst).toEqual({ p99: 900, position: 250 });
  expect(Math.abs((recovery.answersAfterMs ?? 0) - 5_000)).toBeLessThanOrEqual(1_000);
  expect(Math.abs((recovery.positionsAfterMs ?? 0) - 15_000)).toBeLessThanOrEqual(1_000);
});

test('one good second between bad ones is no recovery', () => {
  const recovery = run(60, (second) => ({ tookMs: second >= 20 && second !== 40 ? 900 : 20 }));
  expect(recovery.answersAfterMs).toBeNull();
});

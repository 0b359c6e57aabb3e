import { expect, test, vi } from 'vitest';
import { SOON_MS } from '../../infra/testing/soon.ts';
import { STEPS_PER_LOOK_AT_THE_CLOCK, type Work, workInSlices } from './slices.ts';

const STEP_MS = 0.5;

/** Slices whose steps take STEP_MS each by a clock of their own; a dot in what was done is a turn of the event loop. */
function sliced(sliceMs = 2) {
  const done: string[] = [];
  const errors: unknown[] = [];
  let nowMs = 0;
  const slices = workInSlices((error) => errors.push(error), {
    sliceMs,
    clock: () => nowMs,
    pause: async () => {
      await new Promise(setImmediate);
      done.push('.');
    },
  });
  function* work(name: string, steps: number, each: () => 'rest' | undefined = () => undefined): Work {
    for (let i = 0; i < steps; i += 1) {
      nowMs += STEP_MS;
      done.push(name);
      yield each();
    }
    done.push(`${name}!`);
  }
  const start = (name: string, steps: number, each?: () => 'rest' | undefined) =>
    slices.add(work(name, steps, each));
  const turns = () => done.join(' ').split('. ').slice(1);
  return { start, done, errors, turns };
}

test('the event loop comes round after each slice, however many works there are', async () => {
  const it = sliced();
  const works = Array.from({ length: 40 }, (_, i) => `w${i}`);
  for (const name of works) it.start(name, 5);
  expect(it.done).toEqual([]);
  await vi.waitFor(() => expect(it.done.filter((what) => what.endsWith('!'))).toHaveLength(40), SOON_MS);
  for (const turn of it.turns())
    expect(turn.split(' ').filter((what) => !what.endsWith('!')).length).toBeLessThan(
      2 / STEP_MS + STEPS_PER_LOOK_AT_THE_CLOCK,
    );
});

test('works take turns: a short one does not wait for a long one to end', async () => {
  const it = sliced();
  it.start('long', 1_000);
  it.start('short', 20);
  await vi.waitFor(() => expect(it.done).toContain('long!'), SOON_MS);
  const before = it.done.slice(0, it.done.indexOf('short!'));
  expect(before.filter((what) => what === 'long').length).toBeLessThanOrEqual(21);
});

test('a work that rests goes on in the next slice, and the others in this', async () => {
  const it = sliced();
  it.start('rests', 3, () => 'rest');
  it.start('goes-on', 12);
  await vi.waitFor(() => expect(it.done).toContain('rests!'), SOON_MS);
  for (const turn of it.turns()) expect(turn.split('rests').length - 1).toBeLessThanOrEqual(2);
  expect(it.turns().filter((turn) => /rests(?!!)/.test(turn))).toHaveLength(3);
  expect(it.done).toContain('goes-on!');
});

test('a step that fails is reported, ends its own work, and no other', async () => {
  const it = sliced();
  it.start('fails', 3, () => {
    throw new Error('no');
  });
  it.start('other', 3);
  await vi.waitFor(() => expect(it.done).toContain('other!'), SOON_MS);
  expect(it.errors).toHaveLength(1);
  expect(it.done.filter((what) => what === 'fails')).toHaveLength(1);
  it.start('later', 1);
  await vi.waitFor(() => expect(it.done).toContain('later!'), SOON_MS);
});

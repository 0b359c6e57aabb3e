import { setImmediate } from 'node:timers/promises';

/** With its last few steps, and what the system does after them, nobody's poll waits 5 ms for streams. */
const SLICE_MS = 2;
/** A step is a frame at most, some 20 µs. */
export const STEPS_PER_LOOK_AT_THE_CLOCK = 8;

/** Work in short steps, one each time it is asked for the next; one that wants to rest goes on in the next slice. */
export type Work = Iterator<'rest' | undefined, void>;

/**
 * What a process does in the background of its polls: a slice a turn of the event loop, however much there is to do, all
 * works a step each in turn. Whatever costs time for many fans at once belongs in here.
 */
export type Slices = {
  /** Takes this work on; the first step comes in a slice too. One that fails is reported and dropped. */
  add: (work: Work) => void;
};

export function workInSlices(
  onError: (error: unknown) => void,
  {
    sliceMs = SLICE_MS,
    clock = () => performance.now(),
    /** Resolves when the event loop has come round. */
    pause = () => setImmediate(),
  }: { sliceMs?: number; clock?: () => number; pause?: () => Promise<unknown> } = {},
): Slices {
  const works: Work[] = [];
  const resting: Work[] = [];
  let turn = 0;
  let working = false;

  const next = (work: Work): 'rest' | 'done' | undefined => {
    try {
      const { done, value } = work.next();
      return done ? 'done' : value;
    } catch (error) {
      onError(error);
      return 'done';
    }
  };

  const step = () => {
    if (turn >= works.length) turn = 0;
    const work = works[turn] as Work;
    const wants = next(work);
    if (wants === 'rest') resting.push(work);
    if (wants === undefined) turn += 1;
    else works.splice(turn, 1);
  };

  const slice = () => {
    const endsAt = clock() + sliceMs;
    works.push(...resting.splice(0));
    do {
      for (let i = 0; i < STEPS_PER_LOOK_AT_THE_CLOCK && works.length > 0; i += 1) step();
    } while (works.length > 0 && clock() < endsAt);
  };

  const run = async () => {
    working = true;
    while (works.length + resting.length > 0) {
      await pause();
      slice();
    }
    working = false;
  };

  return {
    add(work) {
      works.push(work);
      if (!working) void run();
    },
  };
}

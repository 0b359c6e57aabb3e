import { expect, test } from 'vitest';
import { watchMinutes } from './last-minute.ts';

test('once a minute a fan is told how far they came, by turns and by others who went', () => {
  const say = watchMinutes();
  expect(say(0, 1_000, 0)).toBeNull();
  expect(say(59_999, 700, 300)).toBeNull();
  expect(say(60_000, 660, 300)).toEqual({ moved: 340, letIn: 300, left: 40 });
  expect(say(61_000, 655, 305)).toBeNull();
  expect(say(120_000, 660, 0)).toEqual({ moved: 0, letIn: 0, left: 0 });
});

test('no more are said to be let in than the fan came on, and turns are counted for the time between the answers', () => {
  const say = watchMinutes();
  say(0, 100, 0);
  // Turns of those who missed one before come from nowhere in the queue.
  expect(say(60_000, 90, 12)).toEqual({ moved: 10, letIn: 10, left: 0 });
  expect(say(135_000, 40, 40)).toEqual({ moved: 50, letIn: 50, left: 0 });
});

test('after a sleep nothing is said of a minute, and the next one counts', () => {
  const say = watchMinutes();
  say(0, 100, 0);
  expect(say(600_000, 50, 5)).toBeNull();
  expect(say(660_000, 44, 5)).toEqual({ moved: 6, letIn: 5, left: 1 });
});

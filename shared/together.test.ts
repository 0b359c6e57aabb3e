import { expect, test } from 'vitest';
import { together } from './together.ts';

/** Calls that end when the test says so. */
function calls() {
  const made: { items: number[]; end: (results: string[]) => void; fail: (error: Error) => void }[] = [];
  const call = (items: number[]) =>
    new Promise<string[]>((end, fail) => {
      made.push({ items, end, fail });
    });
  const until = async (count: number) => {
    while (made.length < count) await new Promise(setImmediate);
    return made[count - 1]!;
  };
  return { made, call, until };
}

const words = (items: number[]) => items.map((item) => `answer ${item}`);

test('what arrives during a call goes together in the next, in order, each with its own answer', async () => {
  const { made, call, until } = calls();
  const carrier = together({ call, atOnceMax: 3, waitingMax: 100 });
  const alone = carrier.do(1);
  const first = await until(1);
  expect(first.items).toEqual([1]);
  const others = [2, 3, 4, 5].map((item) => carrier.do(item));
  await new Promise(setImmediate);
  expect(made).toHaveLength(1);
  first.end(words(first.items));
  expect(await alone).toBe('answer 1');
  const second = await until(2);
  expect(second.items).toEqual([2, 3, 4]);
  second.end(words(second.items));
  const third = await until(3);
  expect(third.items).toEqual([5]);
  third.end(words(third.items));
  expect(await Promise.all(others)).toEqual(words([2, 3, 4, 5]));
});

test('a call that fails fails each of its items once, and the next goes on', async () => {
  const { call, until } = calls();
  const carrier = together({ call, atOnceMax: 10, waitingMax: 100 });
  const failing = [1, 2].map((item) => carrier.do(item));
  const settled = Promise.allSettled(failing);
  (await until(1)).fail(new Error('cut'));
  expect(await settled).toMatchObject([
    { status: 'rejected', reason: { message: 'cut' } },
    { status: 'rejected', reason: { message: 'cut' } },
  ]);
  const later = carrier.do(3);
  const second = await until(2);
  second.end(words(second.items));
  expect(await later).toBe('answer 3');
});

test('more than may wait are refused at once; an answer with too few results fails all of them', async () => {
  const { call, until } = calls();
  const carrier = together({ call, atOnceMax: 10, waitingMax: 2 });
  const two = Promise.allSettled([carrier.do(1), carrier.do(2)]);
  await expect(carrier.do(3)).rejects.toMatchObject({ code: 'unavailable' });
  (await until(1)).end(['only one']);
  expect((await two).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
});

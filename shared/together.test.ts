import { expect, test } from 'vitest';
import { Failed, together } from './together.ts';

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

const patient = { waitMsMax: 60_000, failsAll: () => false };

const words = (items: number[]) => items.map((item) => `answer ${item}`);

test('what arrives during a call goes together in the next, in order, each with its own answer', async () => {
  const { made, call, until } = calls();
  const carrier = together({ call, atOnceMax: 3, waitingMax: 100, ...patient });
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
  const carrier = together({ call, atOnceMax: 10, waitingMax: 100, ...patient });
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
  const carrier = together({ call, atOnceMax: 10, waitingMax: 2, ...patient });
  const two = Promise.allSettled([carrier.do(1), carrier.do(2)]);
  await expect(carrier.do(3)).rejects.toMatchObject({ code: 'unavailable' });
  (await until(1)).end(['only one']);
  expect((await two).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
});

test('whoever waits behind a call that found the service away fails with it, and nobody else', async () => {
  const { call, until } = calls();
  const failsAll = (error: unknown) => error instanceof Error && error.message === 'away';
  const carrier = together({ call, atOnceMax: 1, waitingMax: 100, waitMsMax: 60_000, failsAll });
  const items = Promise.allSettled([1, 2, 3].map((item) => carrier.do(item)));
  (await until(1)).fail(new Error('refused'));
  (await until(2)).fail(new Error('away'));
  expect((await items).map((item) => item.status === 'rejected' && item.reason.message)).toEqual([
    'refused',
    'away',
    'away',
  ]);
  const later = carrier.do(4);
  (await until(3)).end(['answer 4']);
  expect(await later).toBe('answer 4');
});

test('an item that fails by itself takes no answer from the others; those who wait fail with it where all would', async () => {
  const { call, until } = calls();
  const failsAll = (error: unknown) => error instanceof Error && error.message === 'away';
  const answer: (items: number[]) => Promise<(string | Failed)[]> = call;
  const carrier = together({ call: answer, atOnceMax: 2, waitingMax: 100, waitMsMax: 60_000, failsAll });
  const items = Promise.allSettled([1, 2, 3, 4, 5].map((item) => carrier.do(item)));
  const end = async (count: number, results: (string | Failed)[]) =>
    (await until(count)).end(results as string[]);
  await end(1, ['answer 1', new Failed(new Error('refused'))]);
  await end(2, [new Failed(new Error('away')), 'answer 4']);
  expect(
    (await items).map((item) => (item.status === 'fulfilled' ? item.value : item.reason.message)),
  ).toEqual(['answer 1', 'refused', 'away', 'answer 4', 'away']);
});

test('who has waited too long for a turn is not sent any more', async () => {
  const { made, call, until } = calls();
  const carrier = together({ call, atOnceMax: 1, waitingMax: 100, waitMsMax: 20, failsAll: () => false });
  const first = carrier.do(1);
  const call1 = await until(1);
  const late = carrier.do(2).catch((error: unknown) => error);
  const since = performance.now();
  while (performance.now() - since < 30) await new Promise(setImmediate);
  call1.end(['answer 1']);
  expect(await first).toBe('answer 1');
  expect(await late).toMatchObject({ code: 'unavailable' });
  expect(made).toHaveLength(1);
});

test('behind a call that hangs the others go on, and one at a time again when it has ended', async () => {
  const { made, call, until } = calls();
  const carrier = together({ call, atOnceMax: 10, waitingMax: 100, ...patient, impatientMs: 10 });
  const hanging = carrier.do(1);
  const first = await until(1);
  const others = [2, 3].map((item) => carrier.do(item));
  const second = await until(2);
  expect(second.items).toEqual([2, 3]);
  second.end(words(second.items));
  expect(await Promise.all(others)).toEqual(words([2, 3]));
  first.end(words(first.items));
  expect(await hanging).toBe('answer 1');
  const later = [4, 5].map((item) => carrier.do(item));
  const third = await until(3);
  expect(third.items).toEqual([4, 5]);
  third.end(words(third.items));
  expect(await Promise.all(later)).toEqual(words([4, 5]));
  expect(made).toHaveLength(3);
});

test('an item that nobody waits for any more is not sent', async () => {
  const { made, call, until } = calls();
  const untilMs = (item: number) => performance.now() + (item === 2 ? 0 : 60_000);
  const carrier = together({ call, atOnceMax: 10, waitingMax: 100, ...patient, untilMs });
  const first = carrier.do(1);
  await until(1);
  const [two, three] = [carrier.do(2), carrier.do(3)];
  const refused = expect(two).rejects.toMatchObject({ code: 'unavailable' });
  made[0]?.end(['answer 1']);
  await first;
  const second = await until(2);
  expect(second.items).toEqual([3]);
  second.end(['answer 3']);
  expect(await three).toBe('answer 3');
  await refused;
});

test('items with a name in common never go together; the others do not wait for them', async () => {
  const { call, until } = calls();
  const apart = (item: number) => [`ten ${Math.floor(item / 10)}`, `one ${item % 10}`];
  const carrier = together({ call, atOnceMax: 10, waitingMax: 100, ...patient, apart });
  const answers = [11, 12, 23, 31, 44].map((item) => carrier.do(item));
  const first = await until(1);
  expect(first.items).toEqual([11, 23, 44]);
  first.end(words(first.items));
  const second = await until(2);
  expect(second.items).toEqual([12, 31]);
  second.end(words(second.items));
  expect(await Promise.all(answers)).toEqual(words([11, 12, 23, 31, 44]));
});

test('a second call goes beside the first as soon as enough can go with it, and no third', async () => {
  const { made, call, until } = calls();
  const carrier = together({ call, atOnceMax: 3, waitingMax: 100, ...patient, besideFrom: 2 });
  const answers = [carrier.do(1)];
  const first = await until(1);
  answers.push(carrier.do(2));
  await new Promise(setImmediate);
  expect(made).toHaveLength(1);
  answers.push(...[3, 4, 5, 6, 7].map((item) => carrier.do(item)));
  const second = await until(2);
  expect(second.items).toEqual([2, 3, 4]);
  await new Promise(setImmediate);
  expect(made).toHaveLength(2);
  second.end(words(second.items));
  const third = await until(3);
  expect(third.items).toEqual([5, 6, 7]);
  // What is left is too little to go beside another.
  answers.push(carrier.do(8));
  first.end(words(first.items));
  expect(await answers[0]).toBe('answer 1');
  await new Promise(setImmediate);
  expect(made).toHaveLength(3);
  third.end(words(third.items));
  const fourth = await until(4);
  expect(fourth.items).toEqual([8]);
  fourth.end(words(fourth.items));
  expect(await Promise.all(answers)).toEqual(words([1, 2, 3, 4, 5, 6, 7, 8]));
});

test('beside a call goes nobody who has to wait for one in it; a call that hangs is waited for no more', async () => {
  const { call, until } = calls();
  const inOrder = (item: number) => [item % 10];
  const options = { ...patient, besideFrom: 2, impatientMs: 10, inOrder };
  const carrier = together({ call, atOnceMax: 10, waitingMax: 100, ...options });
  const answers = [11, 21].map((item) => carrier.do(item));
  const first = await until(1);
  expect(first.items).toEqual([11, 21]);
  answers.push(...[31, 32, 43].map((item) => carrier.do(item)));
  const second = await until(2);
  expect(second.items).toEqual([32, 43]);
  second.end(words(second.items));
  const third = await until(3);
  expect(third.items).toEqual([31]);
  third.end(words(third.items));
  expect(await Promise.all(answers.slice(2))).toEqual(words([31, 32, 43]));
  first.end(words(first.items));
  expect(await Promise.all(answers)).toEqual(words([11, 21, 31, 32, 43]));
});

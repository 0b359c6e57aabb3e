import { expect, test, vi } from 'vitest';
import { oneOfMany } from './one-of-many.ts';

const named = (ids: string[]) => new Map(ids.filter((id) => !id.startsWith('no')).map((id) => [id, id]));

test('a flood of made-up ids costs one ask for a hundred of them', async () => {
  const asked: number[] = [];
  const find = oneOfMany(async (ids) => {
    asked.push(ids.length);
    return named(ids);
  });
  const ids = Array.from({ length: 250 }, (_, i) => (i % 2 ? `no${i}` : `yes${i}`));
  const found = await Promise.all([...ids, ...ids].map(find));
  expect(found).toEqual([...ids, ...ids].map((id) => (id.startsWith('no') ? null : id)));
  expect(asked.reduce((sum, n) => sum + n, 0)).toBe(250 + (asked[0] === 1 ? 1 : 0));
  expect(asked.length).toBeLessThanOrEqual(5);
});

test('a failure reaches those who asked, and nobody after them', async () => {
  let fails = true;
  const find = oneOfMany(async (ids) => {
    if (fails) throw new Error('away');
    return named(ids);
  });
  await expect(find('one')).rejects.toThrow('away');
  fails = false;
  expect(await find('one')).toBe('one');
});

test('who comes when too many wait is told so at once', async () => {
  let answer = (): void => undefined;
  const ask = vi.fn(
    (ids: string[]) =>
      new Promise<Map<string, string>>((resolve) => {
        answer = () => resolve(named(ids));
      }),
  );
  const find = oneOfMany(ask);
  const first = find('first');
  const waiting = Array.from({ length: 2_000 }, (_, i) => find(`id${i}`));
  await expect(find('one-too-many')).rejects.toMatchObject({ code: 'unavailable' });
  // Whoever asks for what is asked for already is no further one.
  const twin = find('id7');
  for (let i = 0; i < 21; i += 1) {
    await vi.waitUntil(() => ask.mock.calls.length === i + 1, { timeout: 5_000 });
    answer();
  }
  await Promise.all([first, ...waiting, twin]);
});

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createRecent } from './recent.ts';

test('what was put in is kept for its time, gone after twice that, and newer than what was put in before', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.integer({ min: 0, max: 9 }), fc.integer({ min: 0, max: 150 })), {
        maxLength: 200,
      }),
      (puts) => {
        const recent = createRecent<number>({ keysKept: 1_000, keptMs: 100 });
        const last = new Map<string, number>();
        let nowMs = 0;
        for (const [number, pauseMs] of puts) {
          nowMs += pauseMs;
          recent.set(String(number), nowMs, nowMs);
          last.set(String(number), nowMs);
          for (const [key, at] of last) {
            if (nowMs - at < 100) expect(recent.get(key)).toBe(at);
            else if (nowMs - at >= 200) expect(recent.get(key)).toBeUndefined();
            else expect([at, undefined]).toContain(recent.get(key));
          }
        }
      },
    ),
  );
});

test('of many the latest are kept, and never more than twice as many', () => {
  const recent = createRecent<number>({ keysKept: 50, keptMs: 1_000 });
  for (let i = 0; i < 1_000; i += 1) {
    recent.set(`key-${i}`, i, 0);
    expect(recent.size()).toBeLessThanOrEqual(100);
    for (let back = Math.max(0, i - 49); back <= i; back += 1) expect(recent.get(`key-${back}`)).toBe(back);
  }
});

test('what is taken out is gone from both generations', () => {
  const recent = createRecent<number>({ keysKept: 1, keptMs: 1_000 });
  recent.set('a', 1, 0);
  recent.set('b', 2, 0);
  recent.set('a', 3, 0);
  recent.delete('a');
  expect([recent.get('a'), recent.get('b')]).toEqual([undefined, 2]);
});

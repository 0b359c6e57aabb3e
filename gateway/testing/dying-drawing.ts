import { expect } from 'vitest';
import type { Problem } from '#shared/problem.ts';
import { createDrawing, type Drawing, type DrawingLimits } from '../lobby/draw.ts';
import { saleKey } from '../redis/keys.ts';
import { afterEachCall, type QueueFixture } from './queue-fixture.ts';

/** What one process does for draws, which may die in the middle of it. */
export type DyingDrawing = {
  drawing: Drawing;
  /** Does something that dies when so many numbers more are written. */
  dieAfter: (sale: string, numbers: number, act: () => Promise<unknown>) => Promise<void>;
};

export function dyingDrawing(f: QueueFixture, limits: DrawingLimits): DyingDrawing {
  let limit: { sale: string; placed: number } | null = null;
  const placedOf = async (sale: string) => Number(await f.redis.hget(saleKey(sale, 'draw'), 'placed'));
  const store = afterEachCall(f.store, async () => {
    if (limit && (await placedOf(limit.sale)) >= limit.placed) throw new Error('the process has died');
  });
  const drawing = createDrawing(store, limits);
  return {
    drawing,
    async dieAfter(sale, numbers, act) {
      limit = { sale, placed: (await placedOf(sale)) + numbers };
      await act().catch((error: Problem) => expect(error.code, error.stack).toBe('unavailable'));
      limit = null;
    },
  };
}

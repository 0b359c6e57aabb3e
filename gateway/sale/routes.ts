import { type Context, Hono } from 'hono';
import { answerFinished } from '#shared/finished-answer.ts';
import { Problem } from '#shared/problem.ts';
import type { Draws } from '../lobby/published.ts';
import type { QueueSnapshot } from '../queue/snapshot.ts';
import { isCurrent, type QueueWatch } from '../queue/watch.ts';
import type { Events } from './events.ts';
import { publicSale } from './public-sale.ts';
import type { SaleSync } from './sync.ts';

export type SaleDeps = {
  draws: Draws;
  watch: QueueWatch;
  sync: SaleSync;
  events: Events;
};

/**
 * A shared cache asks once a second; while it does, a second more, so that a crowd does not come with it. While no gateway
 * answers it tells what was last known, which says of when it is (`serverTime`).
 */
const cacheForASecond = 'public, max-age=1, stale-while-revalidate=1, stale-if-error=300';

/** What everybody may read, cookies or not: the same bytes for everyone, fit for a shared cache. */
export function saleRoutes({ draws, watch, sync, events }: SaleDeps) {
  const app = new Hono();

  app.get('/sales/:sale', async (c) => {
    const snapshot = await saleSnapshot(watch, c.req.param('sale'));
    const event = await events.event(snapshot.definition.event);
    return shared(c, publicSale(snapshot, event, sync.stockOf(snapshot.definition.sale)), cacheForASecond);
  });

  app.get('/sales/:sale/draw', async (c) => {
    const snapshot = await saleSnapshot(watch, c.req.param('sale'));
    return answerFinished(await draws.answer(snapshot.definition.sale), c.req.header('if-none-match'));
  });

  return app;
}

/** The last known state of a sale; while Redis is away that may be old, and its numbers say so. */
export async function saleSnapshot(watch: QueueWatch, sale: string): Promise<QueueSnapshot> {
  const known = watch.remembered(sale);
  if (known && isCurrent(known)) return known;
  try {
    return await watch.atLeast(sale, { version: 0, queueNumber: 0 });
  } catch (error) {
    if (known && error instanceof Problem && error.code === 'unavailable') return known;
    throw error;
  }
}

const shared = (c: Context, body: object, cacheControl: string): Response => {
  c.header('cache-control', cacheControl);
  return c.json(body, 200);
};

import { type Context, Hono } from 'hono';
import { answerFinished, CACHED_FOR_A_SECOND } from '#shared/finished-answer.ts';
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

/** What everybody may read, cookies or not: the same bytes for everyone, fit for a shared cache. */
export function saleRoutes({ draws, watch, sync, events }: SaleDeps) {
  const app = new Hono();

  app.get('/sales/:sale', async (c) => {
    const snapshot = await saleSnapshot(watch, c.req.param('sale'));
    const event = await events.event(snapshot.definition.event);
    return shared(
      c,
      publicSale(snapshot, event, sync.stockOf(snapshot.definition.sale)),
      CACHED_FOR_A_SECOND,
    );
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

import { type Context, Hono } from 'hono';
import type { DrawAnswer } from '#shared/contract/queue.ts';
import { idPattern } from '#shared/ids.ts';
import { Problem } from '#shared/problem.ts';
import type { QueueSnapshot } from '../queue/snapshot.ts';
import { isCurrent, type QueueWatch } from '../queue/watch.ts';
import type { Events } from './events.ts';
import { publicSale } from './public-sale.ts';
import type { SaleSync } from './sync.ts';

export type SaleDeps = {
  draw: (sale: string) => Promise<DrawAnswer>;
  watch: QueueWatch;
  sync: SaleSync;
  events: Events;
};

/** What everybody may read, cookies or not: the same bytes for everyone, fit for a shared cache. */
export function saleRoutes({ draw, watch, sync, events }: SaleDeps) {
  const app = new Hono();

  app.get('/sales/:sale', async (c) => {
    const snapshot = await saleSnapshot(watch, c.req.param('sale'));
    const event = await events.event(snapshot.definition.event);
    return shared(
      c,
      publicSale(snapshot, event, sync.stockOf(snapshot.definition.sale)),
      'public, max-age=1',
    );
  });

  app.get('/sales/:sale/draw', async (c) => {
    const snapshot = await saleSnapshot(watch, c.req.param('sale'));
    return shared(c, await draw(snapshot.definition.sale), 'public, max-age=1');
  });

  app.get('/events/:event', async (c) =>
    shared(c, await events.event(requireId(c.req.param('event'))), 'public, max-age=60'),
  );

  app.get('/events/:event/layout/:version', async (c) => {
    const version = c.req.param('version');
    if (!/^[1-9]\d{0,8}$/.test(version)) throw nothingHere();
    const layout = await events.layout(requireId(c.req.param('event')), Number(version));
    return shared(c, layout, 'public, max-age=31536000, immutable');
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

const nothingHere = (): Problem => new Problem('not-found', 'There is nothing at this address.');

function requireId(id: string): string {
  if (!idPattern.test(id)) throw nothingHere();
  return id;
}

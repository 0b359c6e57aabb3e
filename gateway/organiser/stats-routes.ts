import type { HttpBindings } from '@hono/node-server';
import { Hono } from 'hono';
import { answer, type OrganiserEnv, requireId } from './answer.ts';
import type { SaleStats } from './stats.ts';
import type { StatsStreams } from './stats-streams.ts';

const STREAM_HEADERS = {
  'content-type': 'text/event-stream',
  'cache-control': 'no-store',
  // A proxy must pass each event on at once, and a gateway that ends wants its connections back.
  'x-accel-buffering': 'no',
  connection: 'close',
};

/** Live figures of a sale, once and streamed. */
export function statsRoutes({ stats, streams }: { stats: SaleStats; streams: StatsStreams }) {
  const app = new Hono<OrganiserEnv & { Bindings: Partial<HttpBindings> }>();

  app.get('/sales/:sale/stats', async (c) => answer(c, await stats.read(requireId(c.req.param('sale')))));

  app.get('/sales/:sale/stats/stream', async (c) => {
    const sale = requireId(c.req.param('sale'));
    const lastEventId = c.req.header('last-event-id') ?? null;
    const body = await streams.open(sale, lastEventId, () => c.env?.outgoing?.destroy());
    return new Response(body, { headers: STREAM_HEADERS });
  });

  return app;
}

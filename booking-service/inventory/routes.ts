import { Hono } from 'hono';
import { SeatsQuery } from '#shared/contract/booking.ts';
import { isKnown } from '#shared/finished-answer.ts';
import { validate } from '#shared/json-body.ts';
import { type FanEnv, requireLive } from '../caller/fan.ts';
import type { Inventory } from './inventory.ts';
import { createCompactSeatsCache, type Rendered, renderSeatList } from './seats-answer.ts';
import { readStock } from './stock.ts';

/** What an admitted fan browses: from memory, revalidated by entity tag. */
export function seatRoutes({ inventory }: { inventory: Inventory }): Hono<FanEnv> {
  const compact = createCompactSeatsCache();
  return new Hono<FanEnv>().get('/seats', (c) => {
    requireLive(c.var.fan);
    const { sale } = c.var;
    const view = inventory.seatsOf(sale.event.id);
    const given = c.req.query();
    const rendered =
      Object.keys(given).length === 0
        ? compact(sale, view)
        : renderSeatList(sale, view, validate(SeatsQuery, given));
    return conditional(rendered, c.req.header('if-none-match'));
  });
}

/** What the gateway asks several times a second. */
export function stockRoutes({ inventory }: { inventory: Inventory }): Hono {
  return new Hono().get('/stock', (c) => c.json({ sales: readStock(inventory), ageMs: inventory.ageMs() }));
}

/** 304 when the fan has these very bytes (RFC 9110 §13.1.2). Private: it is only for who was admitted. */
function conditional({ body, etag }: Rendered, ifNoneMatch: string | undefined): Response {
  const headers = { etag, 'cache-control': 'private, no-cache' };
  if (isKnown(ifNoneMatch, etag)) return new Response(null, { status: 304, headers });
  return new Response(body, { headers: { ...headers, 'content-type': 'application/json' } });
}

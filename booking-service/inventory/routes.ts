import { Hono } from 'hono';
import { SeatsQuery, SeatsSinceQuery } from '#shared/contract/booking.ts';
import { answerFinished } from '#shared/finished-answer.ts';
import { validate } from '#shared/json-body.ts';
import { type FanEnv, requireLive } from '../caller/fan.ts';
import { OVERLAP_MS } from './change-log.ts';
import type { Inventory } from './inventory.ts';
import { finishSeatList, type MapOf, seatChanges } from './seats-answer.ts';
import { readStock } from './stock.ts';

/** What an admitted fan browses: from memory, revalidated by entity tag. */
export function seatRoutes({ inventory, mapOf }: { inventory: Inventory; mapOf: MapOf }): Hono<FanEnv> {
  return new Hono<FanEnv>().get('/seats', (c) => {
    requireLive(c.var.fan);
    const { sale } = c.var;
    const view = inventory.seatsOf(sale.event.id);
    const given = c.req.query();
    if ('since' in given) {
      // Whoever has not heard of the others for so long cannot tell what they have told.
      const isCurrent = inventory.ageMs() <= OVERLAP_MS;
      const changes = seatChanges(sale, view, validate(SeatsSinceQuery, given).since);
      // It grows old at once, so nobody is to keep it.
      if (isCurrent && changes) return c.json(changes, 200, { 'cache-control': 'private, no-store' });
    }
    const isWhole = Object.keys(given).length === 0 || 'since' in given;
    const finished = isWhole
      ? mapOf(sale, view, c.req.header('accept-encoding'))
      : finishSeatList(sale, view, validate(SeatsQuery, given));
    return answerFinished(finished, c.req.header('if-none-match'));
  });
}

/** What the gateway asks several times a second. */
export function stockRoutes({ inventory }: { inventory: Inventory }): Hono {
  return new Hono().get('/stock', (c) => c.json({ sales: readStock(inventory), ageMs: inventory.ageMs() }));
}

import { Hono } from 'hono';
import { HoldRequest } from '#shared/contract/booking.ts';
import { readJson } from '#shared/json-body.ts';
import { Problem } from '#shared/problem.ts';
import { type FanEnv, requireLive } from '../caller/fan.ts';
import { idempotencyKey } from '../caller/idempotency-key.ts';
import { noSuch, pathId } from '../caller/path-id.ts';
import { CALL_DEADLINE_MS, type Db } from '../db/client.ts';
import type { Inventory } from '../inventory/inventory.ts';
import { extendedHolds, liveHolds } from './read-holds.ts';
import { releaseHold, releaseHoldsOfFan } from './release.ts';
import { holdAnswer, type Take } from './take-hold.ts';

/** A renewal takes some milliseconds. Without one the seats are given back all the same, and shown as open soon. */
const RENEWAL_MS_MAX = 500;

type Dependencies = { db: Db; inventory: Inventory };

export function holdRoutes({ db, inventory, take }: Dependencies & { take: Take }): Hono<FanEnv> {
  return new Hono<FanEnv>()
    .post('/holds', async (c) => {
      const { fan, sale } = c.var;
      requireLive(fan);
      const request = await readJson(c, HoldRequest);
      const asked = { fan, sale, request, key: idempotencyKey(c) };
      const held = await take(asked, (holdsEndMs) => c.set('holdsEndMs', holdsEndMs));
      c.header('location', held.location);
      return c.json(held.answer, 201);
    })
    .get('/holds', async (c) => {
      const { fan, sale } = c.var;
      requireLive(fan);
      const holds = await liveHolds(db, { sale: sale.definition.sale, fan: fan.id });
      c.set('holdsEndMs', Math.max(0, ...holds.map((hold) => hold.expiresAt.getTime())));
      return c.json({ holds: holds.map((hold) => holdAnswer(sale, hold)) });
    })
    .delete('/holds/:hold', async (c) => {
      const { fan, sale } = c.var;
      requireLive(fan);
      const startedMs = performance.now();
      const of = { hold: pathId(c, 'hold'), sale: sale.definition.sale, fan: fan.id };
      const { outcome, holdsEnd } = await releaseHold(db, of);
      c.set('holdsEndMs', holdsEnd?.getTime() ?? 0);
      if (outcome === 'missing') throw noSuch('hold');
      if (outcome === 'paying') throw new Problem('in-progress', 'These seats are being paid for.');
      if (outcome === 'confirmed') throw new Problem('already-finished', 'These seats are bought.');
      // Whoever gives seats back looks at the seats next, and is to find these among the open ones.
      const leftMs = CALL_DEADLINE_MS - (performance.now() - startedMs);
      await inventory.isRenewed(Math.max(0, Math.min(RENEWAL_MS_MAX, leftMs)));
      return c.body(null, 204);
    });
}

/** The gateway's word that a fan has left, and its question whose payments go on. */
export function entryHoldRoutes({ db, inventory }: Dependencies): Hono {
  return new Hono()
    .delete('/sales/:sale/entries/:entry/holds', async (c) => {
      await releaseHoldsOfFan(db, { sale: pathId(c, 'sale'), fan: pathId(c, 'entry') });
      void inventory.refresh();
      return c.body(null, 204);
    })
    .get('/sales/:sale/extended-holds', async (c) =>
      c.json(await extendedHolds(db, { sale: pathId(c, 'sale'), after: c.req.query('after') ?? '' })),
    );
}

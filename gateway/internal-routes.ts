import { createHash, timingSafeEqual } from 'node:crypto';
import { Hono } from 'hono';
import { z } from 'zod';
import { AdmissionClaims } from '#shared/admission-token.ts';
import { Id } from '#shared/contract/fields.ts';
import { internalHeaders } from '#shared/internal.ts';
import { readJson } from '#shared/json-body.ts';
import { Problem } from '#shared/problem.ts';
import { secretsOf } from '#shared/secrets.ts';
import { finishAdmission } from './admission/admission.ts';
import type { Store } from './redis/script.ts';

const FinishRequest = z.strictObject({
  order: Id,
  /** What the admission's token said, as far as the order remembers it. */
  token: AdmissionClaims.pick({ number: true, iat: true }).optional(),
});

const digestOf = (key: string): Buffer => createHash('sha256').update(key).digest();

/** What the booking service's worker tells the gateway. To anybody without the internal key there is nothing here. */
export function internalRoutes(store: Store, internalSecret: string) {
  const expected = secretsOf(internalSecret).map(digestOf);
  const app = new Hono();
  app.use(async (c, next) => {
    const given = digestOf(c.req.header(internalHeaders.key) ?? '');
    if (!expected.some((digest) => timingSafeEqual(digest, given))) {
      throw new Problem('not-found', 'There is nothing at this address.');
    }
    await next();
  });

  // An order that became known outside a request: its answer was lost, or it was taken asynchronously.
  app.post('/sales/:sale/entries/:entry/finish', async (c) => {
    const { order, token } = await readJson(c, FinishRequest);
    const { sale, entry } = c.req.param();
    const state = await finishAdmission(store, sale, entry, order, token);
    // Whoever tells it tells it again: a Redis that has lost the sale gets it back.
    if (state === null) throw new Problem('unavailable', 'The sale is not in Redis at this moment.');
    return c.json({ state }, 200);
  });
  return app;
}

import { Hono } from 'hono';
import { JSON_BODY_BYTES_MAX, readBody } from '#shared/json-body.ts';
import { Problem } from '#shared/problem.ts';
import { requestIdIn } from '#shared/request-id.ts';
import { type Cookies, credentialOf } from '../queue/credentials.ts';
import type { Door } from './door.ts';
import { doorRoutes } from './route-table.ts';

/** Everything of a sale that belongs to booking. */
export function bookingRoutes(door: Door, cookies: Cookies) {
  const app = new Hono();
  for (const route of Object.values(doorRoutes)) {
    app.on(route.method, route.path, async (c) => {
      const params = c.req.param() as { sale: string };
      const answer = await door.pass({
        route,
        params,
        token: credentialOf(c, cookies, 'admission'),
        query: new URL(c.req.url).searchParams,
        requestId: requestIdIn(c),
        header: (name) => c.req.header(name),
        body: route.method === 'POST' ? await readBody(c.req.raw, JSON_BODY_BYTES_MAX) : null,
      });
      return new Response(answer.body.length === 0 ? null : (answer.body as Uint8Array<ArrayBuffer>), {
        status: answer.status,
        headers: answer.headers,
      });
    });
  }
  // Nobody is told without an admission what a gated address offers.
  for (const path of new Set(Object.values(doorRoutes).map((route) => route.path))) {
    app.options(path, () => {
      throw new Problem('gate-required', 'Only admitted fans can enter the shop.');
    });
  }
  return app;
}

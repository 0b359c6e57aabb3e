import { Hono } from 'hono';
import { isoTime } from '#shared/clock.ts';
import type { ClaimAnswer } from '#shared/contract/queue.ts';
import type { Log } from '#shared/log.ts';
import type { BookingCatalogue } from '../booking/catalogue.ts';
import type { Access } from '../limits/access.ts';
import { type Cookies, requireTicket } from '../queue/credentials.ts';
import type { TicketMint } from '../queue/ticket.ts';
import type { Store } from '../redis/script.ts';
import { claimTurn } from './admission.ts';
import { leaveSale } from './leave.ts';
import type { SigningKeys } from './signing-keys.ts';

export type AdmissionDeps = {
  store: Store;
  tickets: TicketMint;
  keys: SigningKeys;
  cookies: Cookies;
  catalogue: BookingCatalogue;
  access: Pick<Access, 'count'>;
  log: Log;
};

/** Claiming a turn, and going: under /api/sales/:sale/queue/me. */
export function admissionRoutes(deps: AdmissionDeps) {
  const { store, tickets, keys, cookies, access } = deps;
  const app = new Hono();

  app.post('/claim', async (c) => {
    const ticket = requireTicket(c, { tickets, cookies });
    access.count('claims', ticket.entry);
    const admission = await claimTurn(store, keys, ticket.sale, ticket.entry);
    c.header('set-cookie', cookies.writeAdmission(ticket.sale, admission.token, c.req.header('user-agent')));
    c.header('cache-control', 'no-store');
    const claimed: ClaimAnswer = {
      state: 'admitted',
      admissionToken: admission.token,
      expiresAt: isoTime(admission.expiresAt),
    };
    return c.json(claimed, 200);
  });

  app.delete('/', async (c) => {
    const ticket = requireTicket(c, { tickets, cookies });
    access.count('claims', ticket.entry);
    await leaveSale(deps, ticket);
    c.header('set-cookie', cookies.clearAdmission(ticket.sale));
    c.header('cache-control', 'no-store');
    return c.body(null, 204);
  });

  return app;
}

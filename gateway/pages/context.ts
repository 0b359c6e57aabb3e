import type { Context } from 'hono';
import type { SaleAnswer } from '#shared/contract/sale.ts';
import type { Log } from '#shared/log.ts';
import type { SigningKeys } from '../admission/signing-keys.ts';
import type { BookingCatalogue } from '../booking/catalogue.ts';
import type { Door } from '../door/door.ts';
import type { Access } from '../limits/access.ts';
import type { Draws } from '../lobby/published.ts';
import { browserOf, type Cookies, ticketInCookie } from '../queue/credentials.ts';
import type { Queue } from '../queue/status.ts';
import type { QueueTicket } from '../queue/ticket.ts';
import type { Events } from '../sale/events.ts';
import type { Listing } from '../sale/listing.ts';
import { publicSale } from '../sale/public-sale.ts';
import { saleSnapshot } from '../sale/routes.ts';
import type { SaleSync } from '../sale/sync.ts';

export type PageDeps = {
  queue: Queue;
  access: Access;
  keys: SigningKeys;
  cookies: Cookies;
  catalogue: BookingCatalogue;
  door: Door;
  sync: SaleSync;
  events: Events;
  listing: Listing;
  draws: Draws;
  log: Log;
  publicUrl: string;
};

/** The sale a page is about. */
export async function saleOfPage({ queue, events, sync }: PageDeps, sale: string): Promise<SaleAnswer> {
  const snapshot = await saleSnapshot(queue.watch, sale);
  return publicSale(snapshot, await events.event(snapshot.definition.event), sync.stockOf(sale));
}

/** The queue ticket of this browser, if it has one that is ours and of this sale. */
export const ticketOfPage = ({ queue, cookies }: PageDeps, c: Context): QueueTicket | null =>
  ticketInCookie(c, { tickets: queue.tickets, cookies });

export const admissionTokenOfPage = ({ cookies }: PageDeps, c: Context, sale: string): string | null =>
  cookies.readAdmission(browserOf(c), sale);

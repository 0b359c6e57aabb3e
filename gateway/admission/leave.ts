import type { Log } from '#shared/log.ts';
import type { BookingCatalogue } from '../booking/catalogue.ts';
import { adoptEntry } from '../queue/adopt.ts';
import { leavePlace } from '../queue/place.ts';
import type { QueueTicket } from '../queue/ticket.ts';
import type { Store } from '../redis/script.ts';

/** Frees the fan's place or room, and at once whatever seats they still hold. */
export async function leaveSale(
  { store, catalogue, log }: { store: Store; catalogue: BookingCatalogue; log: Log },
  ticket: QueueTicket,
): Promise<void> {
  let state = await leavePlace(store, ticket.sale, ticket.entry);
  // What Redis has lost must not come back as a place that nobody wants.
  if (state === null && (await adoptEntry(store, ticket, log)).entry)
    state = await leavePlace(store, ticket.sale, ticket.entry);
  if (state !== 'finished') return;
  try {
    await catalogue.releaseHolds(ticket.sale, ticket.entry);
  } catch (error) {
    // The holds end by themselves; leaving must not fail because the shop is away.
    log.warn({ err: error }, 'the holds of a fan who left could not be released');
  }
}

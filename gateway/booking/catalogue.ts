import type { EventAnswer, EventRequest, LayoutAnswer } from '#shared/contract/event.ts';
import type { SaleChange, SaleDefinition, SaleRequest, SaleStock } from '#shared/contract/sale.ts';
import type { ExtendedHold, ExtendedHoldsPage } from '#shared/internal.ts';
import { Problem } from '#shared/problem.ts';
import type { BookingClient } from './client.ts';
import { bookingForOrganisers, inNameOf } from './for-organisers.ts';

/** Of 1,000 orders each: a thousand and more in every second of the minutes that a payment may last. */
const EXTENDED_HOLDS_PAGES_MAX = 500;

export type StockOfSale = SaleStock & { sale: string; version: number; nextHoldEnds: number | null };

/** What the gateway asks of the booking service for organisers and for itself, by name. */
export function bookingCatalogue(booking: BookingClient) {
  return {
    ...bookingForOrganisers(booking),
    createEvent: (event: EventRequest, organiser: string) =>
      booking.call<EventAnswer>({
        method: 'POST',
        path: '/internal/events',
        json: event,
        ...inNameOf(organiser),
      }),
    createSale: (event: string, sale: SaleRequest, organiser: string) =>
      booking.call<SaleDefinition>({
        method: 'POST',
        path: `/internal/events/${event}/sales`,
        json: sale,
        ...inNameOf(organiser),
      }),
    event: (event: string) => booking.call<EventAnswer>({ method: 'GET', path: `/internal/events/${event}` }),
    events: async () =>
      (await booking.call<{ events: EventAnswer[] }>({ method: 'GET', path: '/internal/events' })).events,
    eventsNamed: async (events: string[]) =>
      (
        await booking.call<{ events: EventAnswer[] }>({
          method: 'GET',
          path: `/internal/events?ids=${events.join(',')}`,
        })
      ).events,
    layout: (event: string, version: number) =>
      booking.call<LayoutAnswer>({ method: 'GET', path: `/internal/events/${event}/layout/${version}` }),
    sale: (sale: string) => booking.call<SaleDefinition>({ method: 'GET', path: `/internal/sales/${sale}` }),
    accessCodes: async (sale: string) =>
      (
        await booking.call<{ accessCodes: string[] }>({
          method: 'GET',
          path: `/internal/sales/${sale}/access-codes`,
        })
      ).accessCodes,
    /** The seats of all sales, as they were `ageMs` ago. */
    stock: () =>
      booking.call<{ sales: StockOfSale[]; ageMs: number }>({ method: 'GET', path: '/internal/stock' }),
    /** Resolves to those that are recorded now: the others have a version that another change has in PostgreSQL. */
    recordChanges: async <Change extends SaleChange>(
      sale: string,
      changes: Change[],
      asRecorded: (change: Change) => SaleChange,
    ): Promise<Change[]> => {
      const recorded = await booking
        .call<{ version: number }>({
          method: 'POST',
          path: `/internal/sales/${sale}/changes`,
          json: { changes: changes.map(asRecorded) },
        })
        .then(({ version }) => version, recordedDespite);
      return changes.filter(({ version }) => version <= recorded);
    },
    /** All of them, or it rejects: whoever is missing in a part would seem not to pay. */
    extendedHolds: async (sale: string): Promise<ExtendedHold[]> => {
      const all: ExtendedHold[] = [];
      let after = '';
      for (let pages = 0; pages < EXTENDED_HOLDS_PAGES_MAX; pages += 1) {
        const path = `/internal/sales/${sale}/extended-holds?after=${after}`;
        const { holds, next } = await booking.call<ExtendedHoldsPage>({ method: 'GET', path });
        for (const hold of holds) all.push(hold);
        if (next === null) return all;
        after = next;
      }
      throw new Error(`Sale ${sale} has more than ${EXTENDED_HOLDS_PAGES_MAX} pages of extended holds.`);
    },
    releaseHolds: (sale: string, entry: string) =>
      booking.call<null>({ method: 'DELETE', path: `/internal/sales/${sale}/entries/${entry}/holds` }),
  };
}

/** Up to which version changes are recorded though a later one is not. */
function recordedDespite(error: unknown): number {
  if (error instanceof Problem && error.code === 'version-conflict') return Number(error.extra.recorded);
  throw error;
}

export type BookingCatalogue = ReturnType<typeof bookingCatalogue>;

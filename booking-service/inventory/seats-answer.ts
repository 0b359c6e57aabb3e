import { hash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import type { z } from 'zod';
import {
  type CompactSeatsAnswer,
  type SeatChangesAnswer,
  type SeatsAnswer,
  type SeatsQuery,
  seatStates,
} from '#shared/contract/booking.ts';
import { seatsOf } from '../catalogue/layout.ts';
import type { Sale } from '../catalogue/sale.ts';
import type { ChangeLog } from './change-log.ts';
import { encodeStates } from './compact-map.ts';
import type { SeatStates } from './seat-states.ts';

const SEATS_LISTED_MAX = 1_000;

type View = { states: SeatStates; version: number; changes: Pick<ChangeLog, 'since'> };

/**
 * A finished body with its strong entity tag (RFC 9110 §8.8.3): equal bytes have equal tags, in every process. The
 * compressed form is another representation, with a tag of its own; it is made once, when the first asks for it.
 */
export type Rendered = {
  body: Uint8Array<ArrayBuffer>;
  etag: string;
  zipped: () => { body: Uint8Array<ArrayBuffer>; etag: string };
};

const render = (answer: unknown): Rendered => {
  // Bytes, not text: nothing is encoded anew for each request.
  const body = new TextEncoder().encode(JSON.stringify(answer));
  const tag = hash('sha256', body, 'base64url').slice(0, 22);
  let zipped: ReturnType<Rendered['zipped']> | null = null;
  return {
    body,
    etag: `"${tag}"`,
    zipped: () => {
      zipped ??= { body: new Uint8Array(gzipSync(body)), etag: `"${tag}-gzip"` };
      return zipped;
    },
  };
};

export function compactSeats(sale: Sale, view: View): z.infer<typeof CompactSeatsAnswer> {
  const { event, sections } = sale;
  return {
    version: view.version,
    event: event.id,
    layoutVersion: event.layoutVersion,
    sections: sections.map(({ name, rows, seatsPerRow, amount }) => ({
      name,
      rows,
      seatsPerRow,
      price: { amount, currency: event.currency },
    })),
    statuses: encodeStates(view.states.shown, sections),
  };
}

/** The seats that match, in the order section, row, number, at most SEATS_LISTED_MAX. */
export function listSeats(
  sale: Sale,
  view: View,
  query: z.infer<typeof SeatsQuery>,
): z.infer<typeof SeatsAnswer> {
  const { currency } = sale.event;
  const limit = query.limit ?? SEATS_LISTED_MAX;
  const wanted = query.status === undefined ? -1 : seatStates.indexOf(query.status);
  const seats: z.infer<typeof SeatsAnswer>['seats'] = [];
  for (const section of sale.sections) {
    if (query.section !== undefined && query.section !== section.name) continue;
    const size = section.rows * section.seatsPerRow;
    for (let offset = 0; offset < size && seats.length < limit; offset += 1) {
      const state = view.states.shown[section.firstSeat + offset] as number;
      if (wanted !== -1 && state !== wanted) continue;
      const row = Math.floor(offset / section.seatsPerRow) + 1;
      const number = (offset % section.seatsPerRow) + 1;
      seats.push({
        id: `${section.name}-${row}-${number}`,
        section: section.name,
        row,
        number,
        price: { amount: section.amount, currency },
        status: seatStates[state] as (typeof seatStates)[number],
      });
    }
  }
  return { version: view.version, seats };
}

/** Renders compact maps, each once per sale and version. */
export function createCompactSeatsCache(): (sale: Sale, view: View) => Rendered {
  const cache = new Map<string, { version: number; rendered: Rendered }>();
  return (sale, view) => {
    const known = cache.get(sale.definition.sale);
    if (known?.version === view.version) return known.rendered;
    const rendered = render(compactSeats(sale, view));
    cache.set(sale.definition.sale, { version: view.version, rendered });
    return rendered;
  };
}

export const renderSeatList = (...of: Parameters<typeof listSeats>): Rendered => render(listSeats(...of));

/** What may look different from a map of version `since`; null when the whole map is to be sent instead. */
export function seatChanges(sale: Sale, view: View, since: number): z.infer<typeof SeatChangesAnswer> | null {
  const seats = view.changes.since(since);
  if (seats === null) return null;
  const { event, sections } = sale;
  const changes: [number, number][] = [];
  let before = 0;
  for (const section of sections) {
    for (const seat of seats) {
      const offset = seat - section.firstSeat;
      if (offset >= 0 && offset < seatsOf(section))
        changes.push([before + offset, view.states.shown[seat] as number]);
    }
    before += seatsOf(section);
  }
  return { version: view.version, event: event.id, layoutVersion: event.layoutVersion, since, changes };
}

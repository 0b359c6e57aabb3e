import { gzipSync } from 'node:zlib';
import type { z } from 'zod';
import {
  type CompactSeatsAnswer,
  type SeatChangesAnswer,
  type SeatKind,
  type SeatsAnswer,
  type SeatsQuery,
  seatKinds,
  seatStates,
} from '#shared/contract/booking.ts';
import { type FinishedAnswer, finishAnswer } from '#shared/finished-answer.ts';
import { internalHeaders } from '#shared/internal.ts';
import { takesGzip } from '#shared/takes-gzip.ts';
import { THIS_PROCESS } from '../caller/this-process.ts';
import { seatsOf } from '../catalogue/layout.ts';
import { STANDARD } from '../catalogue/marks.ts';
import type { Sale } from '../catalogue/sale.ts';
import type { ChangeLog } from './change-log.ts';
import { encodeStates } from './compact-map.ts';
import type { SeatStates } from './seat-states.ts';

const SEATS_LISTED_MAX = 1_000;

type View = { states: SeatStates; version: number; changes: Pick<ChangeLog, 'since'> };

/** Private: it is only for who was admitted. Whoever looks at the seats may take some next. */
const headers = {
  'cache-control': 'private, no-cache',
  vary: 'accept-encoding',
  [internalHeaders.process]: THIS_PROCESS,
};

const finish = (answer: unknown): FinishedAnswer =>
  finishAnswer(JSON.stringify(answer), 'application/json', headers);

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
    const first = ((query.fromRow ?? 1) - 1) * section.seatsPerRow;
    for (let offset = first; offset < size && seats.length < limit; offset += 1) {
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
        kind: seatKinds[section.marks?.kinds[offset] ?? STANDARD] as SeatKind,
      });
    }
  }
  return { version: view.version, seats };
}

/** Shorter answers gain nothing from being compressed. */
const ZIPPED_FROM = 1_024;

/** The whole map in the form that an Accept-Encoding header allows. */
export type MapOf = (sale: Sale, view: View, acceptEncoding: string | undefined) => FinishedAnswer;

/**
 * Finishes compact maps, each once per sale and version: as it is, and for whoever takes gzip, compressed when the first
 * asks for it. Two representations have two entity tags.
 */
export function createMaps(): MapOf {
  const maps = new Map<string, { version: number; plain: FinishedAnswer; zipped: FinishedAnswer | null }>();
  const currentMap = (sale: Sale, view: View) => {
    const known = maps.get(sale.definition.sale);
    if (known?.version === view.version) return known;
    const made = { version: view.version, plain: finish(compactSeats(sale, view)), zipped: null };
    maps.set(sale.definition.sale, made);
    return made;
  };
  return (sale, view, acceptEncoding) => {
    const map = currentMap(sale, view);
    if (map.plain.body.length < ZIPPED_FROM || !takesGzip(acceptEncoding)) return map.plain;
    map.zipped ??= finishAnswer(new Uint8Array(gzipSync(map.plain.body)), 'application/json', {
      ...headers,
      'content-encoding': 'gzip',
    });
    return map.zipped;
  };
}

/** A list is one fan's own: compressing it would be paid for each time. */
export const finishSeatList = (...of: Parameters<typeof listSeats>): FinishedAnswer =>
  finish(listSeats(...of));

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

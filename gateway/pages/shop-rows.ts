import { SeatId } from '#shared/contract/booking.ts';
import type { Seat } from './shop-page.ts';

/** So many open seats are listed at once: as many as the shop tells in one answer. */
export const SEATS_SHOWN_MAX = 1_000;

/** Rows of a section whose open seats are listed together: a page of them. */
export type RowPage = {
  first: number;
  last: number;
  /** How many rows the section has. */
  rows: number;
  /** So many rows are on one page for certain, however many of their seats are open. */
  step: number;
  seats: Seat[];
};

type SectionSize = { rows: number; seatsPerRow: number };

/** Where a page of rows may begin: a row that there is, else the first. */
export const rowAsked = (asked: string | undefined, { rows }: SectionSize): number => {
  const row = /^\d{1,4}$/.test(asked ?? '') ? Number(asked) : 1;
  return row >= 1 && row <= rows ? row : 1;
};

/**
 * A page of whole rows, from the open seats that the shop tells from a row on, at most SEATS_SHOWN_MAX: a last row that may go
 * on behind them comes on the next page. Where few seats are open in many rows, they are all on one page.
 */
export function rowPage(open: Seat[], first: number, { rows, seatsPerRow }: SectionSize): RowPage {
  const step = Math.max(1, Math.floor((SEATS_SHOWN_MAX - 1) / seatsPerRow));
  const end = open.at(-1);
  if (open.length < SEATS_SHOWN_MAX || !end) return { first, last: rows, rows, step, seats: open };
  // A row has at most 500 seats, so there is another one before it.
  const last = end.number === seatsPerRow ? end.row : end.row - 1;
  return { first, last, rows, step, seats: open.filter(({ row }) => row <= last) };
}

/** Where the pages that are not this one begin, for the choice between them. */
export const pageStarts = ({ rows, step }: RowPage): number[] =>
  Array.from({ length: Math.ceil(rows / step) }, (_, i) => 1 + i * step);

/** Of the seats that came along from other pages those that there can be in this sale, at most as many as a fan may hold. */
export function seatsAlong(
  given: readonly string[],
  sections: readonly ({ name: string } & SectionSize)[],
  seatsMax: number,
): string[] {
  const isSeat = (id: string) => {
    if (!SeatId.safeParse(id).success) return false;
    const [name, row, number] = id.split('-');
    return sections.some(
      (section) =>
        section.name === name && Number(row) <= section.rows && Number(number) <= section.seatsPerRow,
    );
  };
  return [...new Set(given)].filter(isSeat).slice(0, seatsMax);
}

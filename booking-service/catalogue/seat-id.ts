import { invalidFields } from '#shared/problem.ts';
import { type Section, sectionOfSeat } from './layout.ts';

const SEAT_FAULTS_TOLD_MAX = 20;

export type SeatPlace = { section: Section; row: number; number: number };

/** Where a seat is, row and number counted from 1. */
export function placeOfSeat(sections: readonly Section[], seat: number): SeatPlace {
  const section = sectionOfSeat(sections, seat);
  const offset = seat - section.firstSeat;
  return {
    section,
    row: Math.floor(offset / section.seatsPerRow) + 1,
    number: (offset % section.seatsPerRow) + 1,
  };
}

/** `A-1-14`: section, row, number. */
export function seatId(sections: readonly Section[], seat: number): string {
  const { section, row, number } = placeOfSeat(sections, seat);
  return `${section.name}-${row}-${number}`;
}

/** The index of a seat in these sections, or null when there is no such seat in them. */
export function seatIndex(sections: readonly Section[], id: string): number | null {
  const [name, row, number] = id.split('-') as [string, string, string];
  const section = sections.find((candidate) => candidate.name === name);
  if (!section) return null;
  const rowIndex = Number(row) - 1;
  const numberIndex = Number(number) - 1;
  const isThere = rowIndex < section.rows && numberIndex < section.seatsPerRow;
  return isThere ? section.firstSeat + rowIndex * section.seatsPerRow + numberIndex : null;
}

/**
 * The sorted indexes of seats that a request names. Throws `invalid-field` for those that are not among these sections;
 * `of` says whose sections they are.
 */
export function namedSeats(sections: readonly Section[], ids: readonly string[], of: string): number[] {
  const seats = ids.map((id) => seatIndex(sections, id));
  const faults = ids.flatMap((id, index) =>
    seats[index] === null ? [{ field: `seats.${index}`, message: `${id} is not a seat of this ${of}` }] : [],
  );
  if (faults.length > 0) throw invalidFields(faults.slice(0, SEAT_FAULTS_TOLD_MAX));
  return (seats as number[]).sort((a, b) => a - b);
}

import { type Section, sectionOfSeat } from './layout.ts';

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

import type { Marks } from './marks.ts';

/** A block of rows of one price. A seat's index counts from 0 through the event in the order section, row, number. */
export type Section = {
  ordinal: number;
  name: string;
  rows: number;
  seatsPerRow: number;
  firstSeat: number;
  amount: number;
  /** Absent where all seats are standard ones. */
  marks?: Marks;
};

export const seatsOf = (section: Section): number => section.rows * section.seatsPerRow;

export const totalSeats = (sections: readonly Section[]): number =>
  sections.reduce((sum, section) => sum + seatsOf(section), 0);

export const sectionOfSeat = (sections: readonly Section[], seat: number): Section => {
  const section = sections.find(
    ({ firstSeat, ...size }) => seat >= firstSeat && seat < firstSeat + size.rows * size.seatsPerRow,
  );
  if (!section) throw new Error(`Seat ${seat} is in none of these sections.`);
  return section;
};

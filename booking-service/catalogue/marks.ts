import { seatKinds } from '#shared/contract/booking.ts';

export const STANDARD = seatKinds.indexOf('standard');
export const ACCESSIBLE = seatKinds.indexOf('accessible');
export const COMPANION = seatKinds.indexOf('companion');

/** Places of a section's seats, counted from 0 in the order row, number, as they are stored. */
export type MarkedPlaces = { accessible: readonly number[]; companions: readonly number[] };

/** Which seats of a section are accessible ones and which a companion's; made once and kept with the section. */
export type Marks = MarkedPlaces & {
  /** The kind of each place. */
  kinds: Uint8Array;
  /** The rows that have an accessible seat, from the front, counted from 0. */
  accessibleRows: readonly number[];
};

type Size = { rows: number; seatsPerRow: number };

/** Undefined where no seat is marked. */
export function marksOf({ rows, seatsPerRow }: Size, places: MarkedPlaces): Marks | undefined {
  const { accessible, companions } = places;
  if (accessible.length + companions.length === 0) return undefined;
  const kinds = new Uint8Array(rows * seatsPerRow);
  for (const place of accessible) kinds[place] = ACCESSIBLE;
  for (const place of companions) kinds[place] = COMPANION;
  const inRows = new Set(accessible.map((place) => Math.floor(place / seatsPerRow)));
  return { accessible, companions, kinds, accessibleRows: [...inRows].sort((a, b) => a - b) };
}

/** `1-14`, row and number, as the place of a section's seat; sorted. */
export const placesOf = ({ seatsPerRow }: Pick<Size, 'seatsPerRow'>, seats: readonly string[]): number[] =>
  seats
    .map((seat) => {
      const [row, number] = seat.split('-').map(Number) as [number, number];
      return (row - 1) * seatsPerRow + number - 1;
    })
    .sort((a, b) => a - b);

/** The lists of a section as the contract has them: each only where it names a seat. */
export function markedSeats({ seatsPerRow, marks }: Pick<Size, 'seatsPerRow'> & { marks?: Marks }): {
  accessible?: string[];
  companions?: string[];
} {
  const named = (places: readonly number[] = []) =>
    places.map((place) => `${Math.floor(place / seatsPerRow) + 1}-${(place % seatsPerRow) + 1}`);
  const [accessible, companions] = [named(marks?.accessible), named(marks?.companions)];
  return {
    ...(accessible.length > 0 && { accessible }),
    ...(companions.length > 0 && { companions }),
  };
}

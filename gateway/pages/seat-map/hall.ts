// The hall as the seat map's script keeps it: numbers in typed arrays, and no object a seat.
import { seatKinds, seatStates, unpackStates } from '#shared/seat-codes.ts';

export type HallSection = {
  name: string;
  rows: number;
  seatsPerRow: number;
  price: { amount: number; currency: string };
  /** The section's first seat, counted through all sections of the sale. */
  firstSeat: number;
};

export type Hall = {
  sections: readonly HallSection[];
  seats: number;
  /** The state of each seat: OPEN, or a number above it. */
  states: Uint8Array;
  /** The kind of each seat: STANDARD, ACCESSIBLE or COMPANION. */
  kinds: Uint8Array;
};

/** The compact map as the API tells it (shared/contract/booking.ts). */
export type WholeMap = {
  version: number;
  event: string;
  layoutVersion: number;
  sections: Omit<HallSection, 'firstSeat'>[];
  /** Base64, two bits a seat. */
  statuses: string;
};

/** Which seats are no standard ones, as the immutable layout lists them: `1-14` is row 1, seat 14. */
export type MarkedSections = { name: string; accessible?: string[]; companions?: string[] }[];

export const OPEN = seatStates.indexOf('open');
export const HELD = seatStates.indexOf('held');
export const STANDARD = seatKinds.indexOf('standard');
export const ACCESSIBLE = seatKinds.indexOf('accessible');
export const COMPANION = seatKinds.indexOf('companion');

export function createHall(map: WholeMap): Hall {
  let seats = 0;
  const sections = map.sections.map((section) => {
    const firstSeat = seats;
    seats += section.rows * section.seatsPerRow;
    return { ...section, firstSeat };
  });
  const hall = { sections, seats, states: new Uint8Array(seats), kinds: new Uint8Array(seats) };
  unpackStates(map.statuses, hall.states);
  return hall;
}

export function markKinds(hall: Hall, marked: MarkedSections): void {
  for (const { name, accessible = [], companions = [] } of marked) {
    for (const [seats, kind] of [
      [accessible, ACCESSIBLE],
      [companions, COMPANION],
    ] as const) {
      for (const place of seats) {
        const seat = seatNamed(hall, `${name}-${place}`);
        if (seat !== null) hall.kinds[seat] = kind;
      }
    }
  }
}

export const sizeOf = ({ rows, seatsPerRow }: HallSection): number => rows * seatsPerRow;

export function sectionOf({ sections }: Hall, seat: number): HallSection {
  const section = sections.find((each) => seat < each.firstSeat + sizeOf(each));
  if (!section) throw new Error(`There is no seat ${seat}.`);
  return section;
}

/** Where a seat is, row and number counted from 1. */
export function placeOf(hall: Hall, seat: number): { section: HallSection; row: number; number: number } {
  const section = sectionOf(hall, seat);
  const offset = seat - section.firstSeat;
  return {
    section,
    row: Math.floor(offset / section.seatsPerRow) + 1,
    number: (offset % section.seatsPerRow) + 1,
  };
}

/** `A-1-14`: section, row, number. */
export function nameOf(hall: Hall, seat: number): string {
  const { section, row, number } = placeOf(hall, seat);
  return `${section.name}-${row}-${number}`;
}

/** The seat of an id, null where the hall has none. */
export function seatNamed({ sections }: Hall, id: string): number | null {
  const [name, row, number] = id.split('-');
  const section = sections.find((each) => each.name === name);
  if (!section || !(Number(row) <= section.rows) || !(Number(number) <= section.seatsPerRow)) return null;
  return section.firstSeat + (Number(row) - 1) * section.seatsPerRow + Number(number) - 1;
}

export function openSeats({ states }: Hall, section: HallSection): number {
  let open = 0;
  const end = section.firstSeat + sizeOf(section);
  for (let seat = section.firstSeat; seat < end; seat += 1) if (states[seat] === OPEN) open += 1;
  return open;
}

/** The different prices, the lowest first: each has a colour of its own. */
export const pricesOf = ({ sections }: Pick<Hall, 'sections'>): number[] =>
  [...new Set(sections.map(({ price }) => price.amount))].sort((a, b) => a - b);

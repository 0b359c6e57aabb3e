import { type Section, seatsOf, totalSeats } from '../catalogue/layout.ts';

export const OPEN = 0;
const HELD = 1;
export const SOLD = 2;
/** How many states there are: open, held, sold, blocked. */
export const STATES = 4;

/** A seat as the database has it: its index, its state, and when its hold ends (epoch ms, null without one). */
export type SeatRow = { seat: number; state: number; heldUntilMs: number | null };

/**
 * The states of one event's seats in memory. `shown` is what fans see: a hold past its time reads as open, whether or
 * not anybody has tidied the row.
 */
export type SeatStates = {
  shown: Uint8Array;
  heldUntilMs: Float64Array;
  /** The ordinal of each seat's section. */
  sectionOf: Uint16Array;
  /** How many seats of each section are in each state, STATES numbers a section. */
  counts: Int32Array;
  /** No hold ends before this moment. */
  nextEndMs: number;
  /** The seats that have come to look different since they were last taken from here. */
  changed: number[];
};

export function createSeatStates(sections: readonly Section[]): SeatStates {
  const seats = totalSeats(sections);
  const sectionOf = new Uint16Array(seats);
  const counts = new Int32Array(sections.length * STATES);
  for (const section of sections) {
    sectionOf.fill(section.ordinal, section.firstSeat, section.firstSeat + seatsOf(section));
    counts[section.ordinal * STATES + OPEN] = seatsOf(section);
  }
  return {
    shown: new Uint8Array(seats),
    heldUntilMs: new Float64Array(seats).fill(Number.POSITIVE_INFINITY),
    sectionOf,
    counts,
    nextEndMs: Number.POSITIVE_INFINITY,
    changed: [],
  };
}

export const takeChanged = (states: SeatStates): number[] => states.changed.splice(0);

function show(states: SeatStates, seat: number, state: number): boolean {
  const before = states.shown[seat] as number;
  if (before === state) return false;
  const row = (states.sectionOf[seat] as number) * STATES;
  states.counts[row + before] = (states.counts[row + before] as number) - 1;
  states.counts[row + state] = (states.counts[row + state] as number) + 1;
  states.shown[seat] = state;
  states.changed.push(seat);
  return true;
}

/** Takes over what the database says; returns whether anything looks different now. */
export function applySeatRows(states: SeatStates, rows: readonly SeatRow[], nowMs: number): boolean {
  let changed = false;
  for (const { seat, state, heldUntilMs } of rows) {
    const isHeld = state === HELD && heldUntilMs !== null;
    const endMs = isHeld ? heldUntilMs : Number.POSITIVE_INFINITY;
    states.heldUntilMs[seat] = endMs;
    states.nextEndMs = Math.min(states.nextEndMs, endMs);
    changed = show(states, seat, endMs <= nowMs ? OPEN : state) || changed;
  }
  return openEnded(states, nowMs) || changed;
}

/** Opens the seats whose holds are over; returns whether there were any. */
export function openEnded(states: SeatStates, nowMs: number): boolean {
  if (nowMs < states.nextEndMs) return false;
  let changed = false;
  let nextEndMs = Number.POSITIVE_INFINITY;
  for (let seat = 0; seat < states.shown.length; seat += 1) {
    const endMs = states.heldUntilMs[seat] as number;
    if (endMs > nowMs) {
      if (endMs < nextEndMs) nextEndMs = endMs;
    } else {
      changed = show(states, seat, OPEN) || changed;
      states.heldUntilMs[seat] = Number.POSITIVE_INFINITY;
    }
  }
  states.nextEndMs = nextEndMs;
  return changed;
}

import type { Section } from '../catalogue/layout.ts';

/**
 * The first seat of the best block of adjacent open seats, null when there is none: the same that best_seats (migration
 * 0003) finds. Sections in the order given; in a section first a block that leaves no seat alone, then the front row, then
 * the middle of the row.
 */
export function pickBest(
  sections: readonly Section[],
  quantity: number,
  isOpen: (seat: number) => boolean,
): number | null {
  for (const section of sections) {
    const best = bestOfSection(section, quantity, isOpen);
    if (best !== null) return best;
  }
  return null;
}

type Block = { first: number; orphans: number; fromMiddle: number };

function bestOfSection(
  { firstSeat, rows, seatsPerRow }: Section,
  quantity: number,
  isOpen: (seat: number) => boolean,
): number | null {
  let best: Block | null = null;
  for (let row = 0; row < rows; row += 1) {
    const rowStart = firstSeat + row * seatsPerRow;
    let ofRow: Block | null = null;
    let gap = 0;
    for (let place = 0; place <= seatsPerRow; place += 1) {
      if (place < seatsPerRow && isOpen(rowStart + place)) {
        gap += 1;
        continue;
      }
      if (gap >= quantity) ofRow = better(ofRow, bestOfGap(place - gap, gap, quantity, seatsPerRow));
      gap = 0;
    }
    if (ofRow === null || (best !== null && best.orphans <= ofRow.orphans)) continue;
    best = { ...ofRow, first: rowStart + ofRow.first };
    // No row behind can have a better one.
    if (best.orphans === 0) break;
  }
  return best?.first ?? null;
}

/**
 * Only the places next to the one nearest to the middle need a look: a block leaves one seat alone at no more than two places
 * of a gap, the second and the last but one.
 */
function bestOfGap(from: number, length: number, quantity: number, seatsPerRow: number): Block {
  const room = length - quantity;
  const ideal = Math.max(0, Math.min(Math.floor((seatsPerRow - quantity) / 2) - from, room));
  let best: Block | null = null;
  for (let shift = Math.max(0, ideal - 1); shift <= Math.min(room, ideal + 1); shift += 1) {
    best = better(best, {
      first: from + shift,
      orphans: Number(shift === 1) + Number(room - shift === 1),
      fromMiddle: Math.abs(2 * (from + shift) + quantity - seatsPerRow),
    });
  }
  return best as Block;
}

/** Of two blocks of one row; of equals the first. */
function better(one: Block | null, other: Block): Block {
  if (one === null) return other;
  const by = other.orphans - one.orphans || other.fromMiddle - one.fromMiddle || other.first - one.first;
  return by < 0 ? other : one;
}

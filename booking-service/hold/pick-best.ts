import type { Section } from '../catalogue/layout.ts';
import { ACCESSIBLE, COMPANION, STANDARD } from '../catalogue/marks.ts';

/**
 * The first seat of the best block of adjacent open seats, null when there is none: the same that best_seats (migration
 * 0015) finds. Sections in the order given; in a section first a block that leaves no seat alone, then the front row, then
 * the middle of the row. Accessible and companion seats count as not open.
 *
 * With `accessible` above 0 every open seat counts, exactly so many of the block are accessible ones, and after the seats
 * left alone comes the number of companion seats, the more the better.
 */
export function pickBest(
  sections: readonly Section[],
  quantity: number,
  isOpen: (seat: number) => boolean,
  accessible = 0,
): number | null {
  for (const section of sections) {
    const best = bestOfSection(section, quantity, isOpen, accessible);
    if (best !== null) return best;
  }
  return null;
}

type Block = { first: number; orphans: number; companions: number; fromMiddle: number };

function bestOfSection(
  { firstSeat, rows, seatsPerRow, marks }: Section,
  quantity: number,
  isOpen: (seat: number) => boolean,
  accessible: number,
): number | null {
  const asked = accessible > 0 ? marks : undefined;
  if (accessible > 0 && !asked) return null;
  const isFree =
    marks && !asked ? (seat: number) => marks.kinds[seat - firstSeat] === STANDARD && isOpen(seat) : isOpen;
  const rowsLookedAt = asked ? asked.accessibleRows.length : rows;
  const companionsMax = asked ? quantity - accessible : 0;
  let best: Block | null = null;
  for (let i = 0; i < rowsLookedAt; i += 1) {
    const row = asked ? (asked.accessibleRows[i] as number) : i;
    const rowStart = firstSeat + row * seatsPerRow;
    let ofRow: Block | null = null;
    let gap = 0;
    for (let place = 0; place <= seatsPerRow; place += 1) {
      if (place < seatsPerRow && isFree(rowStart + place)) {
        gap += 1;
        continue;
      }
      if (gap >= quantity) {
        const ofGap = asked
          ? bestWithAccessible(
              asked.kinds.subarray(row * seatsPerRow, (row + 1) * seatsPerRow),
              place - gap,
              gap,
              quantity,
              accessible,
            )
          : bestOfGap(place - gap, gap, quantity, seatsPerRow);
        ofRow = ofGap === null ? ofRow : better(ofRow, ofGap);
      }
      gap = 0;
    }
    if (ofRow === null || (best !== null && byRank(best, ofRow) <= 0)) continue;
    best = { ...ofRow, first: rowStart + ofRow.first };
    // No row behind can have a better one.
    if (best.orphans === 0 && best.companions === companionsMax) break;
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
    best = better(best, blockAt(from, shift, room, quantity, seatsPerRow));
  }
  return best as Block;
}

/** Of a gap in a row with these kinds of seats; each place is looked at, for the kinds follow no rule. */
function bestWithAccessible(
  kinds: Uint8Array,
  from: number,
  length: number,
  quantity: number,
  accessible: number,
): Block | null {
  const room = length - quantity;
  // How many of each kind are in the block, as it moves through the gap.
  const inside = [0, 0, 0];
  const count = (place: number, by: number) => {
    const kind = kinds[place] as number;
    inside[kind] = (inside[kind] as number) + by;
  };
  let best: Block | null = null;
  for (let place = from; place < from + quantity - 1; place += 1) count(place, 1);
  for (let shift = 0; shift <= room; shift += 1) {
    count(from + shift + quantity - 1, 1);
    if (inside[ACCESSIBLE] === accessible) {
      const companions = inside[COMPANION] as number;
      best = better(best, { ...blockAt(from, shift, room, quantity, kinds.length), companions });
    }
    count(from + shift, -1);
  }
  return best;
}

const blockAt = (
  from: number,
  shift: number,
  room: number,
  quantity: number,
  seatsPerRow: number,
): Block => ({
  first: from + shift,
  orphans: Number(shift === 1) + Number(room - shift === 1),
  companions: 0,
  fromMiddle: Math.abs(2 * (from + shift) + quantity - seatsPerRow),
});

/** Negative where the first block is the better one, whatever rows they are in. */
const byRank = (a: Block, b: Block): number => a.orphans - b.orphans || b.companions - a.companions;

/** Of two blocks of one row; of equals the first. */
function better(one: Block | null, other: Block): Block {
  if (one === null) return other;
  const by = byRank(other, one) || other.fromMiddle - one.fromMiddle || other.first - one.first;
  return by < 0 ? other : one;
}

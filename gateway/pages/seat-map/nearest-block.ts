import { ACCESSIBLE, type Hall, type HallSection, OPEN, placeOf, STANDARD, sectionOf } from './hall.ts';

/** Rows stand further apart than the seats of one row: of two ways as long in seats the one along the row is nearer. */
export const ROW_SEATS = 1.5;

/** How many seats of each kind are wanted, and around where. */
type Wanted = { quantity: number; accessible: number; marked: number; row: number; middle: number };

/**
 * The nearest equivalent of seats that cannot be had: as many adjacent open seats of one row, by the distance of their
 * middles. In the section that has most of the seats; where it has no such block, in the nearest section of the layout
 * that is no dearer. Wheelchair spaces and companion seats are offered only for seats of that kind, as many as were chosen.
 * Returns the first seat of the block, null where there is none.
 */
export function nearestBlock(hall: Hall, chosen: readonly number[]): number | null {
  if (chosen.length === 0) return null;
  const home = homeOf(hall, chosen);
  const places = chosen.map((seat) => placeOf(hall, seat)).filter(({ section }) => section === home);
  const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const kindsAbove = (kind: number) => chosen.filter((seat) => (hall.kinds[seat] ?? 0) > kind).length;
  const wanted = {
    quantity: chosen.length,
    accessible: chosen.filter((seat) => hall.kinds[seat] === ACCESSIBLE).length,
    marked: kindsAbove(STANDARD),
    row: mean(places.map(({ row }) => row)),
    middle: mean(places.map(({ number }) => number)),
  };
  const at = hall.sections.indexOf(home);
  const distance = (section: HallSection) => Math.abs(hall.sections.indexOf(section) - at);
  const candidates = hall.sections
    .filter(({ price }) => price.amount <= home.price.amount)
    .sort((a, b) => distance(a) - distance(b) || b.price.amount - a.price.amount);
  for (const section of candidates) {
    const seat = nearestIn(hall, section, wanted);
    if (seat !== null) return seat;
  }
  return null;
}

/** Of several sections the one that most seats were chosen in. */
function homeOf(hall: Hall, chosen: readonly number[]): HallSection {
  const counts = new Map<HallSection, number>();
  for (const seat of chosen) {
    const section = sectionOf(hall, seat);
    counts.set(section, (counts.get(section) ?? 0) + 1);
  }
  return [...counts].reduce((most, each) => (each[1] > most[1] ? each : most))[0];
}

function nearestIn({ states, kinds }: Hall, section: HallSection, wanted: Wanted): number | null {
  const { firstSeat, rows, seatsPerRow } = section;
  const { quantity, accessible, marked } = wanted;
  let best: number | null = null;
  let bestDistance = Number.POSITIVE_INFINITY;
  for (let row = 1; row <= rows; row += 1) {
    const start = firstSeat + (row - 1) * seatsPerRow;
    const byRow = (ROW_SEATS * (row - wanted.row)) ** 2;
    if (byRow >= bestDistance) continue;
    // Of the last `quantity` seats: how many are open, how many accessible, how many of any kind but standard.
    let open = 0;
    let ofAccessible = 0;
    let ofMarked = 0;
    for (let place = 0; place < seatsPerRow; place += 1) {
      const enters = start + place;
      open += Number(states[enters] === OPEN);
      ofAccessible += Number(kinds[enters] === ACCESSIBLE);
      ofMarked += Number(kinds[enters] !== STANDARD);
      if (place >= quantity) {
        const leaves = enters - quantity;
        open -= Number(states[leaves] === OPEN);
        ofAccessible -= Number(kinds[leaves] === ACCESSIBLE);
        ofMarked -= Number(kinds[leaves] !== STANDARD);
      }
      if (open < quantity || ofAccessible !== accessible || ofMarked > marked) continue;
      const middle = place + 1 - (quantity - 1) / 2;
      const distance = byRow + (middle - wanted.middle) ** 2;
      if (distance >= bestDistance) continue;
      best = enters - quantity + 1;
      bestDistance = distance;
    }
  }
  return best;
}

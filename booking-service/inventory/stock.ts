import type { SaleStock } from '#shared/contract/sale.ts';
import { Problem } from '#shared/problem.ts';
import { type Section, seatsOf } from '../catalogue/layout.ts';
import type { Inventory } from './inventory.ts';
import { type SeatStates, STATES } from './seat-states.ts';

/** What the gateway derives `soldOut` from must not be older than this. */
const STOCK_AGE_MS_MAX = 2_000;

export type SaleStockLine = SaleStock & { sale: string; version: number; nextHoldEnds: number | null };

/** How many seats of each sale are in which state; throws `unavailable` when that is not known well enough. */
export function readStock(inventory: Inventory): SaleStockLine[] {
  if (inventory.ageMs() > STOCK_AGE_MS_MAX) {
    throw new Problem('unavailable', 'The stock is not known at the moment.');
  }
  return inventory.sales().map(({ definition, event, sections }) => {
    const { states } = inventory.seatsOf(event.id);
    const [open = 0, held = 0, sold = 0, blocked = 0] = countStates(states, sections);
    return {
      sale: definition.sale,
      version: definition.version,
      open,
      held,
      sold,
      blocked,
      nextHoldEnds: held === 0 ? null : nextHoldEndMs(states, sections),
    };
  });
}

/** Seats by state in the given sections, in the order open, held, sold, blocked. */
export function countStates(states: SeatStates, sections: readonly Section[]): number[] {
  const counts = new Array<number>(STATES).fill(0);
  for (const { ordinal } of sections) {
    for (let state = 0; state < STATES; state += 1) {
      counts[state] = (counts[state] as number) + (states.counts[ordinal * STATES + state] as number);
    }
  }
  return counts;
}

/** When the next of the holds in these sections ends (epoch ms), null when nothing is held. */
export function nextHoldEndMs(states: SeatStates, sections: readonly Section[]): number | null {
  let nextMs = Number.POSITIVE_INFINITY;
  for (const section of sections) {
    const ends = states.heldUntilMs.subarray(section.firstSeat, section.firstSeat + seatsOf(section));
    for (const endMs of ends) if (endMs < nextMs) nextMs = endMs;
  }
  return nextMs === Number.POSITIVE_INFINITY ? null : Math.ceil(nextMs);
}

import type { HoldRequest } from '#shared/contract/booking.ts';
import { invalidFields } from '#shared/problem.ts';
import type { Sale } from '../catalogue/sale.ts';
import { namedSeats } from '../catalogue/seat-id.ts';

export type WantedSeats = {
  seats: number[] | null;
  quantity: number;
  accessible: number;
  sections: number[];
};

/**
 * What a request asks for, in the sale's own terms: named seats as sorted indexes, or a number of adjacent seats and the
 * sections to look in, the cheapest first and among equals the first of the layout.
 *
 * Throws `invalid-field` for seats and sections that the sale does not have.
 */
export function wantedSeats(sale: Sale, request: HoldRequest): WantedSeats {
  if ('seats' in request) {
    const sorted = namedSeats(sale.sections, request.seats, 'sale');
    return { seats: sorted, quantity: sorted.length, accessible: 0, sections: [] };
  }

  const { quantity, section, maxAmount, accessible = 0 } = request.best;
  if (section !== undefined && !sale.sections.some(({ name }) => name === section)) {
    throw invalidFields([{ field: 'best.section', message: `${section} is not a section of this sale` }]);
  }
  const sections = sale.sections
    .filter(({ name, amount }) => (section ?? name) === name && amount <= (maxAmount ?? amount))
    .sort((a, b) => a.amount - b.amount || a.ordinal - b.ordinal)
    .map(({ ordinal }) => ordinal);
  return { seats: null, quantity, accessible, sections };
}

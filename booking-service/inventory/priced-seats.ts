import type { Money } from '#shared/contract/fields.ts';
import type { Event } from '../catalogue/event.ts';
import { sectionOfSeat } from '../catalogue/layout.ts';
import { seatId } from '../catalogue/seat-id.ts';

/** Seats by index as fans read them: id and price. */
export const pricedSeats = (event: Event, seats: readonly number[]): { seat: string; price: Money }[] =>
  seats.map((seat) => ({
    seat: seatId(event.sections, seat),
    price: { amount: sectionOfSeat(event.sections, seat).amount, currency: event.currency },
  }));

import type postgres from 'postgres';
import { SeatId } from '#shared/contract/booking.ts';
import type { Event } from '../catalogue/event.ts';
import { seatIndex } from '../catalogue/seat-id.ts';
import type { Sql } from '../db/lane.ts';

type Fragment = postgres.PendingQuery<postgres.Row[]>;

/**
 * The ids of the orders that an organiser looks for: by their number, by the beginning of the buyer's e-mail address, or by a
 * seat, whoever has it, pays for it or had it. Each is a look into an index, joined by `union` and not by `or`, for which
 * PostgreSQL would read all orders of the sale. Many addresses may begin alike: of those only a page is found, as `page`
 * (conditions, order and limit) says it.
 */
export function foundOrders(
  sql: Sql,
  { event, sale }: { event: Event; sale: string },
  find: string,
  page: Fragment,
): Fragment {
  const seat = SeatId.safeParse(find).success ? seatIndex(event.sections, find) : null;
  return sql`
    select id from ticket_order where id = ${find}
    union
    (select id from ticket_order where sale || '' = ${sale} and lower(buyer_email) like lower(${beginningWith(find)}) and ${page})
    ${seat === null ? sql`` : sql`union ${ordersOfSeat(sql, event.id, seat)}`}`;
}

const ordersOfSeat = (sql: Sql, event: string, seat: number): Fragment => sql`
  select ticket_order from ticket where event = ${event} and seat = ${seat} and live
  union
  select ticket_order from ticket where event = ${event} and seat = ${seat} and not live
  union
  select ticket_order.id from seat join ticket_order on ticket_order.hold = seat.hold
  where seat.event = ${event} and seat.seat = ${seat}`;

/** What stands for anything in a pattern stands for itself (PostgreSQL, LIKE). */
const beginningWith = (text: string): string => `${text.replace(/[\\%_]/g, '\\$&')}%`;

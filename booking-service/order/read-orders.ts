import type { OrderAnswer, OrderCreatedAnswer } from '#shared/contract/booking.ts';
import type { Event } from '../catalogue/event.ts';
import { seatId } from '../catalogue/seat-id.ts';
import type { Db } from '../db/client.ts';
import { pricedSeats } from '../inventory/priced-seats.ts';

const ORDERS_LISTED_MAX = 100;

/** An order as it is stored, with its seats and tickets by seat index. */
export type StoredOrder = {
  order: string;
  sale: string;
  event: string;
  fan: string;
  state: OrderAnswer['state'];
  failure: string | null;
  seats: number[];
  amount: number;
  currency: string;
  tickets: { seat: number; code: string }[];
  buyerName: string;
  buyerEmail: string;
  createdAt: Date;
};

type Which = { order: string } | { sale: string; fan: string };

/** One order, or a fan's orders in a sale, the newest first. */
export function readOrders(db: Db, which: Which): Promise<readonly StoredOrder[]> {
  return db.call<StoredOrder>(
    (sql) => sql`
      select ticket_order.id as "order", ticket_order.sale, ticket_order.event, ticket_order.fan,
        ticket_order.state, failure, hold.seats, ticket_order.amount, currency,
        coalesce((
          select jsonb_agg(jsonb_build_object('seat', seat, 'code', code) order by seat)
          from ticket where ticket.ticket_order = ticket_order.id
        ), '[]') as tickets,
        buyer_name as "buyerName", buyer_email as "buyerEmail", ticket_order.created_at as "createdAt"
      from ticket_order join hold on hold.id = ticket_order.hold
      where ${
        'order' in which
          ? sql`ticket_order.id = ${which.order}`
          : sql`ticket_order.sale = ${which.sale} and ticket_order.fan = ${which.fan}`
      }
      order by ticket_order.created_at desc
      limit ${ORDERS_LISTED_MAX}`,
  );
}

const ticketsOf = (event: Event, { tickets }: StoredOrder) =>
  tickets.map(({ seat, code }) => ({ seat: seatId(event.sections, seat), code }));

const totalOf = ({ amount, currency }: StoredOrder) => ({ amount, currency });

export const orderAnswer = (event: Event, order: StoredOrder): OrderAnswer => ({
  order: order.order,
  state: order.state,
  seats: pricedSeats(event, order.seats),
  total: totalOf(order),
  // What a refund has made void is not shown as if it admitted anybody.
  tickets: order.state === 'refunded' ? [] : ticketsOf(event, order),
  buyer: { name: order.buyerName, email: order.buyerEmail },
  failure: order.failure,
  createdAt: order.createdAt.toISOString(),
});

export const orderCreatedAnswer = (event: Event, order: StoredOrder): OrderCreatedAnswer => ({
  order: order.order,
  tickets: ticketsOf(event, order),
  total: totalOf(order),
});

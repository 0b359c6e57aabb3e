import type { OrderAnswer, OrderCreatedAnswer } from '#shared/contract/booking.ts';
import type { Event } from '../catalogue/event.ts';
import { seatId } from '../catalogue/seat-id.ts';
import type { Db } from '../db/client.ts';
import { type Asking, inOneCall } from '../db/in-one-call.ts';
import type { Sql } from '../db/lane.ts';
import { pricedSeats } from '../inventory/priced-seats.ts';

const ORDERS_LISTED_MAX = 100;

/** An order as it is stored, with its seats and tickets by seat index. */
export type StoredOrder = {
  order: string;
  sale: string;
  event: string;
  fan: string;
  /** What the token said that it was made with; null for one from before that was kept. */
  token: { number?: number; iat: number } | null;
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

/** The columns of a StoredOrder, from ticket_order and its hold. */
const storedOrder = (sql: Sql) => sql`
  ticket_order.id as "order", ticket_order.sale, ticket_order.event, ticket_order.fan,
  case when admitted_at is not null then
    jsonb_strip_nulls(jsonb_build_object('number', queue_number, 'iat', admitted_at))
  end as token,
  ticket_order.state, failure, hold.seats, ticket_order.amount, currency,
  coalesce((
    select jsonb_agg(jsonb_build_object('seat', seat, 'code', code) order by seat)
    from ticket where ticket.ticket_order = ticket_order.id
  ), '[]') as tickets,
  buyer_name as "buyerName", buyer_email as "buyerEmail", ticket_order.created_at as "createdAt"`;

/** A fan's orders in a sale, the newest first. */
export const readOrders = (db: Db, of: { sale: string; fan: string }): Promise<readonly StoredOrder[]> =>
  db.call<StoredOrder>(
    (sql) => sql`
      select ${storedOrder(sql)} from ticket_order join hold on hold.id = ticket_order.hold
      where ticket_order.sale = ${of.sale} and ticket_order.fan = ${of.fan}
      order by ticket_order.created_at desc
      limit ${ORDERS_LISTED_MAX}`,
  );

async function readAll(
  db: Db,
  orders: readonly string[],
  withinMs?: number,
): Promise<(StoredOrder | undefined)[]> {
  const rows = await db.call<StoredOrder>(
    (sql) => sql`
      select ${storedOrder(sql)} from ticket_order join hold on hold.id = ticket_order.hold
      where ticket_order.id = any (${orders as string[]}::text[])`,
    withinMs,
  );
  const byId = new Map(rows.map((row) => [row.order, row]));
  return orders.map((order) => byId.get(order));
}

const reading = inOneCall<string, StoredOrder | undefined>({
  what: 'read-orders',
  together: readAll,
  alone: async (db, order, withinMs) => (await readAll(db, [order], withinMs))[0],
});

/** One order; undefined when there is none. */
export const readOrder = (db: Db, order: string, asking?: Asking): Promise<StoredOrder | undefined> =>
  reading.do(db, order, asking);

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

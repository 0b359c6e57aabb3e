import type { OrderListAnswer, OrderListQuery, OrganiserOrder } from '#shared/contract/organiser.ts';
import { type Event, findEvent } from '../catalogue/event.ts';
import type { Db } from '../db/client.ts';
import { cursorOf, olderThan, pageOf } from '../db/page.ts';
import { pricedSeats } from '../inventory/priced-seats.ts';
import { foundOrders } from './find-orders.ts';
import { readOrder, type StoredOrder } from './read-orders.ts';

type Listed = Omit<StoredOrder, 'event' | 'fan' | 'tickets'>;

/** A page of a sale's orders for its organiser, the newest first; all of them, or those that are looked for. */
export async function listOrders(
  db: Db,
  { event, sale }: { event: Event; sale: string },
  { limit, after, state, find }: OrderListQuery,
): Promise<OrderListAnswer> {
  const rows = await db.call<Listed & { cursor: string }>((sql) => {
    const page = sql`
      ${state === undefined ? sql`true` : sql`state = ${state}`} and ${olderThan(sql, 'created_at', 'id', after)}
      order by created_at desc, id desc
      limit ${limit + 1}`;
    return sql`
      select id as "order", ${cursorOf(sql, 'created_at', 'id')} as cursor, sale, state, failure,
        buyer_name as "buyerName", buyer_email as "buyerEmail", amount, currency, created_at as "createdAt",
        -- Looked up for each order: joined, it reads the holds of all sales for every page (2 ms against 50 to 110).
        (select seats from hold where hold.id = ticket_order.hold) as seats
      from ticket_order
      where sale || '' = ${sale}
        and ${find === undefined ? sql`true` : sql`id in (${foundOrders(sql, { event, sale }, find, page)})`}
        and ${page}`;
  });
  const { entries, next } = pageOf(rows, limit);
  return { orders: entries.map((row) => organiserOrder(event, row)), next };
}

/** One order for its organiser; it must be there. */
export async function readOrganiserOrder(db: Db, order: string): Promise<OrganiserOrder> {
  const stored = await readOrder(db, order);
  const event = stored && (await findEvent(db, stored.event));
  if (!event) throw new Error(`There is no order ${order}, or not its event.`);
  return organiserOrder(event, stored);
}

const organiserOrder = (event: Event, row: Listed): OrganiserOrder => ({
  order: row.order,
  sale: row.sale,
  state: row.state,
  failure: row.failure,
  buyer: { name: row.buyerName, email: row.buyerEmail },
  seats: pricedSeats(event, row.seats),
  total: { amount: row.amount, currency: row.currency },
  createdAt: row.createdAt.toISOString(),
});

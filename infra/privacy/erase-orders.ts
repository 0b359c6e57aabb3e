import type postgres from 'postgres';
import { ERASED_EMAIL } from '../../booking-service/order/erased.ts';

/** Orders that are blanked in one statement: it locks them for its time. */
const ORDERS_AT_ONCE = 500;

export type Erased = { orders: number; mails: number };

/**
 * Blanks whom orders are of: name, address, the digest of what was asked and the buyer's key. The e-mails of theirs that wait,
 * or were given up, end as `erased`, and what mail servers said about them is forgotten. Seats, tickets, amounts and what is
 * owed to the payment provider stay as they are. An order that is in progress is left: whoever pays it at this moment is told how
 * it ended. Returns what was done; done again, it is nothing.
 */
export async function eraseOrders(sql: postgres.Sql, orders: readonly string[]): Promise<Erased> {
  const done: Erased = { orders: 0, mails: 0 };
  for (let first = 0; first < orders.length; first += ORDERS_AT_ONCE) {
    const ids = orders.slice(first, first + ORDERS_AT_ONCE);
    const [erased] = await sql<Erased[]>`
      with erased as (
        update ticket_order
        set buyer_name = 'erased', buyer_email = ${ERASED_EMAIL}, email_key = 'erased ' || id, request_digest = 'erased',
          idempotency_key = 'erased ' || id
        where id = any (${ids}::text[]) and state <> 'inProgress' and buyer_email <> ${ERASED_EMAIL}
        returning id
      ),
      mail as (
        update outbox_message
        set state = case when kind like '%-mail' and state <> 'sent' then 'erased' else state end, last_error = null
        where ticket_order in (select id from erased)
          and (last_error is not null or (kind like '%-mail' and state <> 'sent'))
        returning state, kind
      )
      select (select count(*)::int from erased) as orders,
        (select count(*)::int from mail where state = 'erased') as mails`;
    done.orders += erased?.orders ?? 0;
    done.mails += erased?.mails ?? 0;
  }
  return done;
}

export type Found = {
  orders: string[];
  inProgress: number;
  tickets: number;
  amounts: { amount: number; currency: string }[];
};

/** Every order of this buyer, whichever sale and however the address was written. */
export const ordersOfBuyer = (sql: postgres.Sql, emailKey: string): Promise<Found> =>
  found(sql, sql`email_key = ${emailKey}`);

/** Every order that names its buyer, of concerts that began longer ago than so many days; their sales had ended by then. */
export const ordersOfThePast = (sql: postgres.Sql, days: number): Promise<Found> =>
  found(
    sql,
    sql`buyer_email <> ${ERASED_EMAIL} and event in (
      select id from event where starts_at < clock_timestamp() - ${days} * interval '1 day'
    )`,
  );

async function found(sql: postgres.Sql, which: postgres.PendingQuery<postgres.Row[]>): Promise<Found> {
  const rows = await sql<{ id: string; state: string; amount: number; currency: string; tickets: number }[]>`
    select id, state, amount, currency,
      (select count(*)::int from ticket where ticket.ticket_order = ticket_order.id) as tickets
    from ticket_order where ${which} order by id`;
  const ended = rows.filter(({ state }) => state !== 'inProgress');
  const sums = new Map<string, number>();
  for (const { state, amount, currency } of ended)
    if (state === 'confirmed') sums.set(currency, (sums.get(currency) ?? 0) + amount);
  return {
    orders: ended.map(({ id }) => id),
    inProgress: rows.length - ended.length,
    tickets: ended.reduce((sum, { tickets }) => sum + tickets, 0),
    amounts: [...sums].map(([currency, amount]) => ({ amount, currency })),
  };
}

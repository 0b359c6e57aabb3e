import { type BooksCheck, overdue, seatName } from './check.ts';

/** Orders, the tickets they are made of and the keys they were asked for with. */
export const orderChecks: BooksCheck[] = [
  {
    name: 'orders-have-their-tickets',
    promise: 'I2',
    keeps: 'a confirmed order has one ticket for each of its seats',
    means: 'Somebody paid for seats and has no ticket for all of them, or has more than was paid for.',
    find: (sql) => sql`
      select ticket_order.id as about,
        'Order ' || ticket_order.id || ' is confirmed with ' || cardinality(hold.seats) || ' seats and has '
          || coalesce(cardinality(had.seats), 0) || ' live tickets'
          || case when cardinality(hold.seats) = cardinality(had.seats) then ', for other seats' else '' end as finding
      from ticket_order
      join hold on hold.id = ticket_order.hold
      left join lateral (
        select array_agg(seat order by seat) as seats from ticket
        where ticket.ticket_order = ticket_order.id and ticket.event = ticket_order.event and ticket.live
      ) as had on true
      where ticket_order.state = 'confirmed'
        and had.seats is distinct from (select array_agg(seat order by seat) from unnest(hold.seats) as seat)`,
  },
  {
    name: 'tickets-have-their-order',
    promise: 'I2',
    keeps: 'every live ticket belongs to a confirmed order',
    means: 'A ticket admits somebody who has not paid for it, or whose money was given back.',
    find: (sql) => sql`
      select ticket.code as about,
        'A live ticket for seat ' || ${seatName(sql, 'ticket')} || ' of event ' || ticket.event || ' belongs to '
          || coalesce('order ' || ticket_order.id || ', which is ' || ticket_order.state,
            'order ' || ticket.ticket_order || ', which does not exist') as finding
      from ticket left join ticket_order on ticket_order.id = ticket.ticket_order
      where ticket.live and ticket_order.state is distinct from 'confirmed'`,
  },
  {
    name: 'one-order-per-hold',
    promise: 'I2',
    keeps: 'a hold is bought once, by a confirmed order',
    means: 'The same seats were charged twice, or went away without an order.',
    find: (sql) => sql`
      select coalesce(hold.id, bought.hold) as about,
        case when hold.id is null then 'Confirmed order ' || bought.orders || ' is for a hold that does not exist'
          else 'Hold ' || hold.id || ' is ' || hold.state || ' and has ' || coalesce(bought.count, 0)
            || ' confirmed orders' || coalesce(': ' || bought.orders, '') end as finding
      from hold
      full join (
        select hold, count(*), string_agg(id, ', ' order by id) as orders
        from ticket_order where state = 'confirmed' group by hold
      ) as bought on bought.hold = hold.id
      where coalesce(bought.count, 0) <> coalesce((hold.state = 'confirmed')::int, 0)`,
  },
  {
    name: 'orders-come-to-an-end',
    promise: 'I2',
    keeps: 'no order stays in progress',
    means: 'A fan waits for a payment that nobody works on. Is a worker running?',
    find: (sql, bounds) => sql`
      select id as about,
        'Order ' || id || ' is in progress since ' || created_at as finding
      from ticket_order where state = 'inProgress' and ${overdue(sql, sql`created_at`, bounds)}`,
  },
  {
    name: 'work-is-noted',
    promise: 'I2',
    keeps: 'what is yet to be done for an order is noted, and nothing else',
    means: 'An order that is not noted is found by no worker: nobody books it, or its money stays owed.',
    find: (sql) => sql`
      select coalesce(ticket_order.id, noted.ticket_order) as about,
        'Order ' || coalesce(ticket_order.id, noted.ticket_order) || ' is ' || coalesce(state, 'in no book')
          || coalesce(' and its payment ' || payment, '') || ', and noted to be done is ' || coalesce(kinds, 'nothing') as finding
      from ticket_order full join (
        select ticket_order, string_agg(kind, ', ' order by kind) as kinds from order_work group by ticket_order
      ) as noted on noted.ticket_order = ticket_order.id
      where kinds is distinct from work_of_order(respond_async, state, payment, handed_over)`,
  },
  {
    name: 'refunds-are-in-the-audit',
    promise: 'I2',
    keeps: 'every refund is in the audit, once, with the name of who made it',
    means: 'Money was given back, and nobody can say by whom and why.',
    find: (sql) => sql`
      select id as about,
        'Order ' || id || ' was refunded, and the audit has ' || count(entry) || ' entries of that' as finding
      from ticket_order left join lateral (
        select audit_entry.id as entry from audit_entry
        where audit_entry.ticket_order = ticket_order.id and action = 'refund' and by <> ''
      ) as audited on true
      where state = 'refunded'
      group by id having count(entry) <> 1`,
  },
  {
    name: 'one-order-per-key',
    promise: 'I15',
    keeps: 'an idempotency key makes one order',
    means: 'A fan who repeated a request whose answer was lost bought twice.',
    find: (sql) => sql`
      select sale || ' ' || fan || ' ' || idempotency_key as about,
        'Fan ' || fan || ' of sale ' || sale || ' has ' || count(*) || ' orders with one idempotency key: '
          || string_agg(id, ', ' order by id) as finding
      from ticket_order group by sale, fan, idempotency_key having count(*) > 1`,
  },
];

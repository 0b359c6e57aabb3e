import { type BooksCheck, overdue } from './check.ts';

/**
 * What the payment provider has done, as the built-in one remembers it. Only settled orders are compared with it: before
 * that the two are told one after the other.
 */
export const moneyChecks: BooksCheck[] = [
  {
    name: 'orders-cost-what-their-seats-cost',
    promise: 'I2',
    keeps: 'an order costs the sum of its seats’ prices',
    means: 'Somebody is charged another amount than was shown.',
    find: (sql) => sql`
      select ticket_order.id as about,
        'Order ' || ticket_order.id || ' is over ' || ticket_order.amount || ' ' || ticket_order.currency
          || ', its seats cost ' || coalesce(priced.amount, 0) || ' ' || event.currency
          || ' (in the smallest unit)' as finding
      from ticket_order
      join hold on hold.id = ticket_order.hold
      join event on event.id = ticket_order.event
      left join lateral (
        select sum(section.amount) as amount from unnest(hold.seats) as seat
        join section on section.event = hold.event
          and seat between first_seat and first_seat + rows * seats_per_row - 1
      ) as priced on true
      where (ticket_order.amount, ticket_order.currency) is distinct from (priced.amount, event.currency)`,
  },
  {
    name: 'confirmed-orders-are-captured-once',
    promise: 'I2',
    keeps: 'a confirmed order was charged exactly once, with its amount',
    means: 'Somebody has tickets and was not charged for them, or was charged wrongly.',
    find: (sql) => sql`
      select ticket_order.id as about,
        'Order ' || ticket_order.id || ' is confirmed over ' || ticket_order.amount || ' ' || ticket_order.currency
          || ', and its payment '
          || coalesce('is ' || test_payment.state || ' (' || test_payment.captures || ' times) over '
            || test_payment.amount || ' ' || test_payment.currency, 'is not known to the provider') as finding
      from ticket_order left join test_payment on test_payment.payment = ticket_order.id
      where ticket_order.state = 'confirmed' and ticket_order.payment = 'settled'
        and (test_payment.state, test_payment.captures, test_payment.amount, test_payment.currency)
          is distinct from ('captured', 1, ticket_order.amount, ticket_order.currency)`,
  },
  {
    name: 'nobody-pays-for-nothing',
    promise: 'I2',
    keeps: 'a failed or refunded order costs nothing',
    means: 'Somebody was charged, or has money blocked, without tickets. Give it back.',
    find: (sql) => sql`
      select ticket_order.id as about,
        'Order ' || ticket_order.id || ' is ' || ticket_order.state || ', and ' || test_payment.amount || ' '
          || test_payment.currency || ' of it are still ' || test_payment.state as finding
      from ticket_order join test_payment on test_payment.payment = ticket_order.id
      where ticket_order.payment = 'settled' and ticket_order.state in ('failed', 'refunded')
        and test_payment.state in ('authorised', 'captured')`,
  },
  {
    name: 'payments-have-their-order',
    promise: 'I2',
    keeps: 'no money is taken without an order',
    means: 'Somebody was charged, or has money blocked, and the shop knows of no order. Give it back.',
    find: (sql) => sql`
      select test_payment.payment as about,
        'Payment ' || test_payment.payment || ' over ' || test_payment.amount || ' ' || test_payment.currency || ' is '
          || test_payment.state || ' and belongs to no order' as finding
      from test_payment left join ticket_order on ticket_order.id = test_payment.payment
      where ticket_order.id is null and test_payment.state in ('authorised', 'captured')`,
  },
  {
    name: 'nothing-is-owed-for-long',
    promise: 'I2',
    keeps: 'captures, cancellations and refunds are settled soon',
    means:
      'The payment provider was not told how an order ended. Is a worker running, and is the provider there?',
    // An order that was long in progress may have ended this moment.
    secondLook: true,
    find: (sql, bounds) => sql`
      select id as about,
        'Order ' || id || ' is ' || state || ', and its payment has been ' || payment || ' since ' || since as finding
      from (
        select *, coalesce(
          (select max(at) from audit_entry where ticket_order = ticket_order.id and action = 'refund'), created_at
        ) as since
        from ticket_order where state <> 'inProgress' and payment <> 'settled'
      ) as owing
      where ${overdue(sql, sql`since`, bounds)}`,
  },
  {
    name: 'no-payment-is-given-up',
    promise: 'I2',
    keeps: 'no capture, cancellation or refund is given up',
    means:
      'The payment provider refused to the end: somebody waits for their money, or we do. Look at the dead letters of the organiser’s API and send them again.',
    find: (sql) => sql`
      select id as about,
        'The ' || replace(kind, 'payment-', '') || ' of order ' || ticket_order || ' was given up after ' || attempts
          || ' attempts' || coalesce('; last error: ' || last_error, '') as finding
      from outbox_message
      where state = 'dead' and kind in ('payment-capture', 'payment-cancellation', 'payment-refund')`,
  },
];

import { type BooksCheck, overdue } from './check.ts';

/** Facts that were committed with their order and must reach somebody. */
export const mailChecks: BooksCheck[] = [
  {
    name: 'orders-have-their-mail',
    promise: 'I6',
    keeps:
      'every confirmed order has its e-mail written, every refunded one, and every failed one that nobody waited for',
    means: 'Somebody will never be told by mail how their order ended. Write to them by hand.',
    find: (sql) => sql`
      select ended.id || ' ' || ended.kind as about,
        'Order ' || ended.id || ' is ' || ended.state || ', and its e-mail (' || ended.kind || ') was not written' as finding
      from (
        select id, state, 'order-confirmed-mail' as kind from ticket_order where state in ('confirmed', 'refunded')
        union all
        select id, state, 'order-refunded-mail' from ticket_order where state = 'refunded'
        union all
        select id, state, 'order-failed-mail' from ticket_order where state = 'failed' and respond_async
      ) as ended
      where not exists (
        select from outbox_message where ticket_order = ended.id and outbox_message.kind = ended.kind
      )`,
  },
  {
    name: 'mail-is-delivered',
    promise: 'I6',
    keeps: 'e-mails are accepted by the mail server soon',
    means: 'Fans wait for their tickets. Is a worker running, and does the mail server answer?',
    find: (sql, bounds) => sql`
      select id as about,
        'The e-mail ' || id || ' (' || kind || ') of order ' || ticket_order || ' waits since ' || created_at
          || ' after ' || attempts || ' attempts' || coalesce('; last error: ' || last_error, '') as finding
      from outbox_message
      where state = 'due' and kind like '%mail' and ${overdue(sql, sql`created_at`, bounds)}
        -- one that was sent again by hand is young again
        and (attempts > 0 or ${overdue(sql, sql`due_at`, bounds)})`,
  },
  {
    name: 'no-mail-is-given-up',
    promise: 'I6',
    keeps: 'no e-mail is given up',
    means:
      'The mail server refused to the end. Look at the dead letters of the organiser’s API and send them again.',
    find: (sql) => sql`
      select id as about,
        'The e-mail ' || id || ' (' || kind || ') of order ' || ticket_order || ' was given up after ' || attempts
          || ' attempts' || coalesce('; last error: ' || last_error, '') as finding
      from outbox_message where state = 'dead' and kind like '%mail'`,
  },
  {
    name: 'the-gateway-hears-of-orders',
    promise: 'I9',
    keeps: 'the gateway is told of every completed order',
    means: 'Fans who have bought keep their room in the shop from others. Does the worker reach the gateway?',
    find: (sql, bounds) => sql`
      select id as about,
        'The gateway has not been told that order ' || ticket_order || ' is complete, since ' || created_at || ' ('
          || state || ', ' || attempts || ' attempts)' || coalesce('; last error: ' || last_error, '') as finding
      from outbox_message
      where kind = 'admission-finished'
        and (state = 'dead' or (state = 'due' and ${overdue(sql, sql`created_at`, bounds)}))`,
  },
];

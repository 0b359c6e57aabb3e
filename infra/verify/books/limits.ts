import { type BooksCheck, claimedSeats, type Sql } from './check.ts';

/**
 * Every sale's settings with the time they were in force. What a sale was made with may be missing where it was changed
 * by an older version of the software: its settings are then null, and nothing is judged by them.
 */
export const settingsInForce = (sql: Sql) => sql`(
  select sale, settings, at as begins,
    lead(at, 1, 'infinity') over (partition by sale order by version) as ends
  from (
    select sale, version, at, settings from sale_change
    union all
    select id, 1, created_at, case when version = 1 then settings end from sale
    where not exists (select from sale_change where sale_change.sale = sale.id and sale_change.version = 1)
  ) as version
)`;

/** A change is in force in Redis first, by another clock. */
const CHANGE_SLACK_SECONDS = 30;

/** How many seats a fan may have who took the first of them at `since`: the most that was allowed at any moment from then on. */
const allowedSince = (sql: Sql) => sql`
  select case when bool_and(settings is not null) then max((settings ->> 'seatsPerFan')::int) end as seats
  from ${settingsInForce(sql)} as version
  where version.sale = any (had.sales) and version.ends > had.since - ${CHANGE_SLACK_SECONDS} * interval '1 second'`;

/** Seats per fan: per queue entry within a sale, and per buyer's address within an event; and one order an admission. */
export const limitChecks: BooksCheck[] = [
  {
    name: 'one-order-per-admission',
    promise: 'I9',
    keeps: 'no admission has bought more than one order',
    means: 'Somebody shopped on after buying, in a room that others had been given.',
    find: (sql) => sql`
      select sale || ' ' || admission as about,
        'Admission ' || admission || ' of sale ' || sale || ' has the orders '
          || string_agg(id, ', ' order by id) as finding
      from ticket_order where state in ('inProgress', 'confirmed', 'refunded')
      group by sale, fan, admission having count(*) > 1`,
  },
  {
    name: 'seats-per-fan',
    promise: 'I11',
    keeps: 'no fan has more seats of a sale than each may have',
    means: 'One queue entry got around the limit, and others have fewer seats to choose from.',
    find: (sql, { seatsPerFan = null }) => sql`
      select sales[1] || ' ' || fan as about,
        'Fan ' || fan || ' of sale ' || sales[1] || ' has ' || had.seats || ' seats; '
          || coalesce(${seatsPerFan}::int, allowed.seats) || ' were allowed' as finding
      from (
        select array[claimed.sale] as sales, claimed.fan, count(*) as seats, min(hold.created_at) as since
        from ${claimedSeats(sql)} as claimed join hold using (id)
        group by claimed.sale, claimed.fan
      ) as had
      cross join lateral (${allowedSince(sql)}) as allowed
      where had.seats > coalesce(${seatsPerFan}::int, allowed.seats)`,
  },
  {
    name: 'seats-per-buyer',
    promise: 'I11',
    keeps: 'no e-mail address has more seats of an event than each fan may have',
    means: 'One buyer got around the limit with several queue entries.',
    find: (sql, { seatsPerFan = null }) => sql`
      select event || ' ' || email_key as about,
        'The orders ' || orders || ' of event ' || event || ' are one buyer’s and have ' || had.seats || ' seats; '
          || coalesce(${seatsPerFan}::int, allowed.seats) || ' were allowed' as finding
      from (
        select ticket_order.event, email_key, array_agg(distinct ticket_order.sale) as sales,
          string_agg(ticket_order.id, ', ' order by ticket_order.id) as orders,
          sum(cardinality(hold.seats)) as seats, min(ticket_order.created_at) as since
        from ticket_order join hold on hold.id = ticket_order.hold
        where ticket_order.state in ('inProgress', 'confirmed')
        group by ticket_order.event, email_key
      ) as had
      cross join lateral (${allowedSince(sql)}) as allowed
      where had.seats > coalesce(${seatsPerFan}::int, allowed.seats)`,
  },
];

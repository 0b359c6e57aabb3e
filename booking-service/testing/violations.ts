import type { Db } from '../db/client.ts';

/**
 * Looks at the whole database for anything that must never be, and says what it found; an empty list is what every
 * test of rivals expects at its end.
 */
export async function violations(db: Db, seatsPerFan: number): Promise<string[]> {
  const rows = await db.call<{ violation: string }>(
    (sql) => sql`
      with live as (
        select id, event, sale, fan, state, unnest(seats) as seat from hold
        where state = 'confirmed' or (state in ('active', 'paying') and expires_at > clock_timestamp())
      )
      select 'seat ' || event || ' ' || seat || ' has ' || count(*) || ' live holds' as violation
      from live group by event, seat having count(*) > 1
      union all
      select 'hold ' || live.id || ' has seat ' || seat.seat || ' in part only'
      from live join seat using (event, seat)
      where seat.hold is distinct from live.id
        or seat.state <> case when live.state = 'confirmed' then 2 else 1 end
      union all
      select 'fan ' || fan || ' has ' || count(*) || ' seats' from live
      group by sale, fan having count(*) > ${seatsPerFan}
      union all
      select 'seat ' || event || ' ' || seat || ' has ' || count(*) || ' live tickets'
      from ticket where live group by event, seat having count(*) > 1
      union all
      select 'sold seat ' || seat.event || ' ' || seat.seat || ' has no ticket'
      from seat left join ticket on ticket.event = seat.event and ticket.seat = seat.seat and ticket.live
      where seat.state = 2 and ticket.code is null
      union all
      select 'ticket ' || code || ' is for a seat that is not sold'
      from ticket join seat using (event, seat) where ticket.live and seat.state <> 2
      union all
      select 'order ' || ticket_order.id || ' has not one ticket for each seat'
      from ticket_order join hold on hold.id = ticket_order.hold
      where ticket_order.state = 'confirmed'
        and cardinality(hold.seats) <> (select count(*) from ticket where ticket.ticket_order = ticket_order.id)
      union all
      select 'order ' || ticket_order.id || ' is ' || ticket_order.state || ' and its payment ' || test_payment.state
      from ticket_order join test_payment on test_payment.payment = ticket_order.id
      where ticket_order.payment = 'settled' and case ticket_order.state
        when 'confirmed' then test_payment.state <> 'captured'
        else test_payment.state in ('authorised', 'captured')
      end`,
  );
  return rows.map((row) => row.violation);
}

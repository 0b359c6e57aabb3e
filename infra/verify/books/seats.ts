import { type BooksCheck, claimedSeats, seatName } from './check.ts';

/** Seats, holds, tickets and the layout they are of. */
export const seatChecks: BooksCheck[] = [
  {
    name: 'one-ticket-per-seat',
    promise: 'I1',
    keeps: 'no seat has two live tickets',
    means: 'Two people hold a ticket for the same chair. Refund one of the orders before the doors open.',
    find: (sql) => sql`
      select event || ' ' || seat as about,
        'Seat ' || ${seatName(sql, 'ticket')} || ' of event ' || event || ' has ' || count(*)
          || ' live tickets, of the orders ' || string_agg(ticket_order, ', ' order by ticket_order) as finding
      from ticket where live group by event, seat having count(*) > 1`,
  },
  {
    name: 'sold-seats-have-tickets',
    promise: 'I1',
    keeps: 'every sold seat has a live ticket',
    means: 'The chair counts as sold, but nobody has a ticket for it: it stays empty.',
    find: (sql) => sql`
      select seat.event || ' ' || seat.seat as about,
        'Seat ' || ${seatName(sql, 'seat')} || ' of event ' || seat.event || ' is sold and has no live ticket' as finding
      from seat left join ticket on ticket.event = seat.event and ticket.seat = seat.seat and ticket.live
      where seat.state = 2 and ticket.code is null`,
  },
  {
    name: 'tickets-are-of-sold-seats',
    promise: 'I1',
    keeps: 'every live ticket is for a seat that is sold',
    means: 'Somebody has a ticket for a chair that the shop may sell again. Block the seat now.',
    find: (sql) => sql`
      select ticket.code as about,
        'A ticket of order ' || ticket_order || ' is for seat ' || ${seatName(sql, 'ticket')} || ' of event '
          || ticket.event || ', which is not sold' as finding
      from ticket left join seat using (event, seat)
      where ticket.live and seat.state is distinct from 2`,
  },
  {
    name: 'one-hold-per-seat',
    promise: 'I1',
    keeps: 'no seat is held by two fans at once',
    means: 'Two fans see the same chair as theirs, and both may be about to pay for it.',
    find: (sql) => sql`
      select event || ' ' || seat as about,
        'Seat ' || ${seatName(sql, 'claimed')} || ' of event ' || event || ' is in ' || count(*)
          || ' live holds: ' || string_agg(id, ', ' order by id) as finding
      from ${claimedSeats(sql)} as claimed group by event, seat having count(*) > 1`,
  },
  {
    name: 'holds-are-whole',
    promise: 'I1',
    keeps: 'a hold has all of its seats',
    means: 'A fan was promised seats together and does not have all of them.',
    find: (sql) => sql`
      select claimed.id || ' ' || claimed.seat as about,
        'Hold ' || claimed.id || ' of fan ' || claimed.fan || ' is ' || claimed.state || ', but seat '
          || ${seatName(sql, 'claimed')} || ' of event ' || claimed.event || ' is not its own' as finding
      from ${claimedSeats(sql)} as claimed left join seat using (event, seat)
      where seat.hold is distinct from claimed.id
        or seat.state is distinct from case when claimed.state = 'confirmed' then 2 else 1 end`,
  },
  {
    name: 'no-seat-held-by-nobody',
    promise: 'I10',
    keeps: 'a seat is held only as long as a hold is live',
    means: 'Nobody has this chair and nobody can buy it.',
    find: (sql) => sql`
      select seat.event || ' ' || seat.seat as about,
        'Seat ' || ${seatName(sql, 'seat')} || ' of event ' || seat.event || ' is held by '
          || coalesce('hold ' || hold.id || ', which is ' || hold.state, 'no hold that exists') as finding
      from seat left join hold on hold.id = seat.hold
      where seat.state = 1
        and (seat.held_until is null or seat.held_until > clock_timestamp())
        and (hold.id is null or hold.state in ('released', 'expired') or seat.held_until is null)`,
  },
  {
    name: 'seats-are-those-of-the-layout',
    promise: 'I13',
    keeps: 'open, held, sold and blocked seats are all seats of the event, no more and no fewer',
    means:
      'The hall in the books is not the hall that was drawn: seats are missing, or sold that do not exist.',
    find: (sql) => sql`
      select event.id as about,
        'Event ' || event.id || ' has ' || coalesce(there.seats, 0) || ' seats in the books and '
          || coalesce(drawn.seats, 0) || ' in its layout' as finding
      from event
      left join (
        select event, sum(rows * seats_per_row) as seats from section group by event
      ) as drawn on drawn.event = event.id
      left join (
        select event, count(*) as seats, min(seat) as first, max(seat) as last from seat group by event
      ) as there on there.event = event.id
      where there.seats is distinct from drawn.seats or there.first <> 0 or there.last <> drawn.seats - 1`,
  },
  {
    name: 'sales-sell-what-is-theirs',
    promise: 'I13',
    keeps: 'a sale holds and sells seats of its own sections only',
    means: 'A sale sold chairs that were set aside for another one.',
    find: (sql) => sql`
      select claimed.id || ' ' || claimed.seat as about,
        'Hold ' || claimed.id || ' of sale ' || claimed.sale || ' has seat ' || ${seatName(sql, 'claimed')}
          || ' of event ' || claimed.event || ', which is not of that sale' as finding
      from ${claimedSeats(sql)} as claimed
      join sale on sale.id = claimed.sale
      where claimed.event <> sale.event or not exists (
        select from section where section.event = sale.event and section.ordinal = any (sale.sections)
          and claimed.seat between first_seat and first_seat + rows * seats_per_row - 1
      )`,
  },
];

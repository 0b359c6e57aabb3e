import { type BooksCheck, type Sql, seatName } from './check.ts';

const states = (sql: Sql, state: string) =>
  sql`(array['open', 'held', 'sold', 'blocked'])[${sql(state)}.state + 1]`;

/** The shop recomputed from the log of every change of a seat. */
export const seatLogChecks: BooksCheck[] = [
  {
    name: 'seats-are-as-their-log-says',
    promise: 'I13',
    keeps: 'every seat is what the last entry of the append-only log says of it',
    means: 'Somebody changed seats, or the log of their changes, past the shop.',
    find: (sql) => sql`
      select seat.event || ' ' || seat.seat as about,
        'Seat ' || ${seatName(sql, 'seat')} || ' of event ' || seat.event || ' is ' || ${states(sql, 'seat')}
          || coalesce(' for hold ' || seat.hold, '') || ', and by its log '
          || coalesce(${states(sql, 'last')} || coalesce(' for hold ' || last.hold, ''), 'never changed') as finding
      from seat
      left join (
        select distinct on (event, seat) event, seat, state, hold, held_until
        from seat_change order by event, seat, id desc
      ) as last on last.event = seat.event and last.seat = seat.seat
      where (seat.state, seat.hold, seat.held_until)
        is distinct from (coalesce(last.state, 0::smallint), last.hold, last.held_until)`,
  },
  {
    name: 'seats-changed-as-they-may',
    promise: 'I1',
    keeps: 'in the whole log a seat never went from one fan to another but by its rules',
    means: 'At that moment a chair was taken from a fan who had it, or sold to somebody who had not held it.',
    find: (sql) => sql`
      select changed.event || ' ' || changed.seat || ' ' || changed.id as about,
        'Seat ' || ${seatName(sql, 'changed')} || ' of event ' || changed.event || ' became ' || ${states(sql, 'changed')}
          || coalesce(' for hold ' || changed.hold, '') || ' at ' || changed.at || ', and was '
          || (array['open', 'held', 'sold', 'blocked'])[changed.before + 1]
          || coalesce(' for hold ' || changed.hold_before, '') as finding
      from (
        select id, at, event, seat, state, hold,
          coalesce(lag(state) over by_seat, 0::smallint) as before,
          lag(hold) over by_seat as hold_before, lag(held_until) over by_seat as until_before
        from seat_change window by_seat as (partition by event, seat order by id)
      ) as changed
      left join hold as gone on gone.id = changed.hold_before
      where changed.at > '-infinity' and not seat_may_become(
        before, hold_before, until_before, coalesce(gone.state = 'released', false), changed.state, changed.hold, at
      )`,
  },
];

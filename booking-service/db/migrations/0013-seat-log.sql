-- Every change of a seat, in the order in which it happened to that seat, whoever made it: the functions here, an operator
-- or a fault. Nothing is ever changed or removed in it, and `npm run verify` recomputes the shop from it. A seat that is
-- not in it is open. Numbers of one seat rise with its changes, for the seat is locked from before the number is given
-- until the change is committed.
create table seat_change (
  id bigint generated always as identity primary key,
  at timestamptz not null default clock_timestamp(),
  event text not null,
  seat int not null,
  state smallint not null,
  hold text,
  held_until timestamptz
);

create trigger append_only before update or delete or truncate on seat_change
for each statement execute function refuse_rewriting();

-- What was there before the log began, at no time. Nothing may change between this look and the trigger.
lock table seat in share row exclusive mode;
insert into seat_change (at, event, seat, state, hold, held_until)
select '-infinity', event, seat, state, hold, held_until from seat where state <> 0 or hold is not null;

create function log_seat_changes() returns trigger language plpgsql as $$
begin
  insert into seat_change (event, seat, state, hold, held_until)
  select event, seat, state, hold, held_until from changed;
  return null;
end $$;

create trigger logged after update on seat
referencing new table as changed for each statement execute function log_seat_changes();

-- Whether a seat may become this after that: a hold takes what is open, or whose hold is over by then; only what a hold has,
-- or had last, is sold to it; blocked is only what could be had. What is held opens when its time is over, and what is held
-- or sold when its hold was released: by the fan, or by a refund.
create function seat_may_become(
  p_before smallint, p_hold_before text, p_until_before timestamptz, p_was_released boolean,
  p_after smallint, p_hold_after text, p_at timestamptz
) returns boolean language sql immutable as $$
  select case p_after
    when 0 then p_before in (0, 3) or p_was_released or (p_before = 1 and p_until_before <= p_at)
    when 1 then p_before = 0
      or (p_before = 1 and (p_hold_before is not distinct from p_hold_after or p_until_before <= p_at))
    when 2 then p_before in (0, 1, 2) and p_hold_before is not distinct from p_hold_after
    else p_before in (0, 3) or (p_before = 1 and p_until_before <= p_at)
  end
$$;

-- Every write locks in one order: fan, buyer, order, hold, the event's best seats, seats; several of a kind sorted. It
-- decides on locked rows only, by clock_timestamp(), and then changes. The functions are VOLATILE, so that each
-- statement inside sees what was committed while it waited for its lock. What is more than an expression is plpgsql,
-- which keeps its plans: PostgreSQL plans a function in SQL anew for each call (a refused hold: 0.55 ms against 0.31).

create function lock_fan(p_sale text, p_fan text) returns void language plpgsql as $$
begin
  perform pg_advisory_xact_lock(hashtextextended('fan ' || p_sale || ' ' || p_fan, 0));
end $$;

-- How long a request waits for a seat's row. Our own transactions have one for a few milliseconds, on a slow disk for
-- some tens; whoever has it for longer is from outside, and those who wait for it would soon have every connection. Applies until the end of the
-- transaction.
create function wait_briefly_for_seats() returns void language plpgsql as $$
begin
  perform set_config('lock_timeout', '300ms', true);
end $$;

create function lock_seats(p_event text, p_seats int[]) returns void language plpgsql as $$
declare
  v_locked int;
begin
  select count(*) into v_locked from (
    select from seat where event = p_event and seat = any (p_seats) order by seat for update
  ) locked;
  if v_locked <> cardinality(p_seats) then
    raise exception 'seats % of event % are not all there', p_seats, p_event;
  end if;
end $$;

-- Takeable: nobody's, or somebody's whose time is over.
create function seat_is_open(p_state smallint, p_held_until timestamptz) returns boolean language sql as $$
  select p_state = 0 or (p_state = 1 and p_held_until <= clock_timestamp())
$$;

create function seats_not_open(p_event text, p_seats int[]) returns int[] language plpgsql as $$
begin
  return (
    select coalesce(array_agg(seat order by seat), '{}') from seat
    where event = p_event and seat = any (p_seats) and not seat_is_open(state, held_until)
  );
end $$;

create function hold_is_live(p_state text, p_expires_at timestamptz) returns boolean language sql as $$
  select p_state = 'paying' or (p_state = 'active' and p_expires_at > clock_timestamp())
$$;

-- What a fan has in this sale, other than by one hold: live holds and what is bought.
create function seats_of_fan(p_sale text, p_fan text, p_except text) returns int language plpgsql as $$
begin
  return (
    select coalesce(sum(cardinality(seats)), 0)::int from hold
    where sale = p_sale and fan = p_fan and id <> p_except
      and (state = 'confirmed' or hold_is_live(state, expires_at))
  );
end $$;

-- When the fan's last live hold ends; null when there is none.
create function holds_of_fan_end(p_sale text, p_fan text) returns timestamptz language plpgsql as $$
begin
  return (
    select max(expires_at) from hold where sale = p_sale and fan = p_fan and hold_is_live(state, expires_at)
  );
end $$;

-- The first seat of the best block of adjacent open seats, null when there is none. Sections in the order given; in a
-- section first a block that leaves no seat alone, then the front row, then the middle of the row. Only the places next
-- to the one nearest to the middle need a look: a block leaves one seat alone at no more than two places of a gap, the
-- second and the last but one. Seats in `p_except` count as not open.
create function best_seats(p_event text, p_sections int[], p_quantity int, p_except int[] default '{}') returns int
language plpgsql as $$
declare
  v_ordinal int;
  v_section section%rowtype;
  v_first int;
begin
  foreach v_ordinal in array p_sections loop
    select * into v_section from section where event = p_event and ordinal = v_ordinal;
    select gap.first + place.shift into v_first
    from (
      select open.row_index, min(open.place) as place, min(open.seat) as first, count(*)::int as length
      from (
        select seat, place, row_index, place - row_number() over (partition by row_index order by seat) as gap
        from seat
        cross join lateral (
          select (seat - v_section.first_seat) / v_section.seats_per_row as row_index,
                 (seat - v_section.first_seat) % v_section.seats_per_row as place
        ) as position
        where event = p_event and seat_is_open(state, held_until) and seat <> all (p_except)
          and seat between v_section.first_seat
            and v_section.first_seat + v_section.rows * v_section.seats_per_row - 1
      ) as open
      group by open.row_index, open.gap
      having count(*) >= p_quantity
    ) as gap
    cross join lateral (
      select greatest(0, least((v_section.seats_per_row - p_quantity) / 2 - gap.place, gap.length - p_quantity)) as ideal
    ) as middle
    cross join lateral (
      select shift from generate_series(middle.ideal - 1, middle.ideal + 1) as shift
      where shift between 0 and gap.length - p_quantity
    ) as place
    order by
      (place.shift = 1)::int + (gap.length - p_quantity - place.shift = 1)::int,
      gap.row_index,
      abs(2 * (gap.place + place.shift) + p_quantity - v_section.seats_per_row),
      gap.place + place.shift
    limit 1;
    if found then
      return v_first;
    end if;
  end loop;
  return null;
end $$;

-- Picks and locks the best block, or returns null when there is none. Those who want the best come one after another,
-- so nobody may wait in here for a seat while there are others: a block with a seat that is locked is passed over. Only
-- when nothing else is left is it waited for, briefly, since whoever has it may yet leave it. Locks on a block that
-- was not to be had are given back before the next pick, so that seats are never locked out of order.
create function lock_best_seats(p_event text, p_sections int[], p_quantity int) returns int[]
language plpgsql as $$
declare
  v_first int;
  v_seats int[];
  v_locked int[];
  v_elsewhere int[] := '{}';
  v_wait boolean := false;
begin
  perform pg_advisory_xact_lock(hashtextextended('best ' || p_event, 0));
  for v_try in 1..20 loop
    v_first := best_seats(p_event, p_sections, p_quantity, v_elsewhere);
    if v_first is null and cardinality(v_elsewhere) > 0 then
      v_wait := true;
      v_elsewhere := '{}';
      perform wait_briefly_for_seats();
      v_first := best_seats(p_event, p_sections, p_quantity);
    end if;
    if v_first is null then
      return null;
    end if;
    v_seats := array(select generate_series(v_first, v_first + p_quantity - 1));
    begin
      if v_wait then
        perform lock_seats(p_event, v_seats);
      else
        v_locked := array(
          select seat from seat where event = p_event and seat = any (v_seats) order by seat for update skip locked
        );
        if cardinality(v_locked) < p_quantity then
          v_elsewhere := v_elsewhere || array(select unnest(v_seats) except select unnest(v_locked));
          raise exception using errcode = 'AO001';
        end if;
      end if;
      if cardinality(seats_not_open(p_event, v_seats)) > 0 then
        raise exception using errcode = 'AO001';
      end if;
      return v_seats;
    exception when sqlstate 'AO001' then
      null;
    end;
  end loop;
  raise exception 'others were faster twenty times' using errcode = 'lock_not_available';
end $$;

-- Gives back what a hold still has of seats that are locked. The seat keeps the hold's id: the next one overwrites it.
create function open_seats_of_hold(p_event text, p_hold text, p_seats int[]) returns void language plpgsql as $$
declare
  v_opened int[];
begin
  with opened as (
    update seat set state = 0, held_until = null
    where event = p_event and seat = any (p_seats) and hold = p_hold and state = 1
    returning seat
  )
  select array_agg(seat) into v_opened from opened;
  if v_opened is not null then
    insert into inventory_change (event, seats) values (p_event, v_opened);
  end if;
end $$;

-- Takes all the seats, named or the best, or none. Outcomes: held (also for the same request again), mismatch, taken,
-- limit (seats per fan), holds-limit (holds per admission). Waits only briefly for seats that are named.
create function take_seats(
  p_hold text, p_sale text, p_event text, p_fan text, p_admission text, p_key text, p_digest text,
  p_seats int[], p_quantity int, p_sections int[],
  p_hold_ms float8, p_seats_per_fan int, p_holds_per_admission int
) returns table (outcome text, hold text, seats int[], amount int, expires_at timestamptz, holds_end timestamptz)
language plpgsql as $$
#variable_conflict use_column
declare
  v_hold hold%rowtype;
  v_seats int[] := p_seats;
  v_conflicts int[] := '{}';
begin
  perform lock_fan(p_sale, p_fan);

  select * into v_hold from hold
  where sale = p_sale and fan = p_fan
    and (id = p_hold or (idempotency_key = p_key and hold_is_live(state, expires_at)))
  order by id = p_hold desc limit 1;
  if found then
    return query select case when v_hold.request_digest = p_digest then 'held' else 'mismatch' end,
      v_hold.id, v_hold.seats, v_hold.amount, v_hold.expires_at, holds_of_fan_end(p_sale, p_fan);
    return;
  end if;

  if (select count(*) from hold where sale = p_sale and fan = p_fan and admission = p_admission)
    >= p_holds_per_admission then
    return query select 'holds-limit', null, v_conflicts, 0, null::timestamptz, holds_of_fan_end(p_sale, p_fan);
    return;
  end if;
  if seats_of_fan(p_sale, p_fan, p_hold) + p_quantity > p_seats_per_fan then
    return query select 'limit', null, v_conflicts, 0, null::timestamptz, holds_of_fan_end(p_sale, p_fan);
    return;
  end if;

  if p_seats is null then
    v_seats := lock_best_seats(p_event, p_sections, p_quantity);
  else
    -- A refusal is true as of the moment it looked, so it needs no lock; a thousand losers then write nothing.
    v_conflicts := seats_not_open(p_event, p_seats);
    if cardinality(v_conflicts) = 0 then
      perform wait_briefly_for_seats();
      perform lock_seats(p_event, p_seats);
      v_conflicts := seats_not_open(p_event, p_seats);
    end if;
  end if;
  if v_seats is null or cardinality(v_conflicts) > 0 then
    return query select 'taken', null, v_conflicts, 0, null::timestamptz, holds_of_fan_end(p_sale, p_fan);
    return;
  end if;

  insert into hold (id, sale, event, fan, admission, idempotency_key, request_digest, state, seats, amount, expires_at)
  select p_hold, p_sale, p_event, p_fan, p_admission, p_key, p_digest, 'active', v_seats, sum(section.amount),
         clock_timestamp() + p_hold_ms * interval '1 millisecond'
  from unnest(v_seats) as wanted
  join section on section.event = p_event
    and wanted between section.first_seat and section.first_seat + section.rows * section.seats_per_row - 1
  returning * into v_hold;
  update seat set state = 1, hold = p_hold, held_until = v_hold.expires_at
  where event = p_event and seat = any (v_seats);
  insert into inventory_change (event, seats) values (p_event, v_seats);
  return query select 'held', v_hold.id, v_hold.seats, v_hold.amount, v_hold.expires_at,
    holds_of_fan_end(p_sale, p_fan);
end $$;

-- Outcomes: released (also when it was already, or had expired), paying, confirmed, missing.
create function release_hold(p_hold text, p_sale text, p_fan text)
returns table (outcome text, holds_end timestamptz) language plpgsql as $$
declare
  v_hold hold%rowtype;
begin
  perform lock_fan(p_sale, p_fan);
  select * into v_hold from hold where id = p_hold and sale = p_sale and fan = p_fan for update;
  outcome := case
    when not found then 'missing'
    when v_hold.state in ('paying', 'confirmed') then v_hold.state
    else 'released'
  end;
  if v_hold.state in ('active', 'expired') then
    perform end_holds(array[p_hold], 'released');
  end if;
  holds_end := holds_of_fan_end(p_sale, p_fan);
  return next;
end $$;

-- Locks what these holds still name, every seat once and sorted.
create function lock_seats_of_holds(p_holds text[]) returns void language plpgsql as $$
begin
  perform lock_seats(named.event, named.seats) from (
    select event, array_agg(distinct seat order by seat) as seats
    from hold cross join lateral unnest(seats) as seat
    where id = any (p_holds) group by event order by event
  ) as named;
end $$;

-- Ends holds whose rows are locked already.
create function end_holds(p_holds text[], p_state text) returns void language plpgsql as $$
begin
  perform lock_seats_of_holds(p_holds);
  update hold set state = p_state where id = any (p_holds);
  perform open_seats_of_hold(event, id, seats) from hold where id = any (p_holds);
end $$;

-- The fan left: whatever is not being paid is given back.
create function release_holds_of_fan(p_sale text, p_fan text) returns void language plpgsql as $$
declare
  v_holds text[];
begin
  perform lock_fan(p_sale, p_fan);
  v_holds := array(
    select id from hold where sale = p_sale and fan = p_fan and state = 'active' order by id for update
  );
  perform end_holds(v_holds, 'released');
end $$;

-- Only tidies: a hold past its time blocks nothing before either. Waits for nobody: a hold with a seat that is locked is
-- left for another time. Returns how many were tidied.
create function sweep_holds(p_limit int) returns int language plpgsql as $$
declare
  v_holds text[];
begin
  v_holds := array(
    select id from hold where state = 'active' and expires_at <= clock_timestamp()
    order by expires_at limit p_limit for update skip locked
  );
  v_holds := array(
    select locked.hold from (
      select named.hold, named.quantity
      from (
        select id as hold, event, cardinality(seats) as quantity, unnest(seats) as seat
        from hold where id = any (v_holds)
      ) as named
      join seat on seat.event = named.event and seat.seat = named.seat
      order by seat.event, seat.seat for update of seat skip locked
    ) as locked
    group by locked.hold, locked.quantity having count(*) = locked.quantity
  );
  perform end_holds(v_holds, 'expired');
  return cardinality(v_holds);
end $$;

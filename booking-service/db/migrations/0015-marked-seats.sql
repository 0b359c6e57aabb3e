-- Accessible seats and those of companions, as places in their section counted from 0 in the order row, number. They never
-- change and belong to the section: the rows of seats, which are written all the time, need not know.
alter table section
  add column accessible int[] not null default '{}',
  add column companions int[] not null default '{}';

-- As before, and which seats are accessible ones or a companion's.
create or replace function create_event(
  p_id text, p_name text, p_venue text, p_starts_at timestamptz, p_time_zone text, p_currency text, p_by text,
  p_sections jsonb
) returns void language plpgsql as $$
begin
  insert into event (id, name, venue, starts_at, time_zone, currency, created_by)
  values (p_id, p_name, p_venue, p_starts_at, p_time_zone, p_currency, p_by)
  on conflict (id) do nothing;
  if not found then
    return;
  end if;

  insert into section (event, ordinal, name, rows, seats_per_row, first_seat, amount, accessible, companions)
  select p_id, given.ordinal, given.name, given.rows, given.seats_per_row,
         coalesce(sum(given.rows * given.seats_per_row) over (
           order by given.ordinal rows between unbounded preceding and 1 preceding), 0),
         given.amount, coalesce(given.accessible, '{}'), coalesce(given.companions, '{}')
  from jsonb_to_recordset(p_sections)
    as given (ordinal int, name text, rows int, seats_per_row int, amount int, accessible int[], companions int[]);

  insert into seat (event, seat)
  select p_id, generate_series(0, sum(rows * seats_per_row)::int - 1) from section where event = p_id;
end $$;

-- As before, of named sections; accessible seats and those of companions count as not open. With `p_accessible` above 0
-- every open seat counts, exactly so many of the block are accessible ones, and after the seats left alone comes the
-- number of companion seats, the more the better. Planned anew each time, so that what is in a list of seats is looked up
-- in a table of it.
drop function best_seats(text, int[], int, int[]);
create function best_seats(
  p_event text, p_sections int[], p_quantity int, p_except int[] default '{}', p_accessible int default 0
) returns int
language plpgsql set plan_cache_mode = force_custom_plan as $$
declare
  v_ordinal int;
  v_section section%rowtype;
  v_marked int[];
  v_first int;
begin
  foreach v_ordinal in array p_sections loop
    select * into v_section from section where event = p_event and ordinal = v_ordinal;
    if p_accessible = 0 then
      v_marked := array(
        select v_section.first_seat + place from unnest(v_section.accessible || v_section.companions) as place
      );
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
          where event = p_event and seat_is_open(state, held_until) and seat <> all (p_except || v_marked)
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
    else
      select block.first into v_first
      from (
        select seat as first, row_index, place, place - min(place) over gap as before,
               max(place) over gap - place - p_quantity + 1 as behind,
               count(*) over block as length,
               count(*) filter (where is_accessible) over block as accessible,
               count(*) filter (where is_companion) over block as companions
        from (
          select seat, place, row_index, place - row_number() over (partition by row_index order by seat) as gap,
                 seat - v_section.first_seat = any (v_section.accessible) as is_accessible,
                 seat - v_section.first_seat = any (v_section.companions) as is_companion
          from seat
          cross join lateral (
            select (seat - v_section.first_seat) / v_section.seats_per_row as row_index,
                   (seat - v_section.first_seat) % v_section.seats_per_row as place
          ) as position
          where event = p_event and seat_is_open(state, held_until) and seat <> all (p_except)
            and seat between v_section.first_seat
              and v_section.first_seat + v_section.rows * v_section.seats_per_row - 1
            and row_index in (select marked / v_section.seats_per_row from unnest(v_section.accessible) as marked)
        ) as open
        window gap as (partition by row_index, gap),
               block as (partition by row_index, gap order by seat rows between current row and p_quantity - 1 following)
      ) as block
      where block.length = p_quantity and block.accessible = p_accessible
      order by
        (block.before = 1)::int + (block.behind = 1)::int,
        block.companions desc,
        block.row_index,
        abs(2 * block.place + p_quantity - v_section.seats_per_row),
        block.place
      limit 1;
    end if;
    if found then
      return v_first;
    end if;
  end loop;
  return null;
end $$;

-- As before, of a block with so many accessible seats.
drop function lock_best_seats(text, int[], int);
create function lock_best_seats(p_event text, p_sections int[], p_quantity int, p_accessible int default 0) returns int[]
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
    v_first := best_seats(p_event, p_sections, p_quantity, v_elsewhere, p_accessible);
    if v_first is null and cardinality(v_elsewhere) > 0 then
      v_wait := true;
      v_elsewhere := '{}';
      perform wait_briefly_for_seats();
      v_first := best_seats(p_event, p_sections, p_quantity, '{}', p_accessible);
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

-- As before; of the best seats `p_accessible` are accessible ones.
drop function take_seats(text, text, text, text, text, text, text, int[], int, int[], float8, int, int);
create function take_seats(
  p_hold text, p_sale text, p_event text, p_fan text, p_admission text, p_key text, p_digest text,
  p_seats int[], p_quantity int, p_sections int[],
  p_hold_ms float8, p_seats_per_fan int, p_holds_per_admission int, p_accessible int default 0
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
    v_seats := lock_best_seats(p_event, p_sections, p_quantity, p_accessible);
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

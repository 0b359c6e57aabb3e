-- Takes the named seats of many fans of one event in one call, judged one after another in the order given: all of an
-- attempt's seats or none, its fan's limits included. What one attempt is given counts for those behind it, and a loser
-- reserves nothing. Waits for nobody: an attempt whose fan or whose seats somebody else has locked is `busy`, to be made
-- again or by itself (take_seats), and delays no other. No fan may come twice in one call.
--
-- p_seats    all seats that are wanted, each once, sorted
-- p_wishes   of each attempt the seats it wants ('{14,16}'), likewise one value an attempt in the arrays that follow
-- p_places   the same as places in p_seats ('{1,3}', counting from 1)
--
-- Rows are found by their keys, whatever the planner thinks of tables that were small when it planned.
--
-- One row an attempt, in their order; outcomes as of take_seats, and busy. `seats` are those of a hold that was there
-- before, or the places that are taken.
create function take_seats_together(
  p_event text, p_seats int[], p_wishes text[], p_places text[], p_holds text[], p_sales text[], p_fans text[], p_admissions text[],
  p_keys text[], p_digests text[], p_hold_ms float8[], p_seats_per_fan int[], p_holds_per_admission int
) returns table (outcome text, hold text, seats int[], amount int, expires_at timestamptz, holds_end timestamptz)
language plpgsql
set join_collapse_limit = 1 set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
#variable_conflict use_column
declare
  c_open constant smallint := 0;
  c_taken constant smallint := 1;
  c_busy constant smallint := 2;
  v_is_mine bool[];
  v_states smallint[] := array_fill(c_busy, array[cardinality(p_seats)]);
  v_locked int := 0;
  v_firsts int[];
  v_amounts int[];
  v_attempt record;
  v_hold hold%rowtype;
  v_place int;
  v_is_busy bool;
  -- One value an attempt, null where it has lost;
  v_ends timestamptz[] := array_fill(null::timestamptz, array[cardinality(p_holds)]);
  v_totals int[] := array_fill(null::int, array[cardinality(p_holds)]);
  -- and one value a seat that is won.
  v_won_seats int[] := '{}';
  v_won_holds text[] := '{}';
  v_won_ends timestamptz[] := '{}';
begin
  v_is_mine := array(
    select pg_try_advisory_xact_lock(hashtextextended('fan ' || sale || ' ' || fan, 0))
    from unnest(p_sales, p_fans) with ordinality as given (sale, fan, n) order by n
  );

  -- A seat that is locked while it is open stays open for as long as this lasts. Of one that is not locked only what is
  -- committed counts: whoever has it locked may yet leave it as it was.
  for v_place in
    select wanted.place from unnest(p_seats) with ordinality as wanted (seat, place)
    join seat on seat.event = p_event and seat.seat = wanted.seat
    where seat_is_open(seat.state, seat.held_until) order by wanted.place for update of seat skip locked
  loop
    v_states[v_place] := c_open;
    v_locked := v_locked + 1;
  end loop;
  if v_locked < cardinality(p_seats) then
    for v_place in
      select wanted.place from unnest(p_seats) with ordinality as wanted (seat, place)
      join seat on seat.event = p_event and seat.seat = wanted.seat
      where not seat_is_open(seat.state, seat.held_until)
    loop
      v_states[v_place] := c_taken;
    end loop;
  end if;

  -- A seat is of the last section that begins before it: sections follow each other without gaps.
  select array_agg(first_seat order by first_seat), array_agg(section.amount order by first_seat) into v_firsts, v_amounts
  from section where event = p_event;

  for v_attempt in
    select given.n::int as n, given.id, given.sale, given.fan, given.digest, given.key, given.places::int[] as places,
           given.hold_ms, given.seats_per_fan, own.*
    from unnest(p_holds, p_sales, p_fans, p_admissions, p_keys, p_digests, p_places, p_hold_ms, p_seats_per_fan)
      with ordinality as given (id, sale, fan, admission, key, digest, places, hold_ms, seats_per_fan, n)
    cross join lateral (
      select
        count(*) filter (where hold.admission = given.admission) as made,
        coalesce(sum(cardinality(hold.seats))
          filter (where hold.state = 'confirmed' or hold_is_live(hold.state, hold.expires_at)), 0) as has,
        max(hold.expires_at) filter (where hold_is_live(hold.state, hold.expires_at)) as ends,
        bool_or(hold.id = given.id
          or (hold.idempotency_key = given.key and hold_is_live(hold.state, hold.expires_at))) as is_known
      from hold where hold.sale = given.sale and hold.fan = given.fan
    ) as own
    order by given.n
  loop
    outcome := 'held';
    hold := null;
    seats := '{}';
    amount := 0;
    expires_at := null;
    holds_end := v_attempt.ends;
    v_is_busy := not v_is_mine[v_attempt.n];
    if v_is_busy then
      null;
    elsif v_attempt.is_known then
      select * into v_hold from hold
      where sale = v_attempt.sale and fan = v_attempt.fan
        and (id = v_attempt.id or (idempotency_key = v_attempt.key and hold_is_live(state, hold.expires_at)))
      order by id = v_attempt.id desc limit 1;
      -- It may have ended between the two looks.
      v_is_busy := not found;
      outcome := case when v_hold.request_digest = v_attempt.digest then 'held' else 'mismatch' end;
      hold := v_hold.id;
      seats := v_hold.seats;
      amount := v_hold.amount;
      expires_at := v_hold.expires_at;
    elsif v_attempt.made >= p_holds_per_admission then
      outcome := 'holds-limit';
    elsif v_attempt.has + cardinality(v_attempt.places) > v_attempt.seats_per_fan then
      outcome := 'limit';
    else
      foreach v_place in array v_attempt.places loop
        if v_states[v_place] = c_taken then
          outcome := 'taken';
          seats := seats || p_seats[v_place];
        elsif v_states[v_place] = c_busy then
          v_is_busy := true;
        end if;
      end loop;
      if outcome = 'taken' then
        v_is_busy := false;
      elsif not v_is_busy then
        hold := v_attempt.id;
        expires_at := clock_timestamp() + v_attempt.hold_ms * interval '1 millisecond';
        holds_end := greatest(holds_end, expires_at);
        foreach v_place in array v_attempt.places loop
          v_states[v_place] := c_taken;
          seats := seats || p_seats[v_place];
          amount := amount + v_amounts[width_bucket(p_seats[v_place], v_firsts)];
          v_won_seats := v_won_seats || p_seats[v_place];
          v_won_holds := v_won_holds || hold;
          v_won_ends := v_won_ends || expires_at;
        end loop;
        v_ends[v_attempt.n] := expires_at;
        v_totals[v_attempt.n] := amount;
      end if;
    end if;
    if v_is_busy then
      outcome := 'busy';
    end if;
    return next;
  end loop;

  if cardinality(v_won_seats) = 0 then
    return;
  end if;
  insert into hold (id, sale, event, fan, admission, idempotency_key, request_digest, state, seats, amount, expires_at)
  select id, sale, p_event, fan, admission, key, digest, 'active', wish::int[], total, ends
  from unnest(p_holds, p_sales, p_fans, p_admissions, p_keys, p_digests, p_wishes, v_totals, v_ends)
    as given (id, sale, fan, admission, key, digest, wish, total, ends)
  where ends is not null;
  update seat set state = 1, hold = won.hold, held_until = won.ends
  from unnest(v_won_seats, v_won_holds, v_won_ends) as won (seat, hold, ends)
  where seat.event = p_event and seat.seat = won.seat;
  insert into inventory_change (event, seats) values (p_event, v_won_seats);
end $$;

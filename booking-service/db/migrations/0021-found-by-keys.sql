-- In the first minute of a sale PostgreSQL plans by what it last knew of the tables, when they held next to nothing: every way to
-- a row looks alike, and a wrong one costs a hundred times the right one until the tables are analysed. So nothing is left to
-- choose: whatever a fan waits for looks its rows up by whole keys. Measured, 128 items in a call, of 16,000 holds or orders:
-- holding seats of a new event among many 100/s, now 20,000; beginning 160 to 600 orders/s, now 10,000; confirming 160, now 5,000; claiming 100 waiting orders 38 ms, now 3; settling
-- and the test provider read their tables from end to end, 4 ms of 8,000 orders and more with every order ever made, now 0.5.

-- Indexes for organisers led by the sale were as good as the one by sale, fan and key, as far as the planner could tell, and it
-- looked for the orders of one fan among all of the sale. Under this name of the sale only organisers look.
drop index ticket_order_sale;
create index ticket_order_sale on ticket_order ((sale || ''), created_at, id);
drop index ticket_order_buyer;
create index ticket_order_buyer on ticket_order ((sale || ''), lower(buyer_email) text_pattern_ops);

-- The seats of an event that came to be since the table was analysed, which many seats of others put off, were taken for one or
-- none, and all of them read for every call: 100 holds/s. Of a column without statistics an even share is assumed.
alter table seat alter column event type text, alter column event set statistics 0;

-- As before, but each seat is looked up by event and number, whatever the planner takes an event for.
create or replace function take_seats_together(
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
    cross join lateral (
      select from seat
      where seat.event = p_event and seat.seat = wanted.seat and seat_is_open(seat.state, seat.held_until)
      for update skip locked
    ) as locked
  loop
    v_states[v_place] := c_open;
    v_locked := v_locked + 1;
  end loop;
  if v_locked < cardinality(p_seats) then
    for v_place in
      select wanted.place
      from (select p_event as event, unnest(p_seats) as seat, generate_subscripts(p_seats, 1) as place) as wanted
      join seat on seat.event = wanted.event and seat.seat = wanted.seat
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
  from (
    select p_event as event, unnest(v_won_seats) as seat, unnest(v_won_holds) as hold, unnest(v_won_ends) as ends
  ) as won
  where seat.event = won.event and seat.seat = won.seat;
  insert into inventory_change (event, seats) values (p_event, v_won_seats);
end $$;

-- As before, but the seats of the holds are known before the table of seats is looked into: joined at once, all seats of the
-- event were read for every hold.
create or replace function begin_orders(
  p_orders text[], p_sales text[], p_events text[], p_fans text[], p_admissions text[], p_keys text[], p_digests text[],
  p_holds text[], p_names text[], p_emails text[], p_email_keys text[], p_currencies text[], p_may_begin bool[],
  p_lease_ms float8[], p_payment_ms float8[], p_seats_per_fan int[], p_respond_async bool[], p_payment_tokens text[],
  p_is_full bool[], p_queue_numbers float8[], p_admitted_at float8[]
) returns table (outcome text, ticket_order text, seats int, amount int, currency text, failure text)
language plpgsql
set join_collapse_limit = 1 set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
#variable_conflict use_column
declare
  v_failed_orders_max constant int := 20;
  -- One value an order: whether its fan and buyer are locked, its hold, and its hold with all of its seats.
  v_is_mine bool[];
  v_is_locked bool[] := array_fill(false, array[cardinality(p_orders)]);
  v_is_held bool[] := array_fill(false, array[cardinality(p_orders)]);
  v_outcomes text[];
  v_ends timestamptz[];
  -- The order that the key belongs to already: nothing is written then.
  v_known text[];
  v_new text[];
  v_n int;
begin
  v_is_mine := array(
    select pg_try_advisory_xact_lock(hashtextextended('fan ' || sale || ' ' || fan, 0))
      and pg_try_advisory_xact_lock(hashtextextended('buyer ' || event || ' ' || email_key, 0))
    from unnest(p_sales, p_fans, p_events, p_email_keys) with ordinality as given (sale, fan, event, email_key, n)
    order by n
  );
  for v_n in
    select given.n
    from unnest(p_holds, v_is_mine) with ordinality as given (hold, is_mine, n) join hold on hold.id = given.hold
    where given.is_mine and hold.state in ('active', 'expired') for update of hold skip locked
  loop
    v_is_locked[v_n] := true;
  end loop;
  for v_n in select locked from lock_whole_holds(p_holds, v_is_locked) as locked loop
    v_is_held[v_n] := true;
  end loop;

  select array_agg(judged.outcome order by judged.n), array_agg(judged.ends order by judged.n),
    array_agg(judged.known order by judged.n)
  into v_outcomes, v_ends, v_known
  from (
    select given.n, known.id as known,
      case
        when not given.is_mine then null
        when known.id is not null then case
          when known.request_digest <> given.digest then 'mismatch'
          when known.state <> 'inProgress' then known.state
          when known.id = given.id then 'begun'
          when known.respond_async then 'waiting'
          when known.lease_until > clock_timestamp() then 'in-progress'
        end
        when not given.may_begin then 'finished'
        when given.is_full then 'full'
        when failed.orders >= v_failed_orders_max then 'attempts-limit'
        when hold.id is null then null
        when others.seats + cardinality(hold.seats) > given.seats_per_fan then 'fan-limit'
        when bought.seats + cardinality(hold.seats) > given.seats_per_fan then 'buyer-limit'
        else 'begun'
      end as outcome,
      case when hold.extended then hold.expires_at
        else greatest(hold.expires_at, add_milliseconds(given.payment_ms)) end as ends
    from unnest(p_orders, p_digests, p_sales, p_events, p_fans, p_admissions, p_keys, p_holds, p_email_keys, p_may_begin,
        p_payment_ms, p_seats_per_fan, p_is_full, v_is_mine, v_is_held)
      with ordinality as given (id, digest, sale, event, fan, admission, key, hold, email_key, may_begin, payment_ms, seats_per_fan,
        is_full, is_mine, is_held, n)
    left join ticket_order as known
      on known.sale = given.sale and known.fan = given.fan and known.idempotency_key = given.key
    left join hold on hold.id = given.hold and given.is_held
      and hold.sale = given.sale and hold.fan = given.fan and hold.event = given.event
    cross join lateral (
      select count(*) as orders from ticket_order
      where ticket_order.sale = given.sale and ticket_order.fan = given.fan
        and ticket_order.admission = given.admission and ticket_order.state = 'failed'
    ) as failed
    cross join lateral (
      select coalesce(sum(cardinality(other.seats)), 0) as seats from hold as other
      where other.sale = given.sale and other.fan = given.fan and other.id <> given.hold
        and (other.state = 'confirmed' or hold_is_live(other.state, other.expires_at))
    ) as others
    cross join lateral (
      select coalesce(sum(cardinality(other.seats)), 0) as seats
      from ticket_order join hold as other on other.id = ticket_order.hold
      where ticket_order.event = given.event and ticket_order.email_key = given.email_key
        and ticket_order.state in ('inProgress', 'confirmed')
    ) as bought
  ) as judged;

  v_new := array(
    select case when outcome = 'begun' and known is null then hold end
    from unnest(p_holds, v_outcomes, v_known) with ordinality as given (hold, outcome, known, n) order by n
  );
  update hold set state = 'paying', extended = true, expires_at = given.ends
  from unnest(v_new, v_ends) as given (hold, ends)
  where hold.id = given.hold;
  update seat set state = 1, held_until = named.expires_at
  from (
    select hold.event, hold.expires_at, unnest(hold.seats) as seat
    from unnest(v_new) as given (hold) join hold on hold.id = given.hold
  ) as named
  where seat.event = named.event and seat.seat = named.seat;
  insert into ticket_order (id, sale, event, fan, admission, idempotency_key, request_digest, hold,
    buyer_name, buyer_email, email_key, amount, currency, state, payment, lease_until, respond_async, payment_token,
    queue_number, admitted_at)
  select given.id, given.sale, given.event, given.fan, given.admission, given.key, given.digest, given.hold,
    given.name, given.email, given.email_key, hold.amount, given.currency, 'inProgress', 'unknown',
    add_milliseconds(given.lease_ms), given.respond_async, given.payment_token, given.queue_number, given.admitted_at
  from unnest(p_orders, p_sales, p_events, p_fans, p_admissions, p_keys, p_digests, v_new, p_names, p_emails,
      p_email_keys, p_currencies, p_lease_ms, p_respond_async, p_payment_tokens, p_queue_numbers,
      p_admitted_at)
    as given (id, sale, event, fan, admission, key, digest, hold, name, email, email_key, currency, lease_ms,
      respond_async, payment_token, queue_number, admitted_at)
  join hold on hold.id = given.hold;
  perform note_seats_of_holds(v_new);
  return query
    select given.outcome, written.id, coalesce(cardinality(hold.seats), 0), coalesce(written.amount, 0),
      coalesce(written.currency, given.currency), written.failure
    from unnest(p_orders, v_known, p_currencies, v_outcomes) with ordinality as given (id, known, currency, outcome, n)
    left join ticket_order as written on written.id = coalesce(given.known, given.id)
    left join hold on hold.id = written.hold
    order by given.n;
end $$;

-- As before, likewise.
create or replace function confirm_orders(p_orders text[], p_codes text[], p_kinds text[], p_messages text[], p_lease_ms float8)
returns table (state text, failure text) language plpgsql
set join_collapse_limit = 1 set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
#variable_conflict use_column
declare
  -- One value an order: its hold, null where it is not to be had; and whether it is confirmed.
  v_holds text[] := array_fill(null::text, array[cardinality(p_orders)]);
  v_is_mine bool[] := array_fill(false, array[cardinality(p_orders)]);
  v_states text[] := array_fill(null::text, array[cardinality(p_orders)]);
  -- And of those that are confirmed:
  v_won text[] := '{}';
  v_won_holds text[] := '{}';
  v_won_codes text[] := '{}';
  v_won_messages text[] := '{}';
  v_one record;
begin
  for v_one in
    select given.n::int as n, ticket_order.hold
    from unnest(p_orders) with ordinality as given (id, n) join ticket_order on ticket_order.id = given.id
    where ticket_order.state = 'inProgress' for update of ticket_order skip locked
  loop
    v_holds[v_one.n] := v_one.hold;
  end loop;
  for v_one in
    select given.n::int as n
    from unnest(v_holds, p_codes) with ordinality as given (hold, codes, n) join hold on hold.id = given.hold
    where cardinality(given.codes::text[]) = cardinality(hold.seats) for update of hold skip locked
  loop
    v_is_mine[v_one.n] := true;
  end loop;
  for v_one in select locked as n from lock_whole_holds(v_holds, v_is_mine) as locked loop
    v_states[v_one.n] := 'confirmed';
    v_won := v_won || p_orders[v_one.n];
    v_won_holds := v_won_holds || v_holds[v_one.n];
    v_won_codes := v_won_codes || p_codes[v_one.n];
    v_won_messages := v_won_messages || p_messages[v_one.n];
  end loop;

  update seat set state = 2, held_until = null
  from (
    select hold.event, unnest(hold.seats) as seat from unnest(v_won_holds) as won (id) join hold on hold.id = won.id
  ) as named
  where seat.event = named.event and seat.seat = named.seat;
  update hold set state = 'confirmed' from unnest(v_won_holds) as won (id) where hold.id = won.id;
  insert into ticket (code, ticket_order, event, seat)
  select sold.code, won.id, hold.event, sold.seat
  from unnest(v_won, v_won_holds, v_won_codes) as won (id, hold, codes)
  join hold on hold.id = won.hold
  cross join lateral unnest(won.codes::text[], hold.seats) as sold (code, seat);
  insert into outbox_message (id, kind, ticket_order)
  select message.id, message.kind, won.id
  from unnest(v_won, v_won_messages) as won (id, messages)
  cross join lateral unnest(won.messages::text[], p_kinds) as message (id, kind);
  update ticket_order
  set state = 'confirmed', payment = 'captureDue', lease_until = add_milliseconds(p_lease_ms), payment_token = null
  from unnest(v_won) as won (id) where ticket_order.id = won.id;
  perform note_seats_of_holds(v_won_holds);
  return query select word, null::text from unnest(v_states) as word;
end $$;

-- As before, but each order is looked up by its id.
create or replace function claim_waiting_orders(p_orders text[], p_lease_ms float8, p_claims text[] default null)
returns table (outcome text, seats int, amount int, currency text, payment_token text, attempts int, wait_ms float8)
language plpgsql
set join_collapse_limit = 1 set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
#variable_conflict use_column
declare
  v_mine text[] := array_fill(null::text, array[cardinality(p_orders)]);
  v_one record;
begin
  for v_one in
    select given.n::int as n, mine.id
    from unnest(p_orders, p_claims) with ordinality as given (id, claim, n)
    cross join lateral (
      select ticket_order.id from ticket_order
      where ticket_order.id = given.id and ticket_order.respond_async and ticket_order.state = 'inProgress'
        and (ticket_order.lease_until <= clock_timestamp() or ticket_order.lease_by = given.claim)
      for update skip locked
    ) as mine
  loop
    v_mine[v_one.n] := v_one.id;
  end loop;
  update ticket_order
  set attempts = attempts + (lease_by is null or mine.claim is null or lease_by <> mine.claim)::int,
    lease_until = add_milliseconds(p_lease_ms), lease_by = mine.claim
  from unnest(v_mine, p_claims) as mine (id, claim) where ticket_order.id = mine.id;
  return query
    select case when ticket_order.id is not null then 'claimed' end, cardinality(hold.seats), ticket_order.amount,
      ticket_order.currency, ticket_order.payment_token, ticket_order.attempts, 0::float8
    from unnest(v_mine) with ordinality as mine (id, n)
    left join ticket_order on ticket_order.id = mine.id
    left join hold on hold.id = ticket_order.hold
    order by mine.n;
end $$;

-- The provider was told what was owed. Returns the orders that are settled by that; not those that somebody has locked.
create function settle_orders(p_orders text[], p_owed text[]) returns setof text language plpgsql
set join_collapse_limit = 1 set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
begin
  return query
    with mine as materialized (
      select locked.id
      from unnest(p_orders, p_owed) as given (id, owed)
      cross join lateral (
        select ticket_order.id from ticket_order
        where ticket_order.id = given.id and ticket_order.payment = given.owed for update skip locked
      ) as locked
    )
    update ticket_order set payment = 'settled' from mine where ticket_order.id = mine.id
    returning ticket_order.id;
end $$;

-- As before.
create or replace function test_payments_busy(p_payments text[]) returns text[] language plpgsql
set join_collapse_limit = 1 set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
declare
  v_mine text[];
begin
  v_mine := array(
    select locked.payment from unnest(p_payments) as given (payment)
    cross join lateral (
      select stored.payment from test_payment as stored where stored.payment = given.payment for update skip locked
    ) as locked
  );
  return array(
    select stored.payment from unnest(p_payments) as given (payment)
    join test_payment as stored on stored.payment = given.payment where stored.payment <> all (v_mine)
  );
end $$;

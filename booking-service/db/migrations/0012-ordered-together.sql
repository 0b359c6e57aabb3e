-- The steps of many orders in one call each. They know the plain case only: whatever else an order meets is `null`, an
-- order to be taken further by the function for one (begin_order, confirm_order), which waits for others and knows every
-- case. They wait for nobody, and one order is decided by what is locked, as ever.
--
-- Rows are found by their keys, in the order in which the tables are written. The planner left to itself takes every array
-- for ten items long and may multiply one by another (confirming 128 orders: 130 ms instead of 12), and reads tables from end
-- to end that were small when it planned: in the first minute of a sale.

-- Locks the seats of these holds, of those that are asked for. Returns the places of the holds that still have all of theirs:
-- whose the seats are is all that counts, and not the clock. An expired hold that nobody has taken a seat of may be paid.
create function lock_whole_holds(p_holds text[], p_is_asked bool[]) returns setof int
language plpgsql
set join_collapse_limit = 1 set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
begin
  return query
    select locked.n from (
      select named.n, named.quantity
      from (
        select given.n::int as n, hold.id, hold.event, cardinality(hold.seats) as quantity, unnest(hold.seats) as seat
        from unnest(p_holds, p_is_asked) with ordinality as given (hold, is_asked, n)
        join hold on hold.id = given.hold
        where given.is_asked
      ) as named
      join seat on seat.event = named.event and seat.seat = named.seat
      where seat.hold = named.id and seat.state in (0, 1)
      for update of seat skip locked
    ) as locked
    group by locked.n, locked.quantity having count(*) = locked.quantity;
end $$;

-- The first step of many orders, at most one of a fan and of a buyer. One row an order, in their order; outcomes as of
-- begin_order: begun; what became of a key that is known; refused with nothing written (finished, full, attempts-limit,
-- fan-limit, buyer-limit); or null.
create function begin_orders(
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
  update seat set state = 1, held_until = hold.expires_at
  from unnest(v_new) as given (hold)
  join hold on hold.id = given.hold
  cross join lateral unnest(hold.seats) as named (seat)
  where seat.event = hold.event and seat.seat = named.seat;
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

-- Tells whoever keeps the inventory in memory that seats of these holds have changed: one note an event.
create function note_seats_of_holds(p_holds text[]) returns void language plpgsql
set join_collapse_limit = 1 set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
begin
  insert into inventory_change (event, seats)
  select hold.event, array_agg(named.seat)
  from unnest(p_holds) as given (id) join hold on hold.id = given.id
  cross join lateral unnest(hold.seats) as named (seat)
  group by hold.event;
end $$;

-- Many payments are authorised: sells the seats of their orders and writes tickets and outbox messages. `p_codes`: of each
-- order as many ticket codes as it has seats; `p_messages`: of each order the ids of its outbox messages, of p_kinds.
-- One row an order, in their order: confirmed, or null.
create function confirm_orders(p_orders text[], p_codes text[], p_kinds text[], p_messages text[], p_lease_ms float8)
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
  from unnest(v_won_holds) as won (id) join hold on hold.id = won.id
  cross join lateral unnest(hold.seats) as named (seat)
  where seat.event = hold.event and seat.seat = named.seat;
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

-- Takes many orders that wait for the worker; outcomes as of claim_waiting_order, or null.
create function claim_waiting_orders(p_orders text[], p_lease_ms float8)
returns table (outcome text, seats int, amount int, currency text, payment_token text, attempts int, wait_ms float8)
language plpgsql
set join_collapse_limit = 1 set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
#variable_conflict use_column
declare
  v_mine text[] := array_fill(null::text, array[cardinality(p_orders)]);
  v_one record;
begin
  for v_one in
    select given.n::int as n, given.id
    from unnest(p_orders) with ordinality as given (id, n) join ticket_order on ticket_order.id = given.id
    where ticket_order.respond_async and ticket_order.state = 'inProgress'
      and ticket_order.lease_until <= clock_timestamp()
    for update of ticket_order skip locked
  loop
    v_mine[v_one.n] := v_one.id;
  end loop;
  update ticket_order set attempts = attempts + 1, lease_until = add_milliseconds(p_lease_ms)
  from unnest(v_mine) as mine (id) where ticket_order.id = mine.id;
  return query
    select case when ticket_order.id is not null then 'claimed' end, cardinality(hold.seats), ticket_order.amount,
      ticket_order.currency, ticket_order.payment_token, ticket_order.attempts, 0::float8
    from unnest(v_mine) with ordinality as mine (id, n)
    left join ticket_order on ticket_order.id = mine.id
    left join hold on hold.id = ticket_order.hold
    order by mine.n;
end $$;

-- The test provider's commands, many payments at once; each is the same as for one (test_payment_authorise, _capture), or
-- `busy`: somebody has the payment locked, and it is to be asked for by itself.
create function test_payments_busy(p_payments text[]) returns text[] language plpgsql as $$
declare
  v_mine text[];
begin
  v_mine := array(
    select stored.payment from unnest(p_payments) as given (payment)
    join test_payment as stored on stored.payment = given.payment for update of stored skip locked
  );
  return array(
    select stored.payment from unnest(p_payments) as given (payment)
    join test_payment as stored on stored.payment = given.payment where stored.payment <> all (v_mine)
  );
end $$;

create function test_payment_authorise_all(p_payments text[], p_amounts int[], p_currencies text[], p_states text[])
returns table (state text) language plpgsql as $$
declare
  v_busy text[] := test_payments_busy(p_payments);
begin
  return query
    with known as (
      insert into test_payment as stored (payment, amount, currency, state, authorisations)
      select given.payment, given.amount, given.currency, given.state, 1
      from unnest(p_payments, p_amounts, p_currencies, p_states) as given (payment, amount, currency, state)
      where given.payment <> all (v_busy) order by given.payment
      on conflict (payment) do update set authorisations = stored.authorisations + 1
      returning stored.payment, stored.amount, stored.currency, stored.state
    )
    select case
      when known.payment is null then 'busy'
      when known.state <> 'cancelled' and (known.amount, known.currency) <> (given.amount, given.currency) then 'mismatch'
      else known.state
    end
    from unnest(p_payments, p_amounts, p_currencies) with ordinality as given (payment, amount, currency, n)
    left join known on known.payment = given.payment order by given.n;
end $$;

create function test_payment_capture_all(p_payments text[]) returns table (state text) language plpgsql as $$
declare
  v_busy text[] := test_payments_busy(p_payments);
begin
  return query
    with known as (
      update test_payment as stored
      set state = 'captured', captures = stored.captures + (stored.state = 'authorised')::int
      where stored.payment = any (p_payments) and stored.payment <> all (v_busy)
        and stored.state in ('authorised', 'captured')
      returning stored.payment, stored.state
    )
    select case when given.payment = any (v_busy) then 'busy' else known.state end
    from unnest(p_payments) with ordinality as given (payment, n)
    left join known on known.payment = given.payment order by given.n;
end $$;

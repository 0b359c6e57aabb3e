-- An order is written four times within a second: begun, claimed, confirmed, settled. Three of its nine indexes told by its state
-- and payment who has yet to do something for it, so that confirming and settling made the entries of all of them anew, and so did
-- claiming, for want of room on the page. What is yet to be done stands in a narrow table of its own instead, an order's indexes
-- have nothing in them that changes, and its page has room for its versions. Measured on two cores, all of them busy, in us an order
-- with up to 128 in a call: claiming 63 to 66, now 29 to 34; settling 58 to 74, now 33 to 47; beginning 138 to 153, now 119 to 127;
-- the test's provider capturing 35, now 16 to 25; confirming 173 to 190, still 167 to 199.

-- `book`: it waits for the worker. `ask`: nobody knows how its payment went. `tell`: the provider is owed a capture or a
-- cancellation, and no message has it. Kept by the triggers below, whoever writes orders.
create table order_work (
  kind text not null check (kind in ('book', 'ask', 'tell')),
  ticket_order text not null,
  primary key (kind, ticket_order)
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05);

create function work_of_order(p_respond_async boolean, p_state text, p_payment text, p_handed_over boolean) returns text
language sql immutable as $$
  select case
    when p_respond_async and p_state = 'inProgress' then 'book'
    when p_payment = 'unknown' then 'ask'
    when p_payment in ('captureDue', 'cancelDue') and not p_handed_over then 'tell'
  end
$$;

create function note_work_of_new_orders() returns trigger language plpgsql as $$
begin
  insert into order_work (kind, ticket_order)
  select kind, id from (
    select work_of_order(respond_async, state, payment, handed_over) as kind, id from added
  ) as work where kind is not null;
  return null;
end $$;

create function note_work_of_order() returns trigger language plpgsql as $$
declare
  v_kind text := work_of_order(new.respond_async, new.state, new.payment, new.handed_over);
begin
  delete from order_work
  where kind = work_of_order(old.respond_async, old.state, old.payment, old.handed_over) and ticket_order = old.id;
  if v_kind is not null then
    insert into order_work (kind, ticket_order) values (v_kind, new.id);
  end if;
  return null;
end $$;

-- Nothing may be written between this look and the triggers; and nobody may read who then writes: they would wait for this, and
-- the dropped indexes for them.
lock table ticket_order in access exclusive mode;
insert into order_work (kind, ticket_order)
select kind, id from (
  select work_of_order(respond_async, state, payment, handed_over) as kind, id from ticket_order
) as work where kind is not null;

create trigger work_is_noted after insert on ticket_order
referencing new table as added for each statement execute function note_work_of_new_orders();
create trigger work_is_noted_anew after update of respond_async, state, payment, handed_over on ticket_order for each row
when (
  work_of_order(old.respond_async, old.state, old.payment, old.handed_over)
    is distinct from work_of_order(new.respond_async, new.state, new.payment, new.handed_over)
) execute function note_work_of_order();

drop index ticket_order_waiting;
drop index ticket_order_unknown;
drop index ticket_order_owing;
alter table ticket_order set (fillfactor = 45);
alter table test_payment set (fillfactor = 60);

-- As before.
create or replace function claim_unsettled_orders(
  p_limit int, p_lease_ms float8, p_fan_first_ms float8, p_claim text default null
) returns table (ticket_order text, seats int, state text, payment text, attempts int) language sql
set enable_seqscan = off as $$
  update ticket_order
  set lease_until = add_milliseconds(p_lease_ms), lease_by = p_claim,
    attempts = attempts + (p_claim is null or lease_by is distinct from p_claim)::int
  where id in (
    select ticket_order.id from order_work join ticket_order on ticket_order.id = order_work.ticket_order
    where order_work.kind = 'ask'
      and ticket_order.payment = 'unknown' and not (ticket_order.respond_async and ticket_order.state = 'inProgress')
      and (
        ticket_order.lease_by = p_claim
        or ticket_order.lease_until <= clock_timestamp() and ticket_order.lease_until <= add_milliseconds(
          -p_fan_first_ms * 2 ^ least(greatest(ticket_order.attempts - 1, 0), 5)
            * case when ticket_order.attempts <= 1 then 1
              else 0.8 + 0.4 * (hashtext(ticket_order.id || ticket_order.attempts) & 1023) / 1023 end
        )
      )
    order by (ticket_order.lease_by = p_claim) is not true, ticket_order.lease_until
    limit p_limit for update of ticket_order skip locked
  )
  returning id, (select cardinality(seats) from hold where hold.id = ticket_order.hold), state, payment, attempts
$$;

-- As before.
create or replace function owe_by_message(p_limit int) returns int language plpgsql
set enable_seqscan = off as $$
declare
  v_handed_over int;
begin
  with owing as materialized (
    select ticket_order.id from order_work join ticket_order on ticket_order.id = order_work.ticket_order
    where order_work.kind = 'tell'
      and ticket_order.payment in ('captureDue', 'cancelDue') and not ticket_order.handed_over
      and ticket_order.lease_until <= clock_timestamp()
    limit p_limit for update of ticket_order skip locked
  ),
  handed_over as (
    update ticket_order set handed_over = true, lease_until = 'infinity' from owing where ticket_order.id = owing.id
    returning ticket_order.id, payment
  ),
  told as (
    insert into outbox_message (id, kind, ticket_order)
    select
      case payment when 'captureDue' then 'capture-' else 'cancellation-' end || id,
      case payment when 'captureDue' then 'payment-capture' else 'payment-cancellation' end,
      id
    from handed_over
    on conflict (id) do nothing
  )
  select count(*) into v_handed_over from handed_over;
  return v_handed_over;
end $$;

-- As before.
create or replace function hurry_payments(p_limit int, p_lease_ms float8) returns int language plpgsql
set enable_seqscan = off as $$
declare
  v_leased_to timestamptz := add_milliseconds(p_lease_ms);
  v_messages int;
  v_orders int;
begin
  update outbox_message set due_at = clock_timestamp()
  where id in (
    select id from outbox_message
    where state = 'due' and kind in ('payment-capture', 'payment-cancellation', 'payment-refund') and due_at > v_leased_to
    limit p_limit for update skip locked
  );
  get diagnostics v_messages = row_count;
  -- Asked about first, as if for the longest time.
  update ticket_order set lease_until = '-infinity'
  where id in (
    select ticket_order.id from order_work join ticket_order on ticket_order.id = order_work.ticket_order
    where order_work.kind = 'ask'
      and ticket_order.payment = 'unknown' and not (ticket_order.respond_async and ticket_order.state = 'inProgress')
      and ticket_order.attempts > 1
      and ticket_order.lease_until <= clock_timestamp() and ticket_order.lease_until > '-infinity'
    limit p_limit for update of ticket_order skip locked
  );
  get diagnostics v_orders = row_count;
  return greatest(v_messages, v_orders);
end $$;

-- As before, but what is locked is read with its lock and not once more.
create or replace function claim_waiting_orders(p_orders text[], p_lease_ms float8, p_claims text[] default null)
returns table (outcome text, seats int, amount int, currency text, payment_token text, attempts int, wait_ms float8)
language plpgsql
set join_collapse_limit = 1 set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
#variable_conflict use_column
declare
  v_mine text[] := array_fill(null::text, array[cardinality(p_orders)]);
  v_next int := 1;
  v_one record;
begin
  for v_one in
    select given.n::int as n, mine.id, cardinality(hold.seats) as seats, mine.amount, mine.currency, mine.payment_token,
      mine.attempts + (mine.lease_by is null or given.claim is null or mine.lease_by <> given.claim)::int as attempts
    from unnest(p_orders, p_claims) with ordinality as given (id, claim, n)
    cross join lateral (
      select ticket_order.* from ticket_order
      where ticket_order.id = given.id and ticket_order.respond_async and ticket_order.state = 'inProgress'
        and (ticket_order.lease_until <= clock_timestamp() or ticket_order.lease_by = given.claim)
      for update skip locked
    ) as mine
    join hold on hold.id = mine.hold
    order by given.n
  loop
    for i in v_next .. v_one.n - 1 loop
      return next;
    end loop;
    v_next := v_one.n + 1;
    v_mine[v_one.n] := v_one.id;
    outcome := 'claimed';
    seats := v_one.seats;
    amount := v_one.amount;
    currency := v_one.currency;
    payment_token := v_one.payment_token;
    attempts := v_one.attempts;
    wait_ms := 0;
    return next;
    outcome := null;
  end loop;
  for i in v_next .. cardinality(p_orders) loop
    return next;
  end loop;
  update ticket_order
  set attempts = ticket_order.attempts + (lease_by is null or mine.claim is null or lease_by <> mine.claim)::int,
    lease_until = add_milliseconds(p_lease_ms), lease_by = mine.claim
  from unnest(v_mine, p_claims) as mine (id, claim) where ticket_order.id = mine.id;
end $$;

-- As before, but a hold is read once, and what is known of an order is not looked up again for the answer.
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
  -- What is answered: of the order that is known, else of the one that is made.
  v_seats int[];
  v_amounts int[];
  v_currencies text[];
  v_failures text[];
  -- And of the holds that are paid now, one value a seat.
  v_paid_events text[];
  v_paid_seats int[];
  v_paid_ends timestamptz[];
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
    array_agg(judged.known order by judged.n), array_agg(judged.seats order by judged.n),
    array_agg(judged.amount order by judged.n), array_agg(judged.currency order by judged.n),
    array_agg(judged.failure order by judged.n)
  into v_outcomes, v_ends, v_known, v_seats, v_amounts, v_currencies, v_failures
  from (
    select given.n, known.id as known, cardinality(coalesce(hold_of_known.seats, hold.seats)) as seats,
      coalesce(known.amount, hold.amount) as amount, coalesce(known.currency, given.currency) as currency, known.failure,
      case
        when not given.is_mine then null
        when known.id is not null then case
          when known.request_digest <> given.digest then 'mismatch'
          when known.state <> 'inProgress' then known.state
          when known.id = given.id then 'begun'
          when known.respond_async then 'waiting'
          when known.lease_until > clock_timestamp() then 'in-progress'
        end
        when not given.may_begin or admission.bought > 0 then 'finished'
        when admission.under_way > 0 then 'in-progress'
        when given.is_full then 'full'
        when admission.failed >= v_failed_orders_max then 'attempts-limit'
        when hold.id is null then null
        when others.seats + cardinality(hold.seats) > given.seats_per_fan then 'fan-limit'
        when bought.seats + cardinality(hold.seats) > given.seats_per_fan then 'buyer-limit'
        else 'begun'
      end as outcome,
      case when hold.extended then hold.expires_at
        else greatest(hold.expires_at, add_milliseconds(given.payment_ms)) end as ends
    from unnest(p_orders, p_digests, p_sales, p_events, p_fans, p_admissions, p_keys, p_holds, p_email_keys, p_currencies,
        p_may_begin, p_payment_ms, p_seats_per_fan, p_is_full, v_is_mine, v_is_held)
      with ordinality as given (id, digest, sale, event, fan, admission, key, hold, email_key, currency, may_begin, payment_ms,
        seats_per_fan, is_full, is_mine, is_held, n)
    left join ticket_order as known
      on known.sale = given.sale and known.fan = given.fan and known.idempotency_key = given.key
    left join hold as hold_of_known on hold_of_known.id = known.hold
    left join hold on hold.id = given.hold and given.is_held
      and hold.sale = given.sale and hold.fan = given.fan and hold.event = given.event
    cross join lateral (
      select
        count(*) filter (where ticket_order.state in ('confirmed', 'refunded')) as bought,
        count(*) filter (where ticket_order.state = 'inProgress') as under_way,
        count(*) filter (where ticket_order.state = 'failed') as failed
      from ticket_order
      where ticket_order.sale = given.sale and ticket_order.fan = given.fan
        and ticket_order.admission = given.admission
    ) as admission
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
  select coalesce(array_agg(named.event), '{}'), coalesce(array_agg(named.seat), '{}'), coalesce(array_agg(named.ends), '{}')
  into v_paid_events, v_paid_seats, v_paid_ends
  from (
    select hold.event, unnest(hold.seats) as seat, given.ends
    from unnest(v_new, v_ends) as given (hold, ends) join hold on hold.id = given.hold
  ) as named;
  update hold set state = 'paying', extended = true, expires_at = given.ends
  from unnest(v_new, v_ends) as given (hold, ends)
  where hold.id = given.hold;
  update seat set state = 1, held_until = named.ends
  from unnest(v_paid_events, v_paid_seats, v_paid_ends) as named (event, seat, ends)
  where seat.event = named.event and seat.seat = named.seat;
  insert into ticket_order (id, sale, event, fan, admission, idempotency_key, request_digest, hold,
    buyer_name, buyer_email, email_key, amount, currency, state, payment, lease_until, respond_async, payment_token,
    queue_number, admitted_at)
  select given.id, given.sale, given.event, given.fan, given.admission, given.key, given.digest, given.hold,
    given.name, given.email, given.email_key, given.amount, given.currency, 'inProgress', 'unknown',
    add_milliseconds(given.lease_ms), given.respond_async, given.payment_token, given.queue_number, given.admitted_at
  from unnest(p_orders, p_sales, p_events, p_fans, p_admissions, p_keys, p_digests, v_new, p_names, p_emails,
      p_email_keys, v_amounts, p_currencies, p_lease_ms, p_respond_async, p_payment_tokens, p_queue_numbers,
      p_admitted_at)
    as given (id, sale, event, fan, admission, key, digest, hold, name, email, email_key, amount, currency, lease_ms,
      respond_async, payment_token, queue_number, admitted_at)
  where given.hold is not null;
  insert into inventory_change (event, seats)
  select named.event, array_agg(named.seat) from unnest(v_paid_events, v_paid_seats) as named (event, seat) group by named.event;
  return query
    select given.outcome,
      case when given.is_written then coalesce(given.known, given.id) end,
      case when given.is_written then given.seats else 0 end,
      case when given.is_written then given.amount else 0 end,
      given.currency, given.failure
    from (
      select id, known, currency, outcome, seats, amount, failure, known is not null or hold is not null as is_written, n
      from unnest(p_orders, v_known, v_currencies, v_outcomes, v_seats, v_amounts, v_failures, v_new) with ordinality
        as given (id, known, currency, outcome, seats, amount, failure, hold, n)
    ) as given
    order by given.n;
end $$;

-- As before, but a hold is read once.
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
  -- One value a seat that is sold.
  v_sold_orders text[];
  v_sold_codes text[];
  v_sold_events text[];
  v_sold_seats int[];
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

  select coalesce(array_agg(won.id), '{}'), coalesce(array_agg(sold.code), '{}'), coalesce(array_agg(hold.event), '{}'),
    coalesce(array_agg(sold.seat), '{}')
  into v_sold_orders, v_sold_codes, v_sold_events, v_sold_seats
  from unnest(v_won, v_won_holds, v_won_codes) as won (id, hold, codes)
  join hold on hold.id = won.hold
  cross join lateral unnest(won.codes::text[], hold.seats) as sold (code, seat);
  update seat set state = 2, held_until = null
  from unnest(v_sold_events, v_sold_seats) as sold (event, seat)
  where seat.event = sold.event and seat.seat = sold.seat;
  update hold set state = 'confirmed' from unnest(v_won_holds) as won (id) where hold.id = won.id;
  insert into ticket (code, ticket_order, event, seat)
  select code, id, event, seat
  from unnest(v_sold_codes, v_sold_orders, v_sold_events, v_sold_seats) as sold (code, id, event, seat);
  insert into outbox_message (id, kind, ticket_order)
  select message.id, message.kind, won.id
  from unnest(v_won, v_won_messages) as won (id, messages)
  cross join lateral unnest(won.messages::text[], p_kinds) as message (id, kind);
  update ticket_order
  set state = 'confirmed', payment = 'captureDue', lease_until = add_milliseconds(p_lease_ms), payment_token = null
  from unnest(v_won) as won (id) where ticket_order.id = won.id;
  insert into inventory_change (event, seats)
  select sold.event, array_agg(sold.seat) from unnest(v_sold_events, v_sold_seats) as sold (event, seat) group by sold.event;
  return query select word, null::text from unnest(v_states) as word;
end $$;

-- As before, but a payment is looked up once to lock it and once to change it; whether somebody has it locked is asked only
-- where one was not to be had.
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
  if cardinality(v_mine) = cardinality(p_payments) then
    return '{}';
  end if;
  return array(
    select stored.payment from unnest(p_payments) as given (payment)
    join test_payment as stored on stored.payment = given.payment where stored.payment <> all (v_mine)
  );
end $$;

create or replace function test_payment_capture_all(p_payments text[]) returns table (state text) language plpgsql
set join_collapse_limit = 1 set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
declare
  v_busy text[] := test_payments_busy(p_payments);
  v_states text[] := array_fill(null::text, array[cardinality(p_payments)]);
  v_one record;
begin
  for v_one in
    update test_payment as stored
    set state = 'captured', captures = stored.captures + (stored.state = 'authorised')::int
    from unnest(p_payments) with ordinality as given (payment, n)
    where stored.payment = given.payment and stored.payment <> all (v_busy) and stored.state in ('authorised', 'captured')
    returning given.n::int as n, stored.state
  loop
    v_states[v_one.n] := v_one.state;
  end loop;
  return query
    select case when given.payment = any (v_busy) then 'busy' else given.state end
    from unnest(p_payments, v_states) as given (payment, state);
end $$;

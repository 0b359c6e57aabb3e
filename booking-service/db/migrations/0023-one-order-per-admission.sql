-- What one admission buys is bounded here too, by its token's jti: one order, however often the token is replayed, at gateways
-- that do not know yet, or no longer, that it is finished. While one is under way no other begins; one that failed counts only
-- among those that may fail. Every beginning has the fan locked, so that of several at once each sees the ones before it.

create function orders_of_admission(p_sale text, p_fan text, p_admission text)
returns table (bought bigint, under_way bigint, failed bigint) language sql volatile
set enable_seqscan = off as $$
  select count(*) filter (where state in ('confirmed', 'refunded')), count(*) filter (where state = 'inProgress'),
    count(*) filter (where state = 'failed')
  from ticket_order where sale = p_sale and fan = p_fan and admission = p_admission
$$;

-- As before, but for that.
create or replace function begin_order(
  p_order text, p_sale text, p_event text, p_fan text, p_admission text, p_key text, p_digest text, p_hold text,
  p_name text, p_email text, p_email_key text, p_currency text,
  p_may_begin boolean, p_lease_ms float8, p_payment_ms float8, p_seats_per_fan int,
  p_respond_async boolean default false, p_payment_token text default null, p_is_full boolean default false,
  p_queue_number float8 default null, p_admitted_at float8 default null
) returns table (outcome text, ticket_order text, seats int, amount int, currency text, failure text)
language plpgsql as $$
#variable_conflict use_column
declare
  v_failed_orders_max constant int := 20;
  v_order ticket_order%rowtype;
  v_hold hold%rowtype;
  v_admission record;
begin
  -- Whoever is in the way has it for some milliseconds, or is from outside.
  perform wait_briefly_for_seats();
  perform lock_fan(p_sale, p_fan);
  select * into v_order from ticket_order
  where sale = p_sale and fan = p_fan and idempotency_key = p_key for update;
  if found then
    outcome := case
      when v_order.request_digest <> p_digest then 'mismatch'
      when v_order.state <> 'inProgress' then v_order.state
      when v_order.id = p_order then 'begun'
      when v_order.lease_by = p_order then 'taken-over'
      when v_order.respond_async then 'waiting'
      when v_order.lease_until > clock_timestamp() then 'in-progress'
      else 'taken-over'
    end;
    if outcome = 'taken-over' then
      -- An attempt was made already, so that whoever goes on asks the provider first.
      update ticket_order
      set lease_until = add_milliseconds(p_lease_ms), respond_async = p_respond_async,
        payment_token = p_payment_token, attempts = 1, lease_by = p_order
      where id = v_order.id;
    end if;
    select * into v_hold from hold where id = v_order.hold;
    return query select outcome, v_order.id, cardinality(v_hold.seats), v_order.amount, v_order.currency,
      v_order.failure;
    return;
  end if;

  select * into v_admission from orders_of_admission(p_sale, p_fan, p_admission);
  outcome := 'begun';
  if not p_may_begin or v_admission.bought > 0 then
    outcome := 'finished';
  elsif v_admission.under_way > 0 then
    outcome := 'in-progress';
  elsif p_is_full then
    outcome := 'full';
  elsif v_admission.failed >= v_failed_orders_max then
    outcome := 'attempts-limit';
  else
    perform lock_buyer(p_event, p_email_key);
    select * into v_hold from hold where id = p_hold and sale = p_sale and fan = p_fan for update;
    if not found or v_hold.state not in ('active', 'expired') then
      outcome := case when v_hold.state = 'paying' then 'in-progress' else 'hold-lost' end;
    else
      perform lock_seats(p_event, v_hold.seats);
      if not seats_are_of_hold(p_event, p_hold, v_hold.seats) then
        outcome := 'hold-lost';
      elsif seats_of_fan(p_sale, p_fan, p_hold) + cardinality(v_hold.seats) > p_seats_per_fan then
        outcome := 'fan-limit';
      elsif seats_of_buyer(p_event, p_email_key) + cardinality(v_hold.seats) > p_seats_per_fan then
        outcome := 'buyer-limit';
      end if;
    end if;
  end if;
  if outcome <> 'begun' then
    return query select outcome, null, 0, 0, p_currency, null;
    return;
  end if;

  if not v_hold.extended then
    v_hold.expires_at := greatest(v_hold.expires_at, add_milliseconds(p_payment_ms));
  end if;
  update hold set state = 'paying', extended = true, expires_at = v_hold.expires_at where id = p_hold;
  update seat set state = 1, held_until = v_hold.expires_at where event = p_event and seat = any (v_hold.seats);
  insert into ticket_order (id, sale, event, fan, admission, idempotency_key, request_digest, hold,
    buyer_name, buyer_email, email_key, amount, currency, state, payment, lease_until, respond_async,
    payment_token, queue_number, admitted_at)
  values (p_order, p_sale, p_event, p_fan, p_admission, p_key, p_digest, p_hold,
    p_name, p_email, p_email_key, v_hold.amount, p_currency, 'inProgress', 'unknown', add_milliseconds(p_lease_ms),
    p_respond_async, p_payment_token, p_queue_number, p_admitted_at);
  insert into inventory_change (event, seats) values (p_event, v_hold.seats);
  return query select outcome, p_order, cardinality(v_hold.seats), v_hold.amount, p_currency, null;
end $$;

-- As before, likewise. The look at the orders of the admission is written out: it is joined with all others of the call.
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
    from unnest(p_orders, p_digests, p_sales, p_events, p_fans, p_admissions, p_keys, p_holds, p_email_keys, p_may_begin,
        p_payment_ms, p_seats_per_fan, p_is_full, v_is_mine, v_is_held)
      with ordinality as given (id, digest, sale, event, fan, admission, key, hold, email_key, may_begin, payment_ms, seats_per_fan,
        is_full, is_mine, is_held, n)
    left join ticket_order as known
      on known.sale = given.sale and known.fan = given.fan and known.idempotency_key = given.key
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

-- Who has the lease: an id that is made before the call that takes it. The same call, made again because its answer was lost,
-- finds its own lease and has it anew, as if it had not been made before; nobody else's id is ever the same. Null where nobody
-- has one, and in orders from before.
alter table ticket_order add column lease_by text;

-- As before; who takes an order over does so by the id that its own order would have had.
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

  outcome := 'begun';
  if not p_may_begin then
    outcome := 'finished';
  elsif p_is_full then
    outcome := 'full';
  elsif (
    select count(*) from ticket_order
    where sale = p_sale and fan = p_fan and admission = p_admission and state = 'failed'
  ) >= v_failed_orders_max then
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

-- As before, by the id of a claim.
drop function claim_waiting_order(text, float8);
create function claim_waiting_order(p_order text, p_lease_ms float8, p_claim text default null)
returns table (outcome text, seats int, amount int, currency text, payment_token text, attempts int, wait_ms float8)
language plpgsql as $$
#variable_conflict use_column
declare
  v_order ticket_order%rowtype;
  v_now timestamptz;
  v_is_mine boolean;
begin
  select * into v_order from ticket_order where id = p_order for update;
  v_now := clock_timestamp();
  v_is_mine := coalesce(v_order.lease_by = p_claim, false);
  if not found or not v_order.respond_async or v_order.state <> 'inProgress' then
    return query select 'over', 0, 0, '', null, 0, 0::float8;
  elsif v_order.lease_until > v_now and not v_is_mine then
    return query select 'busy', 0, 0, '', null, v_order.attempts,
      1000 * extract(epoch from v_order.lease_until - v_now)::float8;
  else
    v_order.attempts := v_order.attempts + (not v_is_mine)::int;
    update ticket_order
    set attempts = v_order.attempts, lease_until = add_milliseconds(p_lease_ms), lease_by = p_claim
    where id = p_order;
    return query select 'claimed', cardinality(hold.seats), v_order.amount, v_order.currency, v_order.payment_token,
      v_order.attempts, 0::float8
    from hold where hold.id = v_order.hold;
  end if;
end $$;

-- As before, each by the id of its claim.
drop function claim_waiting_orders(text[], float8);
create function claim_waiting_orders(p_orders text[], p_lease_ms float8, p_claims text[] default null)
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
    from unnest(p_orders, p_claims) with ordinality as given (id, claim, n)
    join ticket_order on ticket_order.id = given.id
    where ticket_order.respond_async and ticket_order.state = 'inProgress'
      and (ticket_order.lease_until <= clock_timestamp() or ticket_order.lease_by = given.claim)
    for update of ticket_order skip locked
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

-- As before, by the id of a claim; what that has already comes first.
drop function claim_unsettled_orders(int, float8, float8);
create function claim_unsettled_orders(
  p_limit int, p_lease_ms float8, p_fan_first_ms float8, p_claim text default null
) returns table (ticket_order text, seats int, state text, payment text) language sql as $$
  update ticket_order set lease_until = add_milliseconds(p_lease_ms), lease_by = p_claim
  where id in (
    select id from ticket_order
    where payment <> 'settled' and not (respond_async and state = 'inProgress')
      and (
        lease_by = p_claim
        or lease_until <= clock_timestamp()
          and (payment <> 'unknown' or lease_until <= add_milliseconds(-p_fan_first_ms))
      )
    order by (lease_by = p_claim) is not true, lease_until limit p_limit for update skip locked
  )
  returning id, (select cardinality(seats) from hold where hold.id = ticket_order.hold), state, payment
$$;

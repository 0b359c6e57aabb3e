-- Orders that are taken now and booked by the worker. The row is the truth: a job that carries it is a hint, which may
-- be lost. `payment_token` is kept as long as the payment may still have to be authorised, and no longer.
-- `attempts`: how often somebody began to work on it. `lease_until` is, as before, until when somebody does; between two
-- attempts, how long the next one waits.
alter table ticket_order
  add column respond_async boolean not null default false,
  add column payment_token text,
  add column attempts int not null default 0,
  add constraint ticket_order_token check (payment_token is null or (respond_async and state = 'inProgress'));

create index ticket_order_waiting on ticket_order (id) where respond_async and state = 'inProgress';

-- Those that wait for the worker are handed out by claim_waiting_order.
drop index ticket_order_unsettled;
create index ticket_order_unsettled on ticket_order (lease_until)
where payment <> 'settled' and not (respond_async and state = 'inProgress');

create or replace function claim_unsettled_orders(p_limit int, p_lease_ms float8, p_fan_first_ms float8)
returns table (ticket_order text, seats int, state text, payment text) language sql as $$
  update ticket_order set lease_until = add_milliseconds(p_lease_ms)
  where id in (
    select id from ticket_order
    where payment <> 'settled' and not (respond_async and state = 'inProgress') and lease_until <= clock_timestamp()
      and (payment <> 'unknown' or lease_until <= add_milliseconds(-p_fan_first_ms))
    order by lease_until limit p_limit for update skip locked
  )
  returning id, (select cardinality(seats) from hold where hold.id = ticket_order.hold), state, payment
$$;

-- The first step of an order: claims the idempotency key and sets the hold to paying. Outcomes:
--   begun         go on and authorise (also when the answer to this very call was lost)
--   taken-over    an earlier attempt was not heard of for its lease: ask the provider before anything else
--   in-progress   another request works on this key, or on this hold
--   waiting       it waits for the worker, or the worker works on it
--   confirmed, refunded, failed   how the key ended
--   mismatch, finished, full, hold-lost, fan-limit, buyer-limit   refused, nothing written
--   attempts-limit   refused: too many orders of this admission have failed
-- With p_respond_async what is begun or taken over is the worker's, which pays with p_payment_token.
drop function begin_order(
  text, text, text, text, text, text, text, text, text, text, text, text, boolean, float8, float8, int
);
create function begin_order(
  p_order text, p_sale text, p_event text, p_fan text, p_admission text, p_key text, p_digest text, p_hold text,
  p_name text, p_email text, p_email_key text, p_currency text,
  p_may_begin boolean, p_lease_ms float8, p_payment_ms float8, p_seats_per_fan int,
  p_respond_async boolean default false, p_payment_token text default null, p_is_full boolean default false
) returns table (outcome text, ticket_order text, seats int, amount int, currency text, failure text)
language plpgsql as $$
#variable_conflict use_column
declare
  v_failed_orders_max constant int := 20;
  v_order ticket_order%rowtype;
  v_hold hold%rowtype;
begin
  perform lock_fan(p_sale, p_fan);
  select * into v_order from ticket_order
  where sale = p_sale and fan = p_fan and idempotency_key = p_key for update;
  if found then
    outcome := case
      when v_order.request_digest <> p_digest then 'mismatch'
      when v_order.state <> 'inProgress' then v_order.state
      when v_order.id = p_order then 'begun'
      when v_order.respond_async then 'waiting'
      when v_order.lease_until > clock_timestamp() then 'in-progress'
      else 'taken-over'
    end;
    if outcome = 'taken-over' then
      -- An attempt was made already, so that whoever goes on asks the provider first.
      update ticket_order
      set lease_until = add_milliseconds(p_lease_ms), respond_async = p_respond_async,
        payment_token = p_payment_token, attempts = 1
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
    payment_token)
  values (p_order, p_sale, p_event, p_fan, p_admission, p_key, p_digest, p_hold,
    p_name, p_email, p_email_key, v_hold.amount, p_currency, 'inProgress', 'unknown', add_milliseconds(p_lease_ms),
    p_respond_async, p_payment_token);
  insert into inventory_change (event, seats) values (p_event, v_hold.seats);
  return query select outcome, p_order, cardinality(v_hold.seats), v_hold.amount, p_currency, null;
end $$;

-- How an order that was not waited for has failed is told by mail. There is at most one such mail of an order.
create function mail_failure(p_order text) returns void language plpgsql as $$
begin
  insert into outbox_message (id, kind, ticket_order)
  values ('failed-' || p_order, 'order-failed-mail', p_order) on conflict do nothing;
end $$;

-- As before, and what was not waited for tells of its failure.
create or replace function confirm_order(p_order text, p_codes text[], p_messages jsonb, p_lease_ms float8)
returns table (state text, failure text) language plpgsql as $$
#variable_conflict use_column
declare
  v_order ticket_order%rowtype;
  v_hold hold%rowtype;
begin
  select * into v_order from ticket_order where id = p_order for update;
  if v_order.state <> 'inProgress' then
    return query select v_order.state, v_order.failure;
    return;
  end if;
  select * into v_hold from hold where id = v_order.hold for update;
  perform lock_seats(v_hold.event, v_hold.seats);

  if not seats_are_of_hold(v_hold.event, v_hold.id, v_hold.seats) then
    perform end_holds(array[v_hold.id], 'expired');
    update ticket_order
    set state = 'failed', failure = 'hold-lost', payment = 'cancelDue', lease_until = add_milliseconds(p_lease_ms),
      payment_token = null
    where id = p_order;
    if v_order.respond_async then
      perform mail_failure(p_order);
    end if;
    return query select 'failed', 'hold-lost';
    return;
  end if;

  if cardinality(p_codes) <> cardinality(v_hold.seats) then
    raise exception 'order % needs % ticket codes', p_order, cardinality(v_hold.seats);
  end if;
  update seat set state = 2, held_until = null where event = v_hold.event and seat = any (v_hold.seats);
  update hold set state = 'confirmed' where id = v_hold.id;
  insert into ticket (code, ticket_order, event, seat)
  select code, p_order, v_hold.event, seat from unnest(p_codes, v_hold.seats) as sold (code, seat);
  insert into outbox_message (id, kind, ticket_order)
  select given.id, given.kind, p_order from jsonb_to_recordset(p_messages) as given (id text, kind text);
  update ticket_order
  set state = 'confirmed', payment = 'captureDue', lease_until = add_milliseconds(p_lease_ms), payment_token = null
  where id = p_order;
  insert into inventory_change (event, seats) values (v_hold.event, v_hold.seats);
  return query select 'confirmed', null;
end $$;

create or replace function fail_order(p_order text, p_failure text, p_payment text, p_lease_ms float8)
returns table (state text, failure text) language plpgsql as $$
#variable_conflict use_column
declare
  v_order ticket_order%rowtype;
begin
  select * into v_order from ticket_order where id = p_order for update;
  if v_order.state <> 'inProgress' then
    return query select v_order.state, v_order.failure;
    return;
  end if;
  update hold set state = 'active' where id = v_order.hold and state = 'paying';
  update ticket_order
  set state = 'failed', failure = p_failure, payment = p_payment, lease_until = add_milliseconds(p_lease_ms),
    payment_token = null
  where id = p_order;
  if v_order.respond_async then
    perform mail_failure(p_order);
  end if;
  return query select 'failed', p_failure;
end $$;

-- Takes one order that waits for the worker. Outcomes:
--   claimed   the caller has it for the length of the lease
--   busy      somebody else has it, or the next attempt is not due yet: ask again in `wait_ms`
--   over      there is nothing (more) to do
create function claim_waiting_order(p_order text, p_lease_ms float8)
returns table (outcome text, seats int, amount int, currency text, payment_token text, attempts int, wait_ms float8)
language plpgsql as $$
#variable_conflict use_column
declare
  v_order ticket_order%rowtype;
  v_now timestamptz;
begin
  select * into v_order from ticket_order where id = p_order for update;
  v_now := clock_timestamp();
  if not found or not v_order.respond_async or v_order.state <> 'inProgress' then
    return query select 'over', 0, 0, '', null, 0, 0::float8;
  elsif v_order.lease_until > v_now then
    return query select 'busy', 0, 0, '', null, v_order.attempts,
      1000 * extract(epoch from v_order.lease_until - v_now)::float8;
  else
    update ticket_order set attempts = attempts + 1, lease_until = add_milliseconds(p_lease_ms) where id = p_order;
    return query select 'claimed', cardinality(hold.seats), v_order.amount, v_order.currency, v_order.payment_token,
      v_order.attempts + 1, 0::float8
    from hold where hold.id = v_order.hold;
  end if;
end $$;

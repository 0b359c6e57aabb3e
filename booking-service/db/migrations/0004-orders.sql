create function lock_buyer(p_event text, p_email_key text) returns void language plpgsql as $$
begin
  perform pg_advisory_xact_lock(hashtextextended('buyer ' || p_event || ' ' || p_email_key, 0));
end $$;

-- What an e-mail address has of an event, through whichever sale or queue entry: bought or being paid.
create function seats_of_buyer(p_event text, p_email_key text) returns int language plpgsql as $$
begin
  return (
    select coalesce(sum(cardinality(hold.seats)), 0)::int
    from ticket_order join hold on hold.id = ticket_order.hold
    where ticket_order.event = p_event and email_key = p_email_key
      and ticket_order.state in ('inProgress', 'confirmed')
  );
end $$;

-- The seats are this hold's as long as nobody took them since; the clock does not matter. They must be locked.
create function seats_are_of_hold(p_event text, p_hold text, p_seats int[]) returns boolean language plpgsql as $$
begin
  return (
    select bool_and(hold is not distinct from p_hold and state in (0, 1))
    from seat where event = p_event and seat = any (p_seats)
  );
end $$;

create function add_milliseconds(p_ms float8) returns timestamptz language sql as $$
  select clock_timestamp() + p_ms * interval '1 millisecond'
$$;

-- The first step of an order: claims the idempotency key and sets the hold to paying. Outcomes:
--   begun         go on and authorise (also when the answer to this very call was lost)
--   taken-over    an earlier attempt was not heard of for its lease: ask the provider before anything else
--   in-progress   another request works on this key, or on this hold
--   confirmed, refunded, failed   how the key ended
--   mismatch, finished, hold-lost, fan-limit, buyer-limit   refused, nothing written
--   attempts-limit   refused: too many orders of this admission have failed
create function begin_order(
  p_order text, p_sale text, p_event text, p_fan text, p_admission text, p_key text, p_digest text, p_hold text,
  p_name text, p_email text, p_email_key text, p_currency text,
  p_may_begin boolean, p_lease_ms float8, p_payment_ms float8, p_seats_per_fan int
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
      when v_order.lease_until > clock_timestamp() then 'in-progress'
      else 'taken-over'
    end;
    if outcome = 'taken-over' then
      update ticket_order set lease_until = add_milliseconds(p_lease_ms) where id = v_order.id;
    end if;
    select * into v_hold from hold where id = v_order.hold;
    return query select outcome, v_order.id, cardinality(v_hold.seats), v_order.amount, v_order.currency,
      v_order.failure;
    return;
  end if;

  outcome := 'begun';
  if not p_may_begin then
    outcome := 'finished';
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
    buyer_name, buyer_email, email_key, amount, currency, state, payment, lease_until)
  values (p_order, p_sale, p_event, p_fan, p_admission, p_key, p_digest, p_hold,
    p_name, p_email, p_email_key, v_hold.amount, p_currency, 'inProgress', 'unknown', add_milliseconds(p_lease_ms));
  insert into inventory_change (event, seats) values (p_event, v_hold.seats);
  return query select outcome, p_order, cardinality(v_hold.seats), v_hold.amount, p_currency, null;
end $$;

-- The payment is authorised: sells the seats and writes tickets and outbox messages, or, when somebody took a seat
-- meanwhile, fails the order and owes the provider a cancellation. Returns the order's state and failure; done again,
-- it changes nothing.
create function confirm_order(p_order text, p_codes text[], p_messages jsonb, p_lease_ms float8)
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
    set state = 'failed', failure = 'hold-lost', payment = 'cancelDue', lease_until = add_milliseconds(p_lease_ms)
    where id = p_order;
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
  set state = 'confirmed', payment = 'captureDue', lease_until = add_milliseconds(p_lease_ms)
  where id = p_order;
  insert into inventory_change (event, seats) values (v_hold.event, v_hold.seats);
  return query select 'confirmed', null;
end $$;

-- The payment did not come about: the hold is the fan's again. `p_payment` says whether the provider must still be told.
-- Returns the order's state and failure, which are those of another ending if that came first.
create function fail_order(p_order text, p_failure text, p_payment text, p_lease_ms float8)
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
  set state = 'failed', failure = p_failure, payment = p_payment, lease_until = add_milliseconds(p_lease_ms)
  where id = p_order;
  return query select 'failed', p_failure;
end $$;

-- Hands out orders that still owe something and that nobody works on. Who takes one has it for the length of the lease.
-- An order whose payment is unknown is first left to its fan's retry for a while.
create function claim_unsettled_orders(p_limit int, p_lease_ms float8, p_fan_first_ms float8)
returns table (ticket_order text, seats int, state text, payment text) language sql as $$
  update ticket_order set lease_until = add_milliseconds(p_lease_ms)
  where id in (
    select id from ticket_order where payment <> 'settled' and lease_until <= clock_timestamp()
      and (payment <> 'unknown' or lease_until <= add_milliseconds(-p_fan_first_ms))
    order by lease_until limit p_limit for update skip locked
  )
  returning id, (select cardinality(seats) from hold where hold.id = ticket_order.hold), state, payment
$$;

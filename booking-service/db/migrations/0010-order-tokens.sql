-- What the admission's token said when the order was begun, its queue number and when it was made (epoch seconds): the
-- gateway is told it with the completion, should Redis have lost the entry. Null in orders from before.
alter table ticket_order add column queue_number bigint, add column admitted_at bigint;

-- As before, and what the token said is kept.
drop function begin_order(
  text, text, text, text, text, text, text, text, text, text, text, text, boolean, float8, float8, int, boolean, text, boolean
);
create function begin_order(
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
    payment_token, queue_number, admitted_at)
  values (p_order, p_sale, p_event, p_fan, p_admission, p_key, p_digest, p_hold,
    p_name, p_email, p_email_key, v_hold.amount, p_currency, 'inProgress', 'unknown', add_milliseconds(p_lease_ms),
    p_respond_async, p_payment_token, p_queue_number, p_admitted_at);
  insert into inventory_change (event, seats) values (p_event, v_hold.seats);
  return query select outcome, p_order, cardinality(v_hold.seats), v_hold.amount, p_currency, null;
end $$;

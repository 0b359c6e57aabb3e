-- Captures and cancellations that an attempt has left owed are told to the provider by the outbox, as refunds are: with
-- back-off, among the dead letters after the last attempt, and again when the organiser says so. An attempt that tells them by
-- itself writes no message.
create function owe_by_message(p_limit int) returns int language plpgsql as $$
declare
  v_handed_over int;
begin
  with owing as materialized (
    select id from ticket_order
    where payment <> 'settled' and not (respond_async and state = 'inProgress')
      and payment in ('captureDue', 'cancelDue') and lease_until <= clock_timestamp()
    limit p_limit for update skip locked
  ),
  -- From now on it is the message's.
  handed_over as (
    update ticket_order set lease_until = 'infinity' from owing where ticket_order.id = owing.id
    returning ticket_order.id, payment
  ),
  told as (
    insert into outbox_message (id, kind, ticket_order)
    select
      case payment when 'captureDue' then 'capture-' else 'cancellation-' end || id,
      case payment when 'captureDue' then 'payment-capture' else 'payment-cancellation' end,
      id
    from handed_over
    on conflict (id) do update set state = 'due', attempts = 0, due_at = clock_timestamp()
    where outbox_message.state = 'sent'
  )
  select count(*) into v_handed_over from handed_over;
  return v_handed_over;
end $$;

-- As before; a capture that was given up is nobody's concern any more.
create or replace function owe_refund_when_due() returns trigger language plpgsql as $$
begin
  perform owe_refund(new.id);
  update outbox_message set state = 'sent', last_error = null where id = 'capture-' || new.id and state <> 'sent';
  return null;
end $$;

-- Money is not forgotten: what was given up `p_after_ms` ago has one more attempt. Returns how many have.
create function retry_given_up_payments(p_limit int, p_after_ms float8, p_attempts_max int) returns int language plpgsql as $$
declare
  v_retried int;
begin
  update outbox_message set state = 'due', attempts = p_attempts_max - 1, due_at = clock_timestamp()
  where id in (
    select id from outbox_message
    where state = 'dead' and kind in ('payment-capture', 'payment-cancellation', 'payment-refund')
      and due_at <= add_milliseconds(-p_after_ms)
    limit p_limit for update skip locked
  );
  get diagnostics v_retried = row_count;
  return v_retried;
end $$;

-- As before, of orders only of which nobody knows how they are to end. The longer the provider cannot say it, the more seldom
-- it is asked: `p_fan_first_ms` after the lease at first, then twice as long each time, 32 times as long at most, a fifth more
-- or less by order and attempt. The lease itself stays short: behind it the fan's own retry, with its card, may go on.
drop function claim_unsettled_orders(int, float8, float8, text);
create function claim_unsettled_orders(
  p_limit int, p_lease_ms float8, p_fan_first_ms float8, p_claim text default null
) returns table (ticket_order text, seats int, state text, payment text, attempts int) language sql as $$
  update ticket_order
  set lease_until = add_milliseconds(p_lease_ms), lease_by = p_claim,
    attempts = attempts + (p_claim is null or lease_by is distinct from p_claim)::int
  where id in (
    select id from ticket_order
    where payment <> 'settled' and not (respond_async and state = 'inProgress') and payment = 'unknown'
      and (
        lease_by = p_claim
        or lease_until <= clock_timestamp() and lease_until <= add_milliseconds(
          -p_fan_first_ms * 2 ^ least(greatest(attempts - 1, 0), 5)
            * case when attempts <= 1 then 1 else 0.8 + 0.4 * (hashtext(id || attempts) & 1023) / 1023 end
        )
      )
    order by (lease_by = p_claim) is not true, lease_until limit p_limit for update skip locked
  )
  returning id, (select cardinality(seats) from hold where hold.id = ticket_order.hold), state, payment, attempts
$$;

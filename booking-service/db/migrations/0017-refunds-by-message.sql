-- A refund is told to the provider by the outbox, like everything that is told to somebody else: with back-off, among the dead
-- letters after the last attempt, and again when the organiser says so. There is at most one such message of an order.
create function owe_refund(p_order text) returns void language plpgsql as $$
begin
  insert into outbox_message (id, kind, ticket_order)
  values ('refund-' || p_order, 'payment-refund', p_order) on conflict do nothing;
end $$;

-- Whoever makes one due, a service of before this migration too.
create function owe_refund_when_due() returns trigger language plpgsql as $$
begin
  perform owe_refund(new.id);
  return null;
end $$;

-- Waits for whoever writes orders at this moment, so that none falls between it and the look at the end.
create trigger refund_is_owed after update of payment on ticket_order for each row
when (new.payment = 'refundDue' and old.payment is distinct from 'refundDue') execute function owe_refund_when_due();

-- As before, without refunds.
create or replace function claim_unsettled_orders(
  p_limit int, p_lease_ms float8, p_fan_first_ms float8, p_claim text default null
) returns table (ticket_order text, seats int, state text, payment text) language sql as $$
  update ticket_order set lease_until = add_milliseconds(p_lease_ms), lease_by = p_claim
  where id in (
    select id from ticket_order
    where payment <> 'settled' and payment <> 'refundDue' and not (respond_async and state = 'inProgress')
      and (
        lease_by = p_claim
        or lease_until <= clock_timestamp()
          and (payment <> 'unknown' or lease_until <= add_milliseconds(-p_fan_first_ms))
      )
    order by (lease_by = p_claim) is not true, lease_until limit p_limit for update skip locked
  )
  returning id, (select cardinality(seats) from hold where hold.id = ticket_order.hold), state, payment
$$;

-- Those that are owed already.
do $$
begin
  perform owe_refund(id) from ticket_order where payment = 'refundDue';
end $$;

-- A refund is told to the provider by the outbox, like everything that is told to somebody else: with back-off, among the dead
-- letters after the last attempt, and again when the organiser says so. There is at most one such message of an order.
create function owe_refund(p_order text) returns void language plpgsql as $$
begin
  insert into outbox_message (id, kind, ticket_order)
  values ('refund-' || p_order, 'payment-refund', p_order) on conflict do nothing;
end $$;

-- As before, and the money is owed by a message.
create or replace function refund_order(p_order text, p_audit text, p_message text, p_by text, p_reason text)
returns text language plpgsql as $$
declare
  v_order ticket_order%rowtype;
  v_hold hold%rowtype;
begin
  select * into v_order from ticket_order where id = p_order for update;
  if not found or v_order.state <> 'confirmed' then
    return v_order.state;
  end if;
  select * into v_hold from hold where id = v_order.hold for update;
  perform lock_seats(v_hold.event, v_hold.seats);

  update ticket set live = false where ticket_order = p_order;
  update seat set state = 0, held_until = null
  where event = v_hold.event and seat = any (v_hold.seats) and hold = v_hold.id and state = 2;
  update hold set state = 'released' where id = v_hold.id;
  update ticket_order set state = 'refunded', payment = 'refundDue', lease_until = clock_timestamp() where id = p_order;
  insert into outbox_message (id, kind, ticket_order) values (p_message, 'order-refunded-mail', p_order);
  perform owe_refund(p_order);
  insert into audit_entry (id, by, action, event, sale, ticket_order, seats, before, after, reason)
  values (p_audit, p_by, 'refund', v_order.event, v_order.sale, p_order, v_hold.seats,
    '{"state": "confirmed"}', '{"state": "refunded"}', p_reason);
  insert into inventory_change (event, seats) values (v_hold.event, v_hold.seats);
  return 'confirmed';
end $$;

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

-- What organisers do to seats, orders and mail, and the book of it.

-- The strongest lock that anything below takes, first: taken bit by bit it would come into a deadlock with a busy shop.
lock table ticket_order in access exclusive mode;

-- Acts that are not changes of a sale's settings (those are in sale_change). `before` and `after` are the facts that
-- the act changed. Without a sale it concerns all sales of the event.
create table audit_entry (
  id text primary key,
  at timestamptz not null default clock_timestamp(),
  by text not null,
  action text not null check (action in ('block', 'unblock', 'refund', 'resend')),
  event text not null,
  sale text,
  ticket_order text,
  message text,
  seats int[],
  before jsonb not null,
  after jsonb not null,
  reason text
);

create index audit_entry_event on audit_entry (event, at);

-- What was done cannot be made undone by writing over it.
create function refuse_rewriting() returns trigger language plpgsql as $$
begin
  raise exception '% is append-only', tg_table_name using errcode = 'insufficient_privilege';
end $$;

create trigger append_only before update or delete or truncate on audit_entry
for each statement execute function refuse_rewriting();
create trigger append_only before update or delete or truncate on sale_change
for each statement execute function refuse_rewriting();

-- Version 1 is what a sale was made with, so that every change has one before it. What a sale that was changed already
-- was made with is not known any more.
insert into sale_change (sale, version, at, by, action, settings)
select id, 1, created_at, created_by, 'makeSale', settings from sale where version = 1;

-- Organisers read the newest of a sale's orders, and of dead letters, first.
create index ticket_order_sale on ticket_order (sale, created_at, id);
create index outbox_message_dead on outbox_message (created_at, id) where state = 'dead';

-- refundDue: the money is to be given back, or never to be taken.
alter table ticket_order drop constraint ticket_order_payment_check;
alter table ticket_order add constraint ticket_order_payment_check
  check (payment in ('unknown', 'captureDue', 'cancelDue', 'refundDue', 'settled'));

-- The test provider can give back what it captured.
alter table test_payment drop constraint test_payment_state_check;
alter table test_payment add constraint test_payment_state_check
  check (state in ('authorised', 'declined', 'captured', 'cancelled', 'refunded'));
alter table test_payment add column refunds int not null default 0;

create function test_payment_refund(p_payment text) returns text language sql as $$
  update test_payment
  set state = 'refunded', refunds = refunds + (state = 'captured')::int
  where payment = p_payment and state in ('captured', 'refunded')
  returning state
$$;

-- Blocks all the seats or none; only open ones, a hold past its time included, can be had. Outcomes: blocked, with the
-- seats that were not before (none when all were, and the same ones when it is asked again with the same audit id), or
-- taken, with those that are held or sold. The hold's id is cleared: a late payment of it must not win the seat back.
create function block_seats(p_audit text, p_event text, p_seats int[], p_by text, p_reason text)
returns table (outcome text, seats int[]) language plpgsql as $$
#variable_conflict use_column
declare
  v_seats int[];
begin
  perform wait_briefly_for_seats();
  perform lock_seats(p_event, p_seats);
  select audit_entry.seats into v_seats from audit_entry where id = p_audit;
  if found then
    return query select 'blocked', v_seats;
    return;
  end if;

  v_seats := array(
    select seat from seat where event = p_event and seat = any (p_seats) and state <> 3 order by seat
  );
  if cardinality(seats_not_open(p_event, v_seats)) > 0 then
    return query select 'taken', seats_not_open(p_event, v_seats);
    return;
  end if;
  if cardinality(v_seats) > 0 then
    update seat set state = 3, hold = null, held_until = null where event = p_event and seat = any (v_seats);
    insert into audit_entry (id, by, action, event, seats, before, after, reason)
    values (p_audit, p_by, 'block', p_event, v_seats, '{"status": "open"}', '{"status": "blocked"}', p_reason);
    insert into inventory_change (event, seats) values (p_event, v_seats);
  end if;
  return query select 'blocked', v_seats;
end $$;

-- Opens what is blocked of these seats, whatever the others are. Returns the seats that were blocked; asked again with
-- the same audit id, the same ones.
create function unblock_seats(p_audit text, p_event text, p_seats int[], p_by text, p_reason text)
returns int[] language plpgsql as $$
#variable_conflict use_column
declare
  v_seats int[];
begin
  perform wait_briefly_for_seats();
  perform lock_seats(p_event, p_seats);
  select audit_entry.seats into v_seats from audit_entry where id = p_audit;
  if found then
    return v_seats;
  end if;

  v_seats := array(
    select seat from seat where event = p_event and seat = any (p_seats) and state = 3 order by seat
  );
  if cardinality(v_seats) > 0 then
    update seat set state = 0 where event = p_event and seat = any (v_seats);
    insert into audit_entry (id, by, action, event, seats, before, after, reason)
    values (p_audit, p_by, 'unblock', p_event, v_seats, '{"status": "blocked"}', '{"status": "open"}', p_reason);
    insert into inventory_change (event, seats) values (p_event, v_seats);
  end if;
  return v_seats;
end $$;

-- Ends a confirmed order: its tickets admit nobody any more, its seats are open again, its fan is told by mail, and the
-- provider is owed a refund, which is due at once. Whatever was owed before (a capture) is owed no longer: who settles
-- the refund looks whether there is anything to give back. Returns the state it found: confirmed (so it was refunded),
-- refunded (before, or by this very call), inProgress, failed; null when there is no such order.
create function refund_order(p_order text, p_audit text, p_message text, p_by text, p_reason text)
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
  insert into audit_entry (id, by, action, event, sale, ticket_order, seats, before, after, reason)
  values (p_audit, p_by, 'refund', v_order.event, v_order.sale, p_order, v_hold.seats,
    '{"state": "confirmed"}', '{"state": "refunded"}', p_reason);
  insert into inventory_change (event, seats) values (v_hold.event, v_hold.seats);
  return 'confirmed';
end $$;

-- Puts a dead letter back with fresh attempts. Returns the state it found: dead (so it is due again), due, sent; null
-- when there is no such message.
create function resend_message(p_message text, p_audit text, p_by text, p_reason text)
returns text language plpgsql as $$
declare
  v_message outbox_message%rowtype;
begin
  select * into v_message from outbox_message where id = p_message for update;
  if not found or v_message.state <> 'dead' then
    return v_message.state;
  end if;
  update outbox_message set state = 'due', attempts = 0, due_at = clock_timestamp() where id = p_message;
  insert into audit_entry (id, by, action, event, sale, ticket_order, message, before, after, reason)
  select p_audit, p_by, 'resend', event, sale, id, p_message,
    jsonb_build_object('state', 'dead', 'attempts', v_message.attempts), '{"state": "due", "attempts": 0}', p_reason
  from ticket_order where id = v_message.ticket_order;
  return 'dead';
end $$;

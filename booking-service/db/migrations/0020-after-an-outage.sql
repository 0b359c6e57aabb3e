-- Stores changes in the order of their versions, each once, and moves the sale on with them. A version alone proves nothing:
-- a Redis that has lost its last seconds gives the same one again, to another change. What is stored already must be this very
-- change (settings that came to be since it was stored are beside the point); at the first that is not, it ends there:
-- `recorded` is then less than the last version that was given, and what was made from that one is not stored either. No row
-- when there is no such sale.
create function record_sale_changes(p_sale text, p_changes jsonb)
returns table (version int, recorded int) language plpgsql as $$
#variable_conflict use_column
declare
  v_sale sale%rowtype;
  v_was int;
  v_change record;
begin
  select * into v_sale from sale where id = p_sale for update;
  if not found then
    return;
  end if;
  v_was := v_sale.version;
  recorded := v_was;

  for v_change in
    select given.version, given.at, given.by as organiser, given.action, given.reason, given.settings
    from jsonb_to_recordset(p_changes)
      as given (version int, at timestamptz, by text, action text, reason text, settings jsonb)
    order by given.version
  loop
    if v_change.version > v_sale.version then
      insert into sale_change (sale, version, at, by, action, reason, settings)
      values (p_sale, v_change.version, v_change.at, v_change.organiser, v_change.action, v_change.reason,
        v_change.settings);
      v_sale.version := v_change.version;
      v_sale.settings := v_change.settings;
    elsif not exists (
      select from sale_change as known
      where known.sale = p_sale and known.version = v_change.version and known.at = v_change.at
        and known.by = v_change.organiser and known.action = v_change.action and v_change.settings @> known.settings
    ) then
      recorded := v_change.version - 1;
      exit;
    end if;
    recorded := v_change.version;
  end loop;

  if v_sale.version > v_was then
    update sale set settings = v_sale.settings, version = v_sale.version where id = p_sale;
    insert into inventory_change (event, sale) values (v_sale.event, p_sale);
  end if;
  version := v_sale.version;
  return next;
end $$;

-- For a service of before this migration: the version that it answers with is one up to which everything is recorded.
create or replace function append_sale_changes(p_sale text, p_changes jsonb) returns int language sql as $$
  select least(version, recorded) from record_sale_changes(p_sale, p_changes)
$$;

-- While the provider is away its messages pile up. Whoever looks for messages of a kind reads those of that kind only, and of
-- these only what is due.
create index outbox_message_due_of_kind on outbox_message (kind, due_at) where state = 'due';
drop index outbox_message_due;

-- As before; the moment is taken once, so that the index is asked for it.
create or replace function claim_outbox_message(p_kind text, p_lease_ms float8)
returns table (id text, kind text, ticket_order text, attempts int) language plpgsql as $$
#variable_conflict use_column
declare
  v_now timestamptz := clock_timestamp();
begin
  return query
    update outbox_message set attempts = attempts + 1, due_at = add_milliseconds(p_lease_ms)
    where id = (
      select id from outbox_message where state = 'due' and kind = p_kind and due_at <= v_now
      order by due_at limit 1 for update skip locked
    )
    returning id, kind, ticket_order, attempts;
end $$;

-- What a message is to tell, for good, is out of the way of whoever looks for orders: a column of its own, for `lease_until`
-- in an index would keep leases from staying on their page.
alter table ticket_order add column handed_over boolean not null default false;
update ticket_order set handed_over = true where payment in ('captureDue', 'cancelDue') and lease_until = 'infinity';
drop index ticket_order_unsettled;
create index ticket_order_unknown on ticket_order (id)
where payment = 'unknown' and not (respond_async and state = 'inProgress');
create index ticket_order_owing on ticket_order (id) where payment in ('captureDue', 'cancelDue') and not handed_over;

-- As before, once an order.
create or replace function owe_by_message(p_limit int) returns int language plpgsql as $$
declare
  v_handed_over int;
begin
  with owing as materialized (
    select id from ticket_order
    where payment in ('captureDue', 'cancelDue') and not handed_over and lease_until <= clock_timestamp()
    limit p_limit for update skip locked
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

-- The provider is back: what waits for its next attempt after one that failed has it now. What is under way stays so: it has a
-- lease, of `p_lease_ms` at most, and so does what is left to the fan first, which no worker has asked about yet. The attempt
-- counts like any other. Returns how many there were, of messages or of orders; as many as `p_limit` when there may be more.
create function hurry_payments(p_limit int, p_lease_ms float8) returns int language plpgsql as $$
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
    select id from ticket_order
    where payment = 'unknown' and not (respond_async and state = 'inProgress')
      and attempts > 1 and lease_until <= clock_timestamp() and lease_until > '-infinity'
    limit p_limit for update skip locked
  );
  get diagnostics v_orders = row_count;
  return greatest(v_messages, v_orders);
end $$;

-- Hands out the message that has been due longest, to one deliverer. An attempt counts when it begins, so that a message that kills
-- its deliverer is not tried for ever.
create function claim_outbox_message(p_kind text, p_lease_ms float8)
returns table (id text, kind text, ticket_order text, attempts int) language sql as $$
  update outbox_message set attempts = attempts + 1, due_at = add_milliseconds(p_lease_ms)
  where id = (
    select id from outbox_message where state = 'due' and kind = p_kind and due_at <= clock_timestamp()
    order by due_at limit 1 for update skip locked
  )
  returning id, kind, ticket_order, attempts
$$;

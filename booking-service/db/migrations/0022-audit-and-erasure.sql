-- Personal data can be erased. An e-mail that waits for somebody who is erased is never sent: that is its end, and no loss. It
-- comes first, for it takes the strongest lock of all below.
alter table outbox_message drop constraint outbox_message_state_check;
alter table outbox_message add constraint outbox_message_state_check
  check (state in ('due', 'sent', 'dead', 'erased'));

-- The audit cannot be edited unnoticed: each of its rows (audit_entry and sale_change) has a link with the SHA-256 of the row,
-- and of the link before it together with that. Who edits, removes, reorders or inserts a row has to make every later link
-- anew, and the last one differs from what was noted of it before (`npm run verify` tells it, and checks all of them).
create table audit_link (
  number bigint primary key,
  source text not null check (source in ('audit_entry', 'sale_change')),
  -- The entry's id, or the sale and the version of the change.
  entry text not null,
  digest bytea not null,
  chain bytea not null,
  unique (source, entry)
);

create trigger append_only before update or delete or truncate on audit_link
for each statement execute function refuse_rewriting();

-- A row as one text: whatever the session's settings are, and whatever columns are added later.
create function audit_digest(p_row audit_entry) returns bytea language sql stable as $$
  select sha256(convert_to(jsonb_build_array(
    p_row.id, to_char(p_row.at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US'), p_row.by, p_row.action, p_row.event,
    p_row.sale, p_row.ticket_order, p_row.message, p_row.seats, p_row.before, p_row.after, p_row.reason
  )::text, 'UTF8'))
$$;
create function audit_digest(p_row sale_change) returns bytea language sql stable as $$
  select sha256(convert_to(jsonb_build_array(
    p_row.sale, p_row.version, to_char(p_row.at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US'), p_row.by, p_row.action,
    p_row.reason, p_row.settings
  )::text, 'UTF8'))
$$;

-- One writer after another, until its transaction ends. Whoever comes here takes no other lock afterwards.
create function link_audit(p_source text, p_entry text, p_digest bytea) returns void language plpgsql as $$
declare
  v_last audit_link%rowtype;
begin
  perform pg_advisory_xact_lock(hashtextextended('audit chain', 0));
  select * into v_last from audit_link order by number desc limit 1;
  insert into audit_link (number, source, entry, digest, chain)
  values (coalesce(v_last.number, 0) + 1, p_source, p_entry, p_digest,
    sha256(coalesce(v_last.chain, ''::bytea) || p_digest));
end $$;

create function link_audit_entry() returns trigger language plpgsql as $$
begin
  perform link_audit('audit_entry', new.id, audit_digest(new));
  return null;
end $$;
create function link_sale_change() returns trigger language plpgsql as $$
begin
  perform link_audit('sale_change', new.sale || ' ' || new.version, audit_digest(new));
  return null;
end $$;

-- What is there already, in the order of its times; nothing may be written between this look and the triggers.
lock table audit_entry, sale_change in share row exclusive mode;
do $$
begin
  perform link_audit(source, entry, digest) from (
    select * from (
      select 'audit_entry' as source, id as entry, at, audit_digest(audit_entry) as digest from audit_entry
      union all
      select 'sale_change', sale || ' ' || version, at, audit_digest(sale_change) from sale_change
    ) as written order by at, source, entry
  ) as written;
end $$;

create trigger linked after insert on audit_entry for each row execute function link_audit_entry();
create trigger linked after insert on sale_change for each row execute function link_sale_change();

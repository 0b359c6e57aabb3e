-- Tables that are written under load carry no foreign keys: each would lock the same few parent rows in every booking.
-- The functions that write them keep the references whole.

create table event (
  id text primary key,
  name text not null,
  venue text not null,
  starts_at timestamptz not null,
  time_zone text not null,
  currency text not null,
  layout_version int not null default 1,
  created_at timestamptz not null default clock_timestamp(),
  created_by text not null
);

create table section (
  event text not null references event,
  ordinal int not null,
  name text not null,
  rows int not null check (rows > 0),
  seats_per_row int not null check (seats_per_row > 0),
  -- A seat's index counts from 0 through the event in the order section, row, number; this is the section's first.
  first_seat int not null,
  amount int not null check (amount >= 0),
  primary key (event, ordinal),
  unique (event, name)
);

-- The settings are the newest of sale_change, or those the sale was made with; the services validate their form.
create table sale (
  id text primary key,
  event text not null references event,
  sections int[] not null,
  settings jsonb not null,
  version int not null default 1,
  created_at timestamptz not null default clock_timestamp(),
  created_by text not null
);

create index sale_event on sale (event);

create table sale_change (
  sale text not null references sale,
  version int not null,
  at timestamptz not null,
  by text not null,
  action text not null,
  reason text,
  settings jsonb not null,
  primary key (sale, version)
);

-- State: 0 open, 1 held, 2 sold, 3 blocked, as in the compact seat map. `hold` names the last hold and is never cleared:
-- a late payment wins as long as it is still there. A hold past `held_until` is open to whoever takes it.
-- fillfactor 70 and no index on what changes: every update stays on its page (heap-only tuples).
create table seat (
  event text not null,
  seat int not null,
  state smallint not null default 0 check (state between 0 and 3),
  hold text,
  held_until timestamptz,
  primary key (event, seat)
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05);

-- Notes for the processes that keep the inventory in memory: something changed, read it again. One note a transaction.
-- Who has seen which is told by the snapshot, not by the number: numbers are given before commits are.
create table inventory_change (
  id bigint generated always as identity primary key,
  xid xid8 not null default pg_current_xact_id(),
  at timestamptz not null default clock_timestamp(),
  event text not null,
  sale text,
  seats int[]
);

create index inventory_change_xid on inventory_change (xid);

create table hold (
  id text primary key,
  sale text not null,
  event text not null,
  fan text not null,
  -- The admission it was made under, by the token's jti: each may make only so many.
  admission text not null,
  idempotency_key text,
  request_digest text not null,
  state text not null check (state in ('active', 'paying', 'confirmed', 'released', 'expired')),
  seats int[] not null,
  amount int not null,
  -- Starting payment extends a hold once.
  extended boolean not null default false,
  created_at timestamptz not null default clock_timestamp(),
  expires_at timestamptz not null
);

create index hold_fan on hold (sale, fan);
create index hold_active on hold (expires_at) where state = 'active';

-- One row per idempotency key: an attempt to pay a hold. `payment` says what is still owed to the provider:
-- unknown = ask how it went; captureDue, cancelDue = tell it; settled = nothing.
create table ticket_order (
  id text primary key,
  sale text not null,
  event text not null,
  fan text not null,
  admission text not null,
  idempotency_key text not null,
  request_digest text not null,
  hold text not null,
  buyer_name text not null,
  buyer_email text not null,
  email_key text not null,
  amount int not null,
  currency text not null,
  state text not null check (state in ('inProgress', 'confirmed', 'failed', 'refunded')),
  failure text,
  payment text not null check (payment in ('unknown', 'captureDue', 'cancelDue', 'settled')),
  lease_until timestamptz not null,
  created_at timestamptz not null default clock_timestamp(),
  unique (sale, fan, idempotency_key)
);

create index ticket_order_email on ticket_order (event, email_key);
create index ticket_order_hold on ticket_order (hold);
create index ticket_order_unsettled on ticket_order (lease_until) where payment <> 'settled';

create table ticket (
  code text primary key,
  ticket_order text not null,
  event text not null,
  seat int not null,
  live boolean not null default true
);

-- The second net: whatever else goes wrong, no seat has two live tickets.
create unique index ticket_live on ticket (event, seat) where live;
create index ticket_of_order on ticket (ticket_order);

-- Facts committed with their order. `due_at` is the lease as well: a message being delivered is due again when its
-- deliverer is not heard of.
create table outbox_message (
  id text primary key,
  kind text not null,
  ticket_order text not null,
  state text not null default 'due' check (state in ('due', 'sent', 'dead')),
  attempts int not null default 0,
  due_at timestamptz not null default clock_timestamp(),
  created_at timestamptz not null default clock_timestamp(),
  last_error text
);

create index outbox_message_due on outbox_message (due_at) where state = 'due';

-- What the built-in test provider remembers. It stands for a remote company, so nothing joins it.
create table test_payment (
  payment text primary key,
  amount int not null,
  currency text not null,
  state text not null check (state in ('authorised', 'declined', 'captured', 'cancelled')),
  authorisations int not null default 0,
  captures int not null default 0
);

-- An event, its sections and its seats come to be in one call. Made again with the same id it changes nothing.
create function create_event(
  p_id text, p_name text, p_venue text, p_starts_at timestamptz, p_time_zone text, p_currency text, p_by text,
  p_sections jsonb
) returns void language plpgsql as $$
begin
  insert into event (id, name, venue, starts_at, time_zone, currency, created_by)
  values (p_id, p_name, p_venue, p_starts_at, p_time_zone, p_currency, p_by)
  on conflict (id) do nothing;
  if not found then
    return;
  end if;

  insert into section (event, ordinal, name, rows, seats_per_row, first_seat, amount)
  select p_id, given.ordinal, given.name, given.rows, given.seats_per_row,
         coalesce(sum(given.rows * given.seats_per_row) over (
           order by given.ordinal rows between unbounded preceding and 1 preceding), 0),
         given.amount
  from jsonb_to_recordset(p_sections)
    as given (ordinal int, name text, rows int, seats_per_row int, amount int);

  insert into seat (event, seat)
  select p_id, generate_series(0, sum(rows * seats_per_row)::int - 1) from section where event = p_id;
end $$;

-- Stores each change once, under its version, and moves the sale on to the newest of them. Changes that come late or
-- again complete the history and change nothing else. Returns the sale's version, null when there is no such sale.
create function append_sale_changes(p_sale text, p_changes jsonb) returns int language plpgsql as $$
declare
  v_sale sale%rowtype;
  v_newest sale_change%rowtype;
begin
  select * into v_sale from sale where id = p_sale for update;
  if not found then
    return null;
  end if;

  insert into sale_change (sale, version, at, by, action, reason, settings)
  select p_sale, given.version, given.at, given.by, given.action, given.reason, given.settings
  from jsonb_to_recordset(p_changes)
    as given (version int, at timestamptz, by text, action text, reason text, settings jsonb)
  on conflict (sale, version) do nothing;

  select * into v_newest from sale_change where sale = p_sale order by version desc limit 1;
  if not found or v_newest.version <= v_sale.version then
    return v_sale.version;
  end if;
  update sale set settings = v_newest.settings, version = v_newest.version where id = p_sale;
  insert into inventory_change (event, sale) values (v_sale.event, p_sale);
  return v_newest.version;
end $$;

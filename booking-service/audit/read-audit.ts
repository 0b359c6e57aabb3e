import { changedFacts, type Facts } from '#shared/changed-facts.ts';
import type { AuditEntry, AuditPage, PageQuery } from '#shared/contract/organiser.ts';
import type { Event } from '../catalogue/event.ts';
import { seatId } from '../catalogue/seat-id.ts';
import type { Db } from '../db/client.ts';
import { cursorOf, olderThan, pageOf } from '../db/page.ts';

type AuditRow = {
  id: string;
  cursor: string;
  at: Date;
  by: string;
  action: AuditEntry['action'];
  before: Facts | null;
  after: Facts;
  reason: string | null;
  version: number | null;
  seats: number[] | null;
  order: string | null;
  message: string | null;
};

/**
 * What is recorded of a sale and its event, the newest first: the event's and the sale's making, every change of
 * settings, and every act of the audit. Changes of settings are told by the settings before and after.
 */
export async function readAudit(
  db: Db,
  { event, sale, version }: { event: Event; sale: string; version: number },
  query: PageQuery,
): Promise<AuditPage> {
  const rows = await db.call<AuditRow>(
    (sql) => sql`
      with entry as materialized (
        select 'event' as id, created_at as at, created_by as by, 'makeEvent' as action, null::jsonb as before,
          jsonb_build_object('name', name, 'venue', venue, 'timeZone', time_zone,
            'startsAt', to_char(starts_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')) as after,
          null as reason, null::int as version, null::int[] as seats, null as "order", null as message
        from event where event.id = ${event.id}
        union all
        select 'version-' || change.version, change.at, change.by, change.action, before.settings,
          change.settings || case when change.version = 1 then jsonb_build_object('sections', (
            select jsonb_agg(section.name order by ordinal) from section
            where section.event = sale.event and ordinal = any (sale.sections)
          )) else '{}' end,
          change.reason, change.version, null, null, null
        from sale_change as change
        join sale on sale.id = change.sale
        left join sale_change as before on before.sale = change.sale and before.version = change.version - 1
        where change.sale = ${sale}
        union all
        select id, at, by, action, before, after, reason, null, seats, ticket_order, message
        from audit_entry where audit_entry.event = ${event.id} and coalesce(audit_entry.sale, ${sale}) = ${sale}
      )
      select entry.*, ${cursorOf(sql, 'at', 'id')} as cursor from entry
      where ${olderThan(sql, 'at', 'id', query.after)}
      order by at desc, id desc
      limit ${query.limit + 1}`,
  );
  const { entries, next } = pageOf(rows, query.limit);
  return { entries: entries.map((row) => auditEntry(event, row)), next, version };
}

function auditEntry(event: Event, { cursor: _, at, before, after, seats, ...row }: AuditRow): AuditEntry {
  return {
    ...row,
    at: at.toISOString(),
    ...(row.version === null ? { from: before, to: after } : changedFacts(before, after)),
    seats: seats?.map((seat) => seatId(event.sections, seat)) ?? null,
    durable: true,
  };
}

import type { BooksCheck, Sql } from './check.ts';

/** Every row of the audit with what it would be linked by now. */
const writtenRows = (sql: Sql) => sql`(
  select 'audit_entry' as source, id as entry, audit_digest(audit_entry) as digest from audit_entry
  union all
  select 'sale_change', sale || ' ' || version, audit_digest(sale_change) from sale_change
)`;

/** The audit by its chain of digests (migration 0022). */
export const auditChecks: BooksCheck[] = [
  {
    name: 'the-audit-is-as-it-was-written',
    promise: 'I13',
    keeps: 'no row of the audit was edited, removed, reordered or inserted since it was written',
    means: 'Somebody changed what organisers are said to have done; a backup from before shows what it was.',
    find: (sql) => sql`
      select coalesce(link.source, written.source) || ' ' || coalesce(link.entry, written.entry) as about,
        'Row ' || coalesce(link.entry, written.entry) || ' of ' || coalesce(link.source, written.source) || ' was ' || case
          when link.entry is null then 'written past the audit'
          when written.entry is null then 'removed'
          else 'edited'
        end as finding
      from audit_link as link
      full join ${writtenRows(sql)} as written on written.source = link.source and written.entry = link.entry
      where link.digest is distinct from written.digest
      union all
      select 'link ' || number, 'Link ' || number || ' of the audit does not follow from the one before it'
      from (
        select number, chain, digest, lag(chain, 1, ''::bytea) over by_number as chain_before,
          lag(number, 1, 0::bigint) over by_number as number_before
        from audit_link window by_number as (order by number)
      ) as link
      where number <> number_before + 1 or chain <> sha256(chain_before || digest)`,
  },
];

export type AuditHead = { number: number; chain: string };

/** The newest link: noted elsewhere, it shows later that none of what it covers was written anew. Null of an empty audit. */
export async function auditHead(sql: Sql): Promise<AuditHead | null> {
  const [head] = await sql<AuditHead[]>`
    select number::int as number, encode(chain, 'hex') as chain from audit_link order by number desc limit 1`;
  return head ?? null;
}

/** Whether the audit still goes through this link. */
export async function auditGoesThrough(sql: Sql, { number, chain }: AuditHead): Promise<boolean> {
  const [link] =
    await sql`select from audit_link where number = ${number} and encode(chain, 'hex') = ${chain}`;
  return link !== undefined;
}

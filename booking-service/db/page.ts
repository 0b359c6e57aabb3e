import type postgres from 'postgres';
import type { Sql } from './lane.ts';

type Fragment = postgres.PendingQuery<postgres.Row[]>;

/**
 * Long lists are read in pages from the newest entry to the oldest, by where the page before ended and not by counting:
 * each page costs the same, and what comes to be meanwhile moves nothing. A cursor is that place, `microseconds.id`.
 */
export const cursorOf = (sql: Sql, at: string, id: string): Fragment =>
  sql`(extract(epoch from ${sql(at)}) * 1000000)::bigint || '.' || ${sql(id)}`;

/** The condition that an entry comes behind a cursor; without one, any. */
export function olderThan(sql: Sql, at: string, id: string, cursor: string | undefined): Fragment {
  if (cursor === undefined) return sql`true`;
  const [micros = '', cursorId = ''] = cursor.split('.');
  return sql`(${sql(at)}, ${sql(id)}) <
    (timestamptz 'epoch' + ${Number(micros)}::float8 * interval '1 microsecond', ${cursorId})`;
}

/** A page made of up to `limit` + 1 rows: the one too many only tells that there is a next page. */
export function pageOf<Row extends { cursor: string }>(
  rows: readonly Row[],
  limit: number,
): { entries: Row[]; next: string | null } {
  const entries = rows.slice(0, limit);
  return { entries, next: rows.length > limit ? (entries.at(-1)?.cursor ?? null) : null };
}

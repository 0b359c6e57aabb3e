import postgres from 'postgres';

/** How often each statement was run, by its text without its values. */
export type Statements = Map<string, number>;

/**
 * Counts the statements that clients run in one database, as PostgreSQL itself does (pg_stat_statements; the calls
 * inside a function are not counted apart). The counter's own are left out.
 */
export async function countStatements(databaseUrl: string) {
  const sql = postgres(databaseUrl, { max: 1, onnotice: () => {} });
  await sql`create extension if not exists pg_stat_statements`;
  const read = async (): Promise<Statements> => {
    const rows = await sql<{ query: string; calls: number }[]>`
      select query, sum(calls)::int as calls
      from pg_stat_statements
      where dbid = (select oid from pg_database where datname = current_database())
        and query not like '%pg_stat_statements%'
      group by query`;
    return new Map(rows.map(({ query, calls }) => [query, calls]));
  };
  return {
    /** What is run while the work goes on. */
    async during(work: () => Promise<unknown>): Promise<Statements> {
      const before = await read();
      await work();
      const run = [...(await read())].map(
        ([query, calls]) => [query, calls - (before.get(query) ?? 0)] as const,
      );
      return new Map(run.filter(([, calls]) => calls > 0));
    },
    close: () => sql.end(),
  };
}

export const total = (statements: Statements): number =>
  [...statements.values()].reduce((sum, calls) => sum + calls, 0);

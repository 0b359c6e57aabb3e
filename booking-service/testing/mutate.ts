import type { Db } from '../db/client.ts';

/**
 * Plants a fault: replaces text in a function of this test's own database. For negative controls, which show that a
 * test would notice. Throws when the text is not there, so that a control cannot go stale unseen.
 */
export async function mutateFunction(db: Db, name: string, from: string, to: string): Promise<void> {
  const { source } = await db.callOne<{ source: string }>(
    (sql) => sql`select pg_get_functiondef(${name}::regproc) as source`,
  );
  if (!source.includes(from)) throw new Error(`The function ${name} does not contain: ${from}`);
  await db.call((sql) => sql.unsafe(source.replaceAll(from, to)));
}

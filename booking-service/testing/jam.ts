import postgres from 'postgres';
import { vi } from 'vitest';

/** Less than the time after which a statement gives up waiting for a lock. */
const JAM_TIMEOUT_MS = 1_800;

/**
 * Runs `rivals` while a foreign session holds the locks of all of an event's seats (or the table of holds or of orders, so
 * that what is decided cannot be written), and lets go once `waiting` of the database's sessions wait for a lock: every one of them has
 * looked by then and none has changed anything. This makes a race out of what would otherwise seldom be one.
 */
export async function inJam<Result>(
  options: { databaseUrl: string; event: string; waiting: number; of?: 'seats' | 'holds' | 'orders' },
  rivals: () => Promise<Result>,
): Promise<Result> {
  const { databaseUrl, event, waiting, of = 'seats' } = options;
  const sql = postgres(databaseUrl, { max: 1 });
  const watch = postgres(databaseUrl, { max: 1 });
  try {
    await sql`begin`;
    if (of === 'seats') await sql`select from seat where event = ${event} order by seat for update`;
    else await sql`lock table ${sql(of === 'holds' ? 'hold' : 'ticket_order')} in share mode`;
    const result = rivals();
    await vi.waitFor(
      async () => {
        const [row] = await watch<{ waiting: number }[]>`
          select count(*)::int as waiting from pg_stat_activity
          where datname = current_database() and wait_event_type = 'Lock'`;
        if ((row?.waiting ?? 0) < waiting) throw new Error(`Only ${row?.waiting} sessions wait.`);
      },
      { timeout: JAM_TIMEOUT_MS, interval: 5 },
    );
    await sql`commit`;
    return await result;
  } finally {
    await Promise.all([sql.end(), watch.end()]);
  }
}

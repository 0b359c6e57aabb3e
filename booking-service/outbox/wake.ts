import postgres from 'postgres';
import type { Db } from '../db/client.ts';

/** PostgreSQL's channel for "there may be something to do". A hint only: whoever listens looks by itself as well. */
const OUTBOX_CHANNEL = 'outbox';

const WAKE_GAP_MS = 50;

/**
 * Tells the worker that there may be something to do, at most once in WAKE_GAP_MS. It is said after the commit and not
 * within it: a notification inside makes PostgreSQL commit one transaction after another.
 */
export function createWake(db: Db): () => void {
  let isPlanned = false;
  const notify = () => {
    isPlanned = false;
    db.call((sql) => sql`select pg_notify(${OUTBOX_CHANNEL}, '')`).catch(() => {
      // Lost: the worker looks by itself soon.
    });
  };
  return () => {
    if (isPlanned) return;
    isPlanned = true;
    setTimeout(notify, WAKE_GAP_MS).unref();
  };
}

/**
 * Calls `wake` at each such word, over a connection of its own that comes back by itself. The first connection is tried
 * in the background too: a worker that is deaf still looks every so often.
 */
export function listenForWork(databaseUrl: string, wake: () => void): () => Promise<void> {
  const sql = postgres(databaseUrl, { max: 1, fetch_types: false, onnotice: () => undefined });
  sql.listen(OUTBOX_CHANNEL, wake, wake).catch(() => undefined);
  return () => sql.end({ timeout: 1 });
}

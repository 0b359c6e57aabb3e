import type { Db } from '../db/client.ts';
import { through } from './through.ts';

/** The database, and how many calls have been made through it. */
export function counted(db: Db): Db & { calls: () => number } {
  let calls = 0;
  const counting = through(db, (statement, withinMs) => {
    calls += 1;
    return db.call(statement, withinMs);
  });
  return { ...counting, calls: () => calls };
}

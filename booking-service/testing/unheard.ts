import type { Db } from '../db/client.ts';
import { through } from './through.ts';

/**
 * The database as it is met over connections that are cut behind every call: each has been made, nothing was heard of it, and
 * it is made again, as db/client.ts does.
 */
export const unheard = (db: Db): Db =>
  through(db, async (statement, withinMs) => {
    await db.call(statement, withinMs);
    return db.call(statement, withinMs);
  });

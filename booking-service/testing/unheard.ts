import type { Db } from '../db/client.ts';

/**
 * The database as it is met over connections that are cut behind every call: each has been made, nothing was heard of it, and
 * it is made again, as db/client.ts does.
 */
export function unheard(db: Db): Db {
  const call: Db['call'] = async (statement, withinMs) => {
    await db.call(statement, withinMs);
    return db.call(statement, withinMs);
  };
  return {
    ...db,
    call,
    callOne: async (statement, withinMs) => {
      const [row] = await call(statement, withinMs);
      if (row === undefined) throw new Error('A statement that returns one row returned none.');
      return row;
    },
  };
}

import type { Db } from '../db/client.ts';

/** The database with every call, those for one row too, made by way of the test's own. */
export const through = (db: Db, call: Db['call']): Db => ({
  ...db,
  call,
  callOne: async (statement, withinMs) => {
    const [row] = await call(statement, withinMs);
    if (row === undefined) throw new Error('A statement that returns one row returned none.');
    return row;
  },
});

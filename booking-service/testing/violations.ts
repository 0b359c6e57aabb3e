import { booksChecks, findIn } from '../../infra/verify/books/books.ts';
import type { Db } from '../db/client.ts';

/** In most tests no worker runs: what is owed stays owed. */
const PATIENCE_MS = 3_600_000;

/**
 * Looks at the whole database for anything that must never be, as `npm run verify` does, and says what it found; an
 * empty list is what every test of rivals expects at its end.
 */
export async function violations(db: Db, seatsPerFan: number): Promise<string[]> {
  const found = await Promise.all(
    booksChecks.map((check) =>
      db.call((sql) => findIn(sql, check, { patienceMs: PATIENCE_MS, seatsPerFan })),
    ),
  );
  return found.flat().map((row) => row.finding);
}

import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type TestDatabase, testDatabase } from '../../infra/testing/stores.ts';
import { createDb, type Db } from './client.ts';

let database: TestDatabase;
let db: Db;

beforeAll(async () => {
  database = await testDatabase();
  db = createDb(database.url, { applicationName: 'types-test', connections: 1 });
});

afterAll(async () => {
  await db.close();
  await database.drop();
});

test('arrays of numbers and of texts arrive as they were sent, on a cold connection too', async () => {
  const texts = fc.array(
    fc.string({ unit: 'binary', maxLength: 20 }).map((text) => text.replaceAll('\0', '')),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(fc.integer()), texts, async (numbers, words) => {
      const row = await db.callOne<{ numbers: number[]; words: string[] }>(
        (sql) => sql`select ${numbers}::int[] as numbers, to_jsonb(${words}::text[]) as words`,
      );
      expect(row).toEqual({ numbers, words });
    }),
  );
});

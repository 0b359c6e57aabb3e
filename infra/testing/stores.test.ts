import { Redis } from 'ioredis';
import postgres from 'postgres';
import { expect, test } from 'vitest';
import { testDatabase, testRedis } from './stores.ts';

const CLONES = 12;

test('clones made at the same moment are migrated, and apart from each other', async () => {
  const databases = await Promise.all(Array.from({ length: CLONES }, testDatabase));
  expect(new Set(databases.map(({ url }) => url)).size).toBe(CLONES);
  for (const { url, drop } of databases) {
    const sql = postgres(url, { max: 1, onnotice: () => {} });
    const [row] = await sql<[{ tables: number }]>`
      select count(*)::int as tables from information_schema.tables where table_schema not in ('pg_catalog', 'information_schema')`;
    expect(row.tables).toBeGreaterThan(0);
    await sql`create table only_here ()`;
    await sql.end();
    await drop();
  }
});

test('a Redis database holds nobody else’s keys, and a flush empties no other', async () => {
  const [one, other] = await Promise.all([testRedis(), testRedis()]);
  const [first, second] = [new Redis(one.url), new Redis(other.url)];
  await first.set('key', 'mine');
  expect(await second.get('key')).toBeNull();
  await other.flush();
  expect(await first.get('key')).toBe('mine');
  await one.flush();
  expect(await first.get('key')).toBeNull();
  first.disconnect();
  second.disconnect();
});

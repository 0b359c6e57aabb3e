import postgres from 'postgres';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { newId } from '#shared/ids.ts';
import { createDb } from './client.ts';
import { isMigrated, migrate } from './migrate.ts';

let server: postgres.Sql;
let url: string;
const name = `empty_${newId().replace(/\W/g, 'x').toLowerCase()}`;

beforeAll(async () => {
  server = postgres(inject('postgresUrl'), { max: 1 });
  await server`create database ${server(name)} template template0`;
  const address = new URL(inject('postgresUrl'));
  address.pathname = name;
  url = address.href;
});

afterAll(async () => {
  await server`drop database ${server(name)} with (force)`;
  await server.end();
});

const recorded = async () => {
  const sql = postgres(url, { max: 1 });
  try {
    return [...(await sql<{ number: number }[]>`select number from migration order by number`)];
  } finally {
    await sql.end();
  }
};

test('processes that migrate at the same moment apply each migration once', async () => {
  const db = createDb(url, { applicationName: 'migrate-test', connections: 1 });
  await expect(isMigrated(db)).rejects.toThrow();
  await Promise.all(Array.from({ length: 8 }, () => migrate(url)));
  const numbers = (await recorded()).map(({ number }) => number);
  expect(numbers).toEqual(numbers.map((_, index) => index + 1));
  expect(numbers.length).toBeGreaterThan(1);
  expect(await isMigrated(db)).toBe(true);
  await db.close();
});

test('migrating again changes nothing', async () => {
  const before = await recorded();
  await migrate(url);
  expect(await recorded()).toEqual(before);
});

test('a migration that was edited after it had been applied is refused by name', async () => {
  const sql = postgres(url, { max: 1 });
  await sql`update migration set digest = 'another' where number = 2`;
  await sql.end();
  await expect(migrate(url)).rejects.toThrow(/0002-.*edited/);
});

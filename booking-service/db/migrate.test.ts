import { readFileSync } from 'node:fs';
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

test('whoever reads orders and then writes does not stand in the way of the migration that puts their work aside', async () => {
  const file = readFileSync(new URL('./migrations/0024-written-in-place.sql', import.meta.url), 'utf8');
  const sql = postgres(url, { max: 2 });
  try {
    // As it was before that one: what it makes is gone, what it drops is there.
    await sql.unsafe(`
      drop trigger work_is_noted on ticket_order; drop trigger work_is_noted_anew on ticket_order;
      drop table order_work cascade; drop function note_work_of_new_orders, note_work_of_order, work_of_order;
      create index ticket_order_waiting on ticket_order (id) where state = 'inProgress';
      create index ticket_order_unknown on ticket_order (id) where payment = 'unknown';
      create index ticket_order_owing on ticket_order (id) where not handed_over`);
    const buyer = await sql.reserve();
    await buyer`begin`;
    await buyer`select 1 from ticket_order limit 1`;
    const migrated = sql.begin((migration) => migration.unsafe(file));
    const isWaiting = async () =>
      (await buyer`select 1 from pg_locks where relation = 'ticket_order'::regclass and not granted`).length;
    await expect.poll(isWaiting).toBe(1);
    await buyer`update ticket_order set attempts = attempts where id = 'none'`;
    await buyer`commit`;
    buyer.release();
    await migrated;
    expect(await sql`select count(*)::int as count from order_work`).toEqual([{ count: 0 }]);
  } finally {
    await sql.end();
  }
});

test('a migration that was edited after it had been applied is refused by name', async () => {
  const sql = postgres(url, { max: 1 });
  await sql`update migration set digest = 'another' where number = 2`;
  await sql.end();
  await expect(migrate(url)).rejects.toThrow(/0002-.*edited/);
});

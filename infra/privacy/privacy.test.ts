import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import postgres from 'postgres';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { mailsConfirmedOrder } from '../../booking-service/order/deliverers.ts';
import { startBooking, type TestBooking } from '../../booking-service/testing/booking.ts';
import { holdSeats, placeOrder } from '../../booking-service/testing/buy.ts';
import { booksChecks, findIn } from '../verify/books/books.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const PATIENCE_MS = 60_000;

let booking: TestBooking;
let sql: postgres.Sql;
let dataDir: string;
let event: string;
const orders: Record<'paid' | 'declined' | 'refunded' | 'waiting' | 'other', string> = {
  ...{ paid: '', declined: '', refunded: '', waiting: '', other: '' },
};

beforeAll(async () => {
  booking = await startBooking();
  sql = postgres(booking.databaseUrl, { max: 1, onnotice: () => {} });
  dataDir = await mkdtemp(join(tmpdir(), 'admit-one-privacy-'));
  event = (await booking.makeEvent([{ name: 'A', rows: 2, seatsPerRow: 10, amount: 6_500 }])).event;
  const { sale } = await booking.makeSale(event, { seatsPerFan: 8 });
  const order = async (email: string, seat: string, more: object = {}) => {
    const fan = await booking.admit(sale);
    return String((await placeOrder(fan, await holdSeats(fan, seat), { email, ...more })).body.order);
  };
  orders.paid = await order('Nightingale@Birds.example.org', 'A-1-1');
  orders.declined = await order('nightingale@birds.example.org', 'A-1-3', { token: 'tok_declined' });
  orders.refunded = await order('nightingale+late@birds.example.org', 'A-1-5');
  orders.other = await order('crow@birds.example.org', 'A-1-7');
  await sql`select refund_order(${orders.refunded}, 'refund', 'refund-mail', 'nora', 'ill')`;
  await sql`
    update outbox_message set state = 'dead', last_error = '550 nightingale@birds.example.org is not here'
    where ticket_order = ${orders.paid} and kind = 'order-confirmed-mail'`;
  orders.waiting = await order('nightingale@birds.example.org', 'A-1-9', {
    headers: { prefer: 'respond-async' },
  });
  await mkdir(join(dataDir, 'mail'));
  for (const [id, to] of Object.entries({
    one: 'Nightingale@birds.example.org',
    two: 'crow@birds.example.org',
  }))
    await writeFile(join(dataDir, 'mail', `${id}.json`), JSON.stringify({ id, to }));
});
afterAll(async () => {
  await sql?.end();
  await booking?.stop();
  await rm(dataDir, { recursive: true, force: true });
});

/** Every row of every table that has the word in it. */
async function rowsWith(word: string): Promise<string[]> {
  const tables = await sql<{ name: string }[]>`
    select table_name as name from information_schema.tables where table_schema = 'public' and table_type = 'BASE TABLE'`;
  const found: string[] = [];
  for (const { name } of tables) {
    const rows = await sql<{ row: string }[]>`
      select whole::text as row from ${sql(name)} as whole where whole::text ilike ${`%${word}%`}`;
    found.push(...rows.map(({ row }) => `${name} ${row}`));
  }
  return found;
}

async function breaches(): Promise<string[]> {
  const said: string[] = [];
  for (const check of booksChecks) {
    const rows = await findIn(sql, check, { patienceMs: PATIENCE_MS });
    said.push(...rows.map(({ finding }) => finding));
  }
  return said;
}

async function run(command: string, ...args: string[]): Promise<{ code: number; output: string }> {
  const child = spawn(process.execPath, [`infra/${command}.mjs`, ...args], {
    cwd: root,
    env: { PATH: process.env.PATH, DATA_DIR: dataDir, DATABASE_URL: booking.databaseUrl },
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      output += chunk;
    });
  return new Promise((resolve) => child.once('close', (code) => resolve({ code: Number(code), output })));
}

test('a buyer is erased wherever they are, the books still add up, and it is told what stays', async () => {
  const dry = await run('erase', '--email', 'nightingale@birds.example.org', '--dry-run');
  expect(dry).toMatchObject({
    code: 1,
    output: expect.stringContaining('Would erase the buyer of 3 orders'),
  });
  expect((await rowsWith('nightingale')).length).toBeGreaterThan(3);

  const first = await run('erase', '--email', 'NIGHTINGALE@birds.example.org');
  expect(first.output).toContain(
    'Erased the buyer of 3 orders; 3 e-mails will not be sent, 1 saved ones are removed.',
  );
  expect(first.output).toContain('65.00 EUR');
  // Whoever is paying at this moment is told how it ends; then it can be done.
  expect(first).toMatchObject({ code: 1, output: expect.stringContaining('Left: 1 orders in progress') });
  expect((await rowsWith('nightingale')).every((row) => row.includes(orders.waiting))).toBe(true);
  await sql`select fail_order(${orders.waiting}, 'payment-declined', 'settled', 0)`;
  expect((await run('erase', '--email', 'nightingale@birds.example.org')).code).toBe(0);

  expect(await rowsWith('nightingale')).toEqual([]);
  expect(await readdir(join(dataDir, 'mail'))).toEqual(['two.json']);
  expect((await rowsWith('crow@birds')).length).toBeGreaterThan(0);
  expect(await breaches()).toEqual([]);
  const kept = await sql`
    select state, amount, (select count(*)::int from ticket where ticket_order = ticket_order.id and live) as live
    from ticket_order where id in (${orders.paid}, ${orders.refunded}) order by state`;
  expect(kept).toMatchObject([
    { state: 'confirmed', amount: 6_500 },
    { state: 'refunded', amount: 6_500 },
  ]);
});

test('an e-mail that was on its way when its buyer was erased reaches nobody', async () => {
  const sent: string[] = [];
  const transport = { send: async ({ to }: { to: string }) => void sent.push(to), close: () => undefined };
  const deliver = mailsConfirmedOrder(booking.db, transport, 'http://shop.example');
  const message = { id: 'm', kind: 'order-confirmed-mail' as const, attempts: 1 };
  await deliver({ ...message, order: orders.paid });
  expect(sent).toEqual([]);
  await deliver({ ...message, order: orders.other });
  expect(sent).toEqual(['crow@birds.example.org']);
});

test('retention says what it would do, does it when told so, and only to concerts that are long over', async () => {
  await sql`update event set starts_at = clock_timestamp() - interval '29 days' where id = ${event}`;
  expect((await run('retention', '--days', '30')).output).toContain('Would erase the buyers of 0 orders');
  await sql`update event set starts_at = clock_timestamp() - interval '31 days' where id = ${event}`;
  expect((await run('retention', '--days', '30')).output).toContain(
    'Would erase the buyers of 1 orders; --apply',
  );
  expect((await rowsWith('crow@birds')).length).toBeGreaterThan(0);
  const applied = await run('retention', '--days', '30', '--apply');
  expect(applied).toMatchObject({
    code: 0,
    output: expect.stringContaining('Erased the buyers of 1 orders'),
  });
  expect(await rowsWith('crow')).toEqual([]);
  expect(await breaches()).toEqual([]);
  expect((await run('retention')).code).toBe(2);
});

import postgres from 'postgres';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startBooking, type TestBooking } from '../testing/booking.ts';

const BACKLOG = 20_000;
/** Far from what has to be read, and farther from the backlog. */
const ROWS_READ_MAX = 10;

let booking: TestBooking;
let sql: postgres.Sql;

/** A provider that has been away: all these captures are told by messages, which wait for their next attempt. */
beforeAll(async () => {
  booking = await startBooking();
  sql = postgres(booking.databaseUrl, { max: 1, onnotice: () => undefined });
  await sql`
    insert into ticket_order (id, sale, event, fan, admission, idempotency_key, request_digest, hold, buyer_name,
      buyer_email, email_key, amount, currency, state, payment, lease_until)
    select 'o' || n, 's', 'e', 'f' || n, 'a', 'k', '', 'h' || n, 'Ada', 'a@b.c', 'a@b.c', 1, 'EUR', 'confirmed', 'captureDue',
      clock_timestamp() - interval '1 minute'
    from generate_series(1, ${BACKLOG}::int) as n`;
  await sql`select owe_by_message(${BACKLOG})`;
  await sql`update outbox_message set attempts = 9, due_at = clock_timestamp() + interval '1 hour' + n * interval '1 second'
    from generate_series(1, ${BACKLOG}::int) as n where id = 'capture-o' || n`;
  await sql`
    insert into outbox_message (id, kind, ticket_order)
    values ('mail', 'order-confirmed-mail', 'o1'), ('finished', 'admission-finished', 'o1')`;
  await sql`analyze`;
});

afterAll(async () => {
  await sql.end();
  await booking.stop();
});

/** How many rows of both tables a call reads, whichever way. */
const rowsReadBy = (call: string): Promise<number> =>
  sql.begin(async (tx) => {
    const before = await rowsRead(tx);
    await tx.unsafe(call);
    return (await rowsRead(tx)) - before;
  });

async function rowsRead(tx: postgres.TransactionSql): Promise<number> {
  const [read] = await tx<{ rows: number }[]>`
    select sum(coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0))::int as rows
    from pg_stat_xact_user_tables where relname in ('outbox_message', 'ticket_order')`;
  return read?.rows ?? 0;
}

test.each([
  'order-confirmed-mail',
  'order-failed-mail',
  'admission-finished',
  'payment-refund',
  'payment-cancellation',
])('a backlog of captures is not read by whoever looks for a message of kind %s', async (kind) => {
  expect(await rowsReadBy(`select * from claim_outbox_message('${kind}', 10000)`)).toBeLessThan(
    ROWS_READ_MAX,
  );
});

test('a backlog that waits for its next attempts is not read by those who look for what is due of it', async () => {
  const look = `select * from claim_outbox_message('payment-capture', 0)`;
  await sql`update outbox_message set due_at = clock_timestamp() where id = 'capture-o7'`;
  expect(await sql.unsafe(look)).toMatchObject([{ id: 'capture-o7' }]);
  expect(await rowsReadBy(look)).toBeLessThan(ROWS_READ_MAX);
});

test('orders whose captures are told by messages are not read by whoever looks for others', async () => {
  const claim = `select * from claim_unsettled_orders(20, 8000, 10000, 'c')`;
  expect(await rowsReadBy(claim)).toBeLessThan(ROWS_READ_MAX);
  expect(await rowsReadBy('select owe_by_message(200)')).toBeLessThan(ROWS_READ_MAX);
});

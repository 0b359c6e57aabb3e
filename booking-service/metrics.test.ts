import { afterAll, beforeAll, expect, test } from 'vitest';
import { exposition } from '#shared/metrics/registry.ts';
import { countBacklog } from './metrics.ts';
import { startBooking, type TestBooking } from './testing/booking.ts';

let booking: TestBooking;
beforeAll(async () => {
  booking = await startBooking();
});
afterAll(() => booking.stop());

const told = async (name: string): Promise<Record<string, number>> => {
  const lines = (await exposition())
    .split('\n')
    .filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `));
  return Object.fromEntries(
    lines.map((line) => [
      line.slice(name.length, line.lastIndexOf(' ')),
      Number(line.slice(line.lastIndexOf(' '))),
    ]),
  );
};

test('what is due, dead, and waits for the worker is told with the age of its oldest; what was sent is not', async () => {
  await booking.db.call(
    (sql) => sql`
      insert into ticket_order (id, sale, event, fan, admission, idempotency_key, request_digest, hold, buyer_name,
        buyer_email, email_key, amount, currency, state, payment, lease_until, respond_async, created_at)
      select 'o' || n, 's', 'e', 'f' || n, 'a', 'k', '', 'h' || n, 'Ada', 'a@b.c', 'a@b.c', 1, 'EUR', 'inProgress', 'unknown',
        clock_timestamp(), true, clock_timestamp() - n * interval '1 minute'
      from generate_series(1, 3) as n`,
  );
  await booking.db.call(
    (sql) => sql`
      insert into outbox_message (id, kind, ticket_order, state, created_at)
      select state || n, 'order-confirmed-mail', 'o1', state, clock_timestamp() - n * interval '1 hour'
      from unnest(array['due', 'dead', 'sent']) as state, generate_series(1, 2) as n`,
  );
  countBacklog(booking.db);
  const mail = (state: string) => `{kind="order-confirmed-mail",state="${state}"}`;
  expect(await told('admit_one_outbox_messages')).toEqual({ [mail('due')]: 2, [mail('dead')]: 2 });
  const ages = await told('admit_one_outbox_oldest_seconds');
  expect(Object.keys(ages).sort()).toEqual([mail('dead'), mail('due')]);
  for (const age of Object.values(ages)) expect(Math.round(age / 3_600)).toBe(2);
  expect(await told('admit_one_orders_waiting')).toEqual({ '': 3 });
  const { '': age = 0 } = await told('admit_one_orders_waiting_oldest_seconds');
  expect(Math.round(age / 60)).toBe(3);
});

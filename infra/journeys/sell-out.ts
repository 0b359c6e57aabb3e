import { setTimeout as wait } from 'node:timers/promises';
import postgres from 'postgres';
import { expect } from 'vitest';
import { until } from '../local/processes.mjs';
import type { Shop } from '../testing/shop.ts';
import { createFan, type Fan } from './fan.ts';
import { ask } from './http.ts';
import { openSale } from './organise.ts';
import { watchQueue } from './witness.ts';

const FANS = 200;
const CAPACITY = 30;
/** The bound for two cores. */
const SALE_MS_MAX = 45_000;
const SETTLE_MS_MAX = 20_000;
const hall = [
  { name: 'A', rows: 10, seatsPerRow: 10 },
  { name: 'B', rows: 10, seatsPerRow: 10 },
];

/** A running shop as its fans and its books see it. */
export type OpenShop = Pick<Shop, 'gatewayUrls' | 'organiserKey' | 'databaseUrl' | 'redisUrl'>;

const PAY_ATTEMPTS_MAX = 3;

type Bought = { fan: Fan; order: string; seat: string; code: string };

/** Queues up, takes the best seat there is and pays, whatever fails in between. */
async function buyOne(fan: Fan, name: string, payAttemptsMax: number): Promise<Bought> {
  await fan.join();
  expect(await fan.queueUp()).toBe('admitted');
  const held = await fan.shop<{ hold: string }>('POST', '/holds', { best: { quantity: 1 } }, `hold-${name}`);
  expect(held).toMatchObject({ status: 201 });
  const buyer = { name, email: `${name}@example.org` };
  const order = { hold: held.body.hold, buyer, payment: { token: 'tok_ok' } };
  let attempts = 1;
  for (;;) {
    const paid = await fan.shop<Bought & { code: string; tickets: { seat: string; code: string }[] }>(
      'POST',
      '/orders',
      order,
      `pay-${name}-${attempts}`,
    );
    // The service died while it worked on this payment: the same key finds out what became of it.
    if (paid.status === 409 && paid.body.code === 'in-progress') {
      await wait(Number(paid.headers['retry-after']) * 1_000);
      continue;
    }
    // It died before the provider had heard of the payment: that attempt is over, nothing was taken, and the fan pays again.
    if (paid.status === 402 && attempts < payAttemptsMax) {
      attempts += 1;
      continue;
    }
    expect(paid).toMatchObject({ status: 201 });
    const [ticket] = paid.body.tickets;
    return { fan, order: paid.body.order, seat: ticket!.seat, code: ticket!.code };
  }
}

/**
 * FANS fans buy all seats, one each; when so many are sold as a key of `atSold` says, its fault happens. `asking`: who asks for
 * the fans, and may write it down. `losesProvider`: the test provider, which is in PostgreSQL, is killed with it, so that an attempt
 * to pay may be over before the provider has heard of it.
 */
export async function sellOut(
  running: OpenShop,
  atSold: Record<number, () => Promise<void>>,
  { asking = ask, losesProvider = false }: { asking?: typeof ask; losesProvider?: boolean } = {},
) {
  const sale = await openSale(running, hall, { capacity: CAPACITY, admitPerMinute: 60_000, seatsPerFan: 1 });
  const witness = await watchQueue(running.redisUrl, sale, CAPACITY);
  const startedAt = Date.now();
  let sold = 0;
  const faults: Promise<void>[] = [];
  const bought = await Promise.all(
    Array.from({ length: FANS }, async (_, i) => {
      const fan = createFan(running.gatewayUrls, sale, `fan-${i}`, startedAt + SALE_MS_MAX, {}, asking);
      const result = await buyOne(fan, `fan-${i}`, losesProvider ? PAY_ATTEMPTS_MAX : 1);
      sold += 1;
      const fault = atSold[sold];
      if (fault) faults.push(fault());
      return result;
    }),
  );
  const durationMs = Date.now() - startedAt;
  await Promise.all(faults);
  const testimony = await witness.testify();
  const state = await until(async () => {
    const { body } = await ask<{ state: string }>('GET', `${running.gatewayUrls[0]}/api/sales/${sale}`);
    return body.state === 'soldOut' ? body.state : false;
  }, SETTLE_MS_MAX);
  console.log(`sold out in ${durationMs} ms; ${JSON.stringify(testimony)}`);
  return { sale, bought, durationMs, testimony, state };
}

/** What every fan was told, what the queue was seen to be, and what stands in the books, agree with the promises. */
export async function expectPromisesKept(
  running: OpenShop,
  { sale, bought, durationMs, testimony, state }: Awaited<ReturnType<typeof sellOut>>,
) {
  expect(state).toBe('soldOut');
  expect(durationMs).toBeLessThan(SALE_MS_MAX);
  expect(testimony.faults).toEqual([]);
  expect(testimony.looks).toBeGreaterThan(50);
  expect(testimony.admittedMax).toBeGreaterThan(CAPACITY / 2);

  // A fan who joined while there was room may never have seen a position; most have seen many.
  expect(bought.flatMap(({ fan }) => fan.seen.positions).length).toBeGreaterThan(FANS);
  const numbers = bought.map(({ fan }) => fan.seen.queueNumber).sort((a, b) => a - b);
  expect(numbers).toEqual(Array.from({ length: FANS }, (_, i) => i + 1));
  for (const { fan } of bought) {
    const { positions } = fan.seen;
    expect(positions).toEqual([...positions].sort((a, b) => b - a));
  }
  expect(new Set(bought.map(({ seat }) => seat)).size).toBe(FANS);
  expect(new Set(bought.map(({ order }) => order)).size).toBe(FANS);

  const sql = postgres(running.databaseUrl, { max: 1 });
  try {
    const tickets = await sql<{ ticket_order: string; code: string }[]>`
      select ticket_order, code from ticket join ticket_order o on o.id = ticket_order where o.sale = ${sale} and live`;
    const inBooks = tickets.map(({ ticket_order, code }) => `${ticket_order} ${code}`).sort();
    expect(inBooks).toEqual(bought.map(({ order, code }) => `${order} ${code}`).sort());
    // Every order's mail goes out, also those written while the worker was dead.
    const undelivered = await until(async () => {
      const [row] = await sql<
        { n: number }[]
      >`select count(*)::int as n from outbox_message where state <> 'sent'`;
      return row?.n === 0 ? 'none' : false;
    }, SETTLE_MS_MAX);
    expect(undelivered).toBe('none');
  } finally {
    await sql.end();
  }
}

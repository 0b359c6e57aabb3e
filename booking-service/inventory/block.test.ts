import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { internalHeaders } from '#shared/internal.ts';
import { SOON_MS } from '../../infra/testing/soon.ts';
import { organiserName, startBooking, type TestBooking, type TestFan } from '../testing/booking.ts';
import { holdSeats, placeOrder } from '../testing/buy.ts';
import { expireHold } from '../testing/expire.ts';
import { inJam } from '../testing/jam.ts';
import { mutateFunction } from '../testing/mutate.ts';
import { violations } from '../testing/violations.ts';

const SEATS_PER_FAN = 4;
/** Holds that wait by themselves for somebody else. */
const HOLDS_WAITING = 3;
const RIVALS = 5;

let booking: TestBooking;
let event: string;
let sale: string;
let fan: TestFan;

beforeEach(async () => {
  booking = await startBooking();
  event = (await booking.makeEvent([{ name: 'A', rows: 2, seatsPerRow: 10, amount: 5_000 }])).event;
  sale = (await booking.makeSale(event, { seatsPerFan: SEATS_PER_FAN })).sale;
  fan = await booking.admit(sale);
});

afterEach(() => booking.stop());

const found = () => violations(booking.db, SEATS_PER_FAN);

const ask = (command: 'block' | 'unblock', seats: string[], reason = 'sound desk') =>
  booking.internal('POST', `/internal/events/${event}/seats/${command}`, { json: { seats, reason } });
const block = (...seats: string[]) => ask('block', seats);
const unblock = (...seats: string[]) => ask('unblock', seats);

const audit = async () =>
  (await booking.db.call(
    (sql) => sql`
      select action, by, seats, reason from audit_entry where event = ${event} order by at`,
  )) as unknown[];

const statusOf = async (...ids: string[]): Promise<string[]> => {
  await booking.inventory.refresh();
  const { body } = await fan.request('GET', '/seats?limit=1000');
  const seats = body.seats as { id: string; status: string }[];
  return ids.map((id) => seats.find((seat) => seat.id === id)?.status ?? 'missing');
};

describe('blocking', () => {
  test('takes open seats off sale, from map, stock, best available and holds', async () => {
    expect(await block('A-1-2', 'A-1-1')).toMatchObject({
      status: 200,
      body: { event, seats: ['A-1-2', 'A-1-1'], changed: ['A-1-1', 'A-1-2'] },
    });
    expect(await statusOf('A-1-1', 'A-1-2', 'A-1-3')).toEqual(['blocked', 'blocked', 'open']);
    const { sales } = (await booking.internal('GET', '/internal/stock')).body as {
      sales: { sale: string }[];
    };
    expect(sales.find((stock) => stock.sale === sale)).toMatchObject({ open: 18, blocked: 2 });
    expect(await fan.request('POST', '/holds', { json: { seats: ['A-1-2', 'A-1-3'] } })).toMatchObject({
      status: 409,
      body: { code: 'seats-taken', conflicts: ['A-1-2'] },
    });
    await block('A-1-3', 'A-1-4', 'A-1-5', 'A-1-6', 'A-1-7', 'A-1-8', 'A-1-9');
    const best = await fan.request('POST', '/holds', { json: { best: { quantity: 2 } } });
    expect(best.body.seats).toMatchObject([{ seat: 'A-2-5' }, { seat: 'A-2-6' }]);
  });

  test('is all or nothing: what is held or sold is named, and nothing is blocked', async () => {
    const other = await booking.admit(sale);
    await placeOrder(other, await holdSeats(other, 'A-1-2'));
    await holdSeats(fan, 'A-1-4');
    expect(await block('A-1-1', 'A-1-2', 'A-1-3', 'A-1-4')).toMatchObject({
      status: 409,
      body: { code: 'seats-taken', conflicts: ['A-1-2', 'A-1-4'] },
    });
    expect(await statusOf('A-1-1', 'A-1-3')).toEqual(['open', 'open']);
    expect(await audit()).toEqual([]);
  });

  test('of a blocked seat again changes nothing and is not audited twice', async () => {
    await block('A-1-1');
    expect((await block('A-1-1')).body).toMatchObject({ seats: ['A-1-1'], changed: [] });
    expect((await block('A-1-1', 'A-1-2')).body).toMatchObject({ changed: ['A-1-2'] });
    expect(await audit()).toEqual([
      { action: 'block', by: organiserName, seats: [0], reason: 'sound desk' },
      { action: 'block', by: organiserName, seats: [1], reason: 'sound desk' },
    ]);
  });

  test('takes a seat whose hold has expired, and its late payment does not win it back', async () => {
    const hold = await holdSeats(fan, 'A-1-1');
    await expireHold(booking.db, hold);
    expect((await block('A-1-1')).body).toMatchObject({ changed: ['A-1-1'] });
    expect((await placeOrder(fan, hold)).body.code).toBe('hold-lost');
    await unblock('A-1-1');
    expect((await placeOrder(fan, hold, { key: 'again' })).body.code).toBe('hold-lost');
    expect(await statusOf('A-1-1')).toEqual(['open']);
  });

  test.each([
    ['no seats', { seats: [], reason: 'r' }, 'seats'],
    ['a seat twice', { seats: ['A-1-1', 'A-1-1'], reason: 'r' }, 'seats'],
    ['no reason', { seats: ['A-1-1'] }, 'reason'],
    ['a seat of another hall', { seats: ['A-1-1', 'Z-1-1'], reason: 'r' }, 'seats.1'],
    ['a seat behind the row', { seats: ['A-1-11'], reason: 'r' }, 'seats.0'],
    [
      'too many seats',
      { seats: Array.from({ length: 1_001 }, (_, i) => `A-${i + 1}-1`), reason: 'r' },
      'seats',
    ],
  ])('refuses %s by its field', async (_, json, field) => {
    const path = `/internal/events/${event}/seats/block`;
    expect(await booking.internal('POST', path, { json })).toMatchObject({
      status: 422,
      body: { code: 'invalid-field', errors: [{ field }] },
    });
  });

  test('needs an event that is there, and somebody’s name', async () => {
    const json = { seats: ['A-1-1'], reason: 'r' };
    expect((await booking.internal('POST', '/internal/events/none/seats/block', { json })).status).toBe(404);
    const headers = { [internalHeaders.organiser]: '' };
    const nameless = await booking.internal('POST', `/internal/events/${event}/seats/block`, {
      json,
      headers,
    });
    expect(nameless).toMatchObject({ status: 400, body: { code: 'malformed-request' } });
  });
});

describe('unblocking', () => {
  test('opens what is blocked and leaves everything else as it is', async () => {
    await block('A-1-1');
    await holdSeats(fan, 'A-1-2');
    expect((await unblock('A-1-1', 'A-1-2', 'A-1-3')).body).toMatchObject({ changed: ['A-1-1'] });
    expect(await statusOf('A-1-1', 'A-1-2', 'A-1-3')).toEqual(['open', 'held', 'open']);
    expect((await unblock('A-1-1')).body).toMatchObject({ changed: [] });
    expect(await audit()).toHaveLength(2);
  });
});

test('a call whose answer was lost and is made again is one act with one answer', async () => {
  const call = (name: 'block_seats' | 'unblock_seats') =>
    booking.db.callOne<{ seats: number[] }>((sql) =>
      name === 'block_seats'
        ? sql`select seats from block_seats('a-block', ${event}, '{0,1}', 'ada', 'r')`
        : sql`select unblock_seats('an-unblock', ${event}, '{0,1}', 'ada', 'r') as seats`,
    );
  for (const name of ['block_seats', 'unblock_seats'] as const) {
    expect([await call(name), await call(name)]).toEqual([{ seats: [0, 1] }, { seats: [0, 1] }]);
  }
  expect(await audit()).toHaveLength(2);
});

/** Seats are locked from outside until everybody waits for them: nobody may be told to come later meanwhile. */
const waitLong = () => mutateFunction(booking.db, 'wait_briefly_for_seats', '300ms', '2s');

test('of rival blocks and holds of one seat, one hold or one block wins, whole', async () => {
  await waitLong();
  const fans = await Promise.all(Array.from({ length: RIVALS }, () => booking.admit(sale)));
  const answers = await inJam(
    { databaseUrl: booking.databaseUrl, event, waiting: HOLDS_WAITING + RIVALS },
    () =>
      Promise.all(
        fans.flatMap((rival) => [
          rival.request('POST', '/holds', { json: { seats: ['A-1-1', 'A-1-2'] } }),
          block('A-1-2', 'A-1-3'),
        ]),
      ),
  );
  const held = answers.filter((answer) => answer.status === 201).length;
  const blocked = answers.filter(({ body }) => (body.changed as string[] | undefined)?.length).length;
  expect(held + blocked).toBe(1);
  expect(await statusOf('A-1-1', 'A-1-2', 'A-1-3')).toEqual(
    held === 1 ? ['held', 'held', 'open'] : ['open', 'blocked', 'blocked'],
  );
  for (const { status, body } of answers) {
    if (status === 409) expect([body.code, ...(body.conflicts as string[])]).toContain('A-1-2');
    else expect([200, 201]).toContain(status);
  }
  expect(await found()).toEqual([]);
});

/** The block looks at a seat while a hold of it is first in the line for its lock. */
async function blockBehindHold() {
  await waitLong();
  return inJam({ databaseUrl: booking.databaseUrl, event, waiting: 2 }, async () => {
    const held = fan.request('POST', '/holds', { json: { seats: ['A-1-1'] } });
    await vi.waitFor(async () => {
      const [row] = await booking.db.call<{ waiting: number }>(
        (sql) => sql`
          select count(*)::int as waiting from pg_stat_activity
          where datname = current_database() and wait_event_type = 'Lock'`,
      );
      expect(row?.waiting).toBe(1);
    }, SOON_MS);
    return Promise.all([held, block('A-1-1')]);
  });
}

test('a block that comes behind a hold is told so', async () => {
  const [held, blocked] = await blockBehindHold();
  expect(held.status).toBe(201);
  expect(blocked).toMatchObject({ status: 409, body: { conflicts: ['A-1-1'] } });
  expect(await found()).toEqual([]);
});

test('the proof notices a block that locks nothing', async () => {
  await mutateFunction(booking.db, 'block_seats', 'perform lock_seats(p_event, p_seats);', '');
  await blockBehindHold();
  expect(await found()).not.toEqual([]);
});

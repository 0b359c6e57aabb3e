import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { systemClock } from '#shared/clock.ts';
import { newId } from '#shared/ids.ts';
import { internalHeaders } from '#shared/internal.ts';
import { unpackStates } from '#shared/seat-codes.ts';
import { createDb } from '../db/client.ts';
import { internalSecret, startBooking, type TestBooking, type TestFan } from '../testing/booking.ts';
import { expireHold } from '../testing/expire.ts';
import { through } from '../testing/through.ts';
import { createInventory } from './inventory.ts';

const SEATS = 24;
const FRESH_MS_MAX = 300;

let booking: TestBooking;
let event: string;
let sale: string;
let fan: TestFan;

beforeAll(async () => {
  booking = await startBooking();
});

beforeEach(async () => {
  const sections = [
    { name: 'A', rows: 2, seatsPerRow: 10, amount: 5_000 },
    { name: 'B', rows: 1, seatsPerRow: 4, amount: 3_000 },
  ];
  event = (await booking.makeEvent(sections)).event;
  sale = (await booking.makeSale(event, { seatsPerFan: 20 })).sale;
  fan = await booking.admit(sale);
});

afterAll(() => booking.stop());

const map = async (by = fan): Promise<number[]> => {
  const { body } = await by.request('GET', '/seats');
  return [...unpackStates(String(body.statuses), new Uint8Array(SEATS))];
};

const hold = async (...seats: string[]): Promise<string> => {
  const { status, body } = await fan.request('POST', '/holds', { json: { seats } });
  expect(status).toBe(201);
  return String(body.hold);
};

const stockOf = async (id: string) => {
  const { body } = await booking.internal('GET', '/internal/stock');
  return (body.sales as { sale: string }[]).find((line) => line.sale === id);
};

/** Waits until it holds, and for no longer than what fans see may be old. */
const soon = (check: () => Promise<void>) => vi.waitFor(check, { timeout: FRESH_MS_MAX, interval: 10 });

test('nobody waits for a renewal where none has come for a while, and everybody does once they come again', async () => {
  const direct = createDb(booking.databaseUrl, { applicationName: 'stalled', connections: 1 });
  let stalled: Promise<unknown> = Promise.resolve();
  const db = through(direct, async (statement, withinMs) => {
    await stalled;
    return direct.call(statement, withinMs);
  });
  const inventory = createInventory({ db, clock: systemClock, log: booking.log });
  inventory.start();
  await inventory.refresh();
  let goOn = () => {};
  stalled = new Promise<void>((resolve) => {
    goOn = resolve;
  });
  await expect.poll(inventory.ageMs, { timeout: 5_000 }).toBeGreaterThan(1_000);
  // Longer than this test may take.
  expect(await inventory.isRenewed(600_000)).toBe(false);
  await expect(inventory.findSale('unknown')).rejects.toMatchObject({ code: 'unavailable' });
  goOn();
  await expect.poll(() => inventory.isRenewed(1_000), { timeout: 5_000 }).toBe(true);
  expect(await inventory.findSale('unknown')).toBeUndefined();
  await inventory.stop();
  await direct.close();
});

describe('the seat map', () => {
  test('shows a booking within 300 ms, in this process and in every other', async () => {
    const otherDb = createDb(booking.databaseUrl, { applicationName: 'other', connections: 1 });
    const other = createInventory({ db: otherDb, clock: systemClock, log: booking.log });
    other.start();
    await other.refresh();
    await hold('A-1-2', 'B-1-4');
    await soon(async () => {
      const states = await map();
      expect([states[1], states[SEATS - 1]]).toEqual([1, 1]);
    });
    await soon(async () => expect(other.seatsOf(event).states.shown[1]).toBe(1));
    await other.stop();
    await otherDb.close();
  });

  test('shows a hold past its time as open, before anybody has tidied', async () => {
    const id = await hold('A-1-1');
    await soon(async () => expect((await map())[0]).toBe(1));
    await expireHold(booking.db, id);
    await soon(async () => expect((await map())[0]).toBe(0));
    expect(await stockOf(sale)).toMatchObject({ open: SEATS, held: 0, nextHoldEnds: null });
  });

  test('has an entity tag that is good until something changes', async () => {
    const first = await fan.request('GET', '/seats');
    const etag = String(first.headers.get('etag'));
    expect(etag).toMatch(/^"[\w-]+"$/);
    const again = await fan.request('GET', '/seats', { headers: { 'if-none-match': `"x", ${etag}` } });
    expect([again.status, again.headers.get('etag')]).toEqual([304, etag]);
    await hold('A-1-1');
    await soon(async () => {
      const changed = await fan.request('GET', '/seats', { headers: { 'if-none-match': etag } });
      expect(changed.status).toBe(200);
      expect(Number(changed.body.version)).toBeGreaterThan(Number(first.body.version));
    });
    expect(first.headers.get('cache-control')).toBe('private, no-cache');
  });

  test('tells what has changed since a version, and the whole map where that is not known', async () => {
    const { body: known } = await fan.request('GET', '/seats');
    const since = (version: unknown) => fan.request('GET', `/seats?since=${version}`);
    // This process has not run for long enough to know what others told before.
    expect((await since(Number(known.version) - 60_000)).body.statuses).toBe(known.statuses);
    let held = 0;
    await vi.waitFor(
      async () => {
        held += 1;
        await hold(`A-1-${held}`);
        const { body } = await fan.request('GET', '/seats');
        expect((await since(body.version)).body.statuses).toBeUndefined();
      },
      { timeout: 5_000, interval: 500 },
    );
    const before = await fan.request('GET', '/seats');
    const { sale: presale } = await booking.makeSale(event, { sections: ['B'] });
    const early = await booking.admit(presale);
    await hold('B-1-4');
    await soon(async () => {
      const { body, headers } = await since(before.body.version);
      expect(body.changes).toContainEqual([SEATS - 1, 1]);
      expect(body).toMatchObject({ event, layoutVersion: 1, since: before.body.version });
      expect(headers.get('cache-control')).toBe('private, no-store');
    });
    const ofB = await early.request('GET', `/seats?since=${before.body.version}`);
    expect(ofB.body.changes).toContainEqual([3, 1]);
    expect(await since('-1')).toMatchObject({ status: 422, body: { code: 'invalid-field' } });
  });

  test('comes compressed for whoever takes gzip, with an entity tag of its own', async () => {
    const large = await booking.makeEvent([{ name: 'A', rows: 50, seatsPerRow: 100, amount: 1 }]);
    const { sale: ofLarge } = await booking.makeSale(large.event);
    const buyer = await booking.admit(ofLarge);
    const ask = (headers: Record<string, string>) =>
      booking.app.request(`/api/sales/${ofLarge}/seats`, {
        headers: {
          authorization: `Bearer ${buyer.token}`,
          [internalHeaders.key]: internalSecret,
          [internalHeaders.admission]: 'live',
          ...headers,
        },
      });
    const plain = await ask({});
    const zipped = await ask({ 'accept-encoding': 'br, gzip;q=0.8' });
    expect(zipped.headers.get('content-encoding')).toBe('gzip');
    expect(gunzipSync(Buffer.from(await zipped.arrayBuffer())).toString()).toBe(await plain.text());
    expect(zipped.headers.get('etag')).not.toBe(plain.headers.get('etag'));
    expect([plain, zipped].map(({ headers }) => headers.get('vary'))).toEqual([
      'accept-encoding',
      'accept-encoding',
    ]);
    const again = await ask({
      'accept-encoding': 'gzip',
      'if-none-match': String(zipped.headers.get('etag')),
    });
    expect(again.status).toBe(304);
    for (const refused of ['gzip;q=0', 'identity', 'gzipped', `gzip${' '.repeat(15_000)}x`])
      expect((await ask({ 'accept-encoding': refused })).headers.get('content-encoding')).toBeNull();
  });

  test('has only the sections that the sale may sell', async () => {
    const { sale: presale } = await booking.makeSale(event, { sections: ['B'] });
    const early = await booking.admit(presale);
    const { body } = await early.request('GET', '/seats');
    expect(body.sections).toEqual([
      { name: 'B', rows: 1, seatsPerRow: 4, price: { amount: 3_000, currency: 'EUR' } },
    ]);
    await hold('B-1-1', 'A-1-1');
    await soon(async () => expect(await stockOf(presale)).toMatchObject({ open: 3, held: 1 }));
    await soon(async () => expect(await stockOf(sale)).toMatchObject({ open: SEATS - 2, held: 2 }));
  });

  test('misses nothing however bookings race', async () => {
    const db = createDb(booking.databaseUrl, { applicationName: 'writers' });
    await Promise.all(
      Array.from({ length: 400 }, (_, index) =>
        db.call(
          (sql) => sql`
            select take_seats(${newId()}, ${sale}, ${event}, ${newId()}, ${newId()}, null, '',
              ${[index % SEATS]}::int[], 1, '{}'::int[], ${index % 3 === 0 ? 1 : 60_000}, 1, 1)`,
        ),
      ),
    );
    // Read anew each time: a hold of a millisecond may have been live at the first look.
    const stored = () =>
      db.call<{ state: number }>(
        (sql) => sql`
          select case when seat_is_open(state, held_until) then 0 else state end as state
          from seat where event = ${event} order by seat`,
      );
    await soon(async () => expect(await map()).toEqual((await stored()).map(({ state }) => state)));
    await db.close();
  });
});

describe('the list of seats', () => {
  test('says of each which kind it is', async () => {
    const marked = { accessible: ['2-1'], companions: ['2-2'] };
    const { event: of } = await booking.makeEvent([
      { name: 'A', rows: 2, seatsPerRow: 3, amount: 1, ...marked },
      { name: 'B', rows: 1, seatsPerRow: 1, amount: 1 },
    ]);
    const buyer = await booking.admit((await booking.makeSale(of)).sale);
    const { body } = await buyer.request('GET', '/seats?status=open');
    const kinds = new Map((body.seats as { id: string; kind: string }[]).map(({ id, kind }) => [id, kind]));
    expect([...kinds.values()].filter((kind) => kind === 'standard')).toHaveLength(5);
    expect([kinds.get('A-2-1'), kinds.get('A-2-2'), kinds.get('B-1-1')]).toEqual([
      'accessible',
      'companion',
      'standard',
    ]);
  });

  test('keeps to status, section, row and limit', async () => {
    await hold('A-1-2', 'A-1-3');
    await soon(async () => expect((await map())[1]).toBe(1));
    const open = await fan.request('GET', '/seats?status=open&section=A&limit=3');
    expect((open.body.seats as { id: string }[]).map(({ id }) => id)).toEqual(['A-1-1', 'A-1-4', 'A-1-5']);
    const held = await fan.request('GET', '/seats?status=held');
    expect(held.body.seats).toMatchObject([
      {
        id: 'A-1-2',
        section: 'A',
        row: 1,
        number: 2,
        price: { amount: 5_000, currency: 'EUR' },
        status: 'held',
      },
      { id: 'A-1-3', status: 'held' },
    ]);
    expect((await fan.request('GET', '/seats?status=open&section=Z')).body.seats).toEqual([]);
    const behind = await fan.request('GET', '/seats?section=A&fromRow=2&limit=1');
    expect(behind.body.seats).toMatchObject([{ id: 'A-2-1' }]);
    expect((await fan.request('GET', '/seats?section=A&fromRow=500')).body.seats).toEqual([]);
  });

  test.each(['status=free', 'limit=0', 'limit=1001', 'limit=x', 'section=A-1', 'fromRow=0', 'colour=red'])(
    'refuses ?%s',
    async (query) => {
      expect(await fan.request('GET', `/seats?${query}`)).toMatchObject({
        status: 422,
        body: { code: 'invalid-field' },
      });
    },
  );
});

describe('the stock', () => {
  test('adds up, and knows when the next hold ends', async () => {
    const id = await hold('A-1-1', 'A-1-2');
    await fan.request('POST', '/orders', {
      json: { hold: id, buyer: { name: 'Ada', email: 'ada@example.org' }, payment: { token: 'tok_ok' } },
      headers: { 'idempotency-key': 'k' },
    });
    await hold('A-2-1');
    await soon(async () => {
      const line = await stockOf(sale);
      expect(line).toMatchObject({ version: 1, open: SEATS - 3, held: 1, sold: 2, blocked: 0 });
      expect(Number((line as { nextHoldEnds?: number }).nextHoldEnds)).toBeGreaterThan(Date.now());
    });
  });
});

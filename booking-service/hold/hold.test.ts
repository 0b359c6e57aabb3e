import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { internalHeaders } from '#shared/internal.ts';
import { Problem } from '#shared/problem.ts';
import { SOON_MS } from '../../infra/testing/soon.ts';
import { createApp } from '../app.ts';
import type { Db } from '../db/client.ts';
import { internalSecret, startBooking, type TestBooking, type TestFan } from '../testing/booking.ts';
import { expireHold } from '../testing/expire.ts';
import { violations } from '../testing/violations.ts';

const SEATS_PER_FAN = 6;
const HOLDS_PER_ADMISSION_MAX = 30;

let booking: TestBooking;
let event: string;
let sale: string;
let fan: TestFan;

beforeAll(async () => {
  booking = await startBooking();
});

beforeEach(async () => {
  const made = await booking.makeEvent([
    { name: 'A', rows: 2, seatsPerRow: 5, amount: 5_000 },
    { name: 'B', rows: 1, seatsPerRow: 4, amount: 3_000 },
    { name: 'Nord Ost', rows: 1, seatsPerRow: 6, amount: 9_000 },
  ]);
  event = made.event;
  sale = (await booking.makeSale(event, { seatsPerFan: SEATS_PER_FAN })).sale;
  fan = await booking.admit(sale);
});

afterAll(async () => {
  expect(await violations(booking.db, SEATS_PER_FAN)).toEqual([]);
  await booking.stop();
});

const hold = (json: unknown, headers: Record<string, string> = {}, by = fan) =>
  by.request('POST', '/holds', { json, headers });
const seatsOf = (body: Record<string, unknown>) => (body.seats as { seat: string }[]).map(({ seat }) => seat);
const holdEnds = (answer: { headers: Headers }) => Number(answer.headers.get(internalHeaders.holdEnds));

describe('a hold', () => {
  test('has the seats, their prices, its end and its address', async () => {
    const answer = await hold({ seats: ['B-1-2', 'A-1-1'] });
    expect(answer).toMatchObject({
      status: 201,
      body: {
        seats: [
          { seat: 'A-1-1', price: { amount: 5_000, currency: 'EUR' } },
          { seat: 'B-1-2', price: { amount: 3_000, currency: 'EUR' } },
        ],
        total: { amount: 8_000, currency: 'EUR' },
      },
    });
    expect(answer.headers.get('location')).toBe(`/api/sales/${sale}/holds/${answer.body.hold}`);
    expect(holdEnds(answer)).toBe(Date.parse(String(answer.body.expiresAt)));
    expect((await fan.request('GET', '/holds')).body.holds).toEqual([answer.body]);
  });

  test('takes none of its seats when one is taken, and says which', async () => {
    await hold({ seats: ['A-1-2'] });
    const other = await booking.admit(sale);
    const refused = await hold({ seats: ['A-1-1', 'A-1-2', 'A-1-3'] }, {}, other);
    expect(refused).toMatchObject({ status: 409, body: { code: 'seats-taken', conflicts: ['A-1-2'] } });
    expect(holdEnds(refused)).toBe(0);
    expect((await hold({ seats: ['A-1-1', 'A-1-3'] }, {}, other)).status).toBe(201);
  });

  test('lasts as long as the sale says, and no longer than the admission', async () => {
    const long = await hold({ seats: ['A-1-1'] });
    expect(Math.abs(holdEnds(long) - Date.now() - 300_000)).toBeLessThan(5_000);
    const ends = Math.floor(Date.now() / 1000) + 30;
    const late = await booking.admit(sale, { ends, exp: ends + 300 });
    const short = await hold({ seats: ['A-1-2'] }, {}, late);
    expect(holdEnds(short)).toBeLessThanOrEqual(ends * 1000 + 1_000);
  });

  test('is refused once the admission is over, however the clocks may differ', async () => {
    const ends = Math.floor(Date.now() / 1000) - 121;
    const late = await booking.admit(sale, { ends, exp: ends + 300 });
    const answer = await hold({ seats: ['A-1-1'] }, {}, late);
    expect(answer).toMatchObject({ status: 401, body: { code: 'gate-required' } });
  });

  test('is the same one when its key comes back, until it ends', async () => {
    const key = { 'idempotency-key': 'k' };
    const [first, again] = await Promise.all([
      hold({ seats: ['A-1-1'] }, key),
      hold({ seats: ['A-1-1'] }, key),
    ]);
    expect(again).toMatchObject({ status: 201, body: first.body });
    const other = await hold({ seats: ['A-1-2'] }, key);
    expect(other).toMatchObject({ status: 422, body: { code: 'idempotency-mismatch' } });
    await fan.request('DELETE', `/holds/${first.body.hold}`);
    expect((await hold({ seats: ['A-1-1'] }, key)).body.hold).not.toBe(first.body.hold);
  });

  test('with a key that cannot be one is not made', async () => {
    const answer = await hold({ seats: ['A-1-1'] }, { 'idempotency-key': 'two words' });
    expect(answer).toMatchObject({ status: 400, body: { code: 'malformed-request' } });
  });

  test('past its time blocks nobody', async () => {
    const first = await hold({ seats: ['A-1-1'] });
    await expireHold(booking.db, String(first.body.hold));
    expect((await fan.request('GET', '/holds')).body.holds).toEqual([]);
    const other = await booking.admit(sale);
    expect((await hold({ seats: ['A-1-1'] }, {}, other)).status).toBe(201);
    await booking.db.call((sql) => sql`select sweep_holds(100)`);
    expect((await other.request('GET', '/holds')).body.holds).toHaveLength(1);
  });

  test('whose answer never came is not kept from anybody', async () => {
    const loses = (call: (statement: never) => Promise<unknown>) => async (statement: never) => {
      await call(statement);
      throw new Problem('unavailable', 'The answer was lost.');
    };
    const { call, callOne } = booking.db;
    const deaf = { ...booking.db, call: loses(call), callOne: loses(callOne) } as unknown as Db;
    const { app: answerless } = createApp({ ...booking.dependencies, db: deaf });
    const response = await answerless.request(`/api/sales/${sale}/holds`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        authorization: `Bearer ${fan.token}`,
        [internalHeaders.key]: internalSecret,
        [internalHeaders.admission]: 'live',
      },
      body: JSON.stringify({ seats: ['A-1-1'] }),
    });
    expect(response.status).toBe(503);
    const other = await booking.admit(sale);
    await vi.waitFor(
      async () => expect((await hold({ seats: ['A-1-1'] }, {}, other)).status).toBe(201),
      SOON_MS,
    );
  });

  test('cannot be made and given up for ever', async () => {
    for (let count = 0; count < HOLDS_PER_ADMISSION_MAX; count += 1) {
      const { status, body } = await hold({ seats: ['A-1-1'] });
      expect(status).toBe(201);
      await fan.request('DELETE', `/holds/${body.hold}`);
    }
    expect(await hold({ seats: ['A-1-1'] })).toMatchObject({ status: 409, body: { code: 'limit-reached' } });
  });
});

describe('refused as a whole', () => {
  test.each([
    ['an unknown seat', { seats: ['A-9-1'] }],
    ['a seat of no section', { seats: ['Z-1-1'] }],
    ['one unknown seat among others', { seats: ['A-1-1', 'A-1-6'] }],
    ['a seat named twice', { seats: ['A-1-1', 'A-1-1'] }],
    ['a seat written otherwise', { seats: ['A-01-1'] }],
    ['no seats', { seats: [] }],
    ['a thousand seats', { seats: Array.from({ length: 1_000 }, (_, index) => `A-1-${index + 1}`) }],
    ['a price of one’s own', { seats: ['A-1-1'], price: 1 }],
    ['both ways of asking', { seats: ['A-1-1'], best: { quantity: 1 } }],
    ['neither way of asking', {}],
    ['a quantity of nothing', { best: { quantity: 0 } }],
    ['a quantity as text', { best: { quantity: '2' } }],
    ['an unknown section', { best: { quantity: 1, section: 'Z' } }],
    ['a section with a number for a name', { best: { quantity: 1, section: 1 } }],
    ['a prototype', JSON.parse('{"__proto__": {"seats": ["A-1-1"]}, "seats": ["A-1-1"]}')],
  ])('%s', async (_, json) => {
    const answer = await hold(json);
    expect(answer).toMatchObject({ status: 422, body: { code: 'invalid-field' } });
    expect((await fan.request('GET', '/holds')).body.holds).toEqual([]);
  });

  test('seats of another sale’s sections', async () => {
    const presale = await booking.makeSale(event, { sections: ['B'] });
    const early = await booking.admit(presale.sale);
    expect((await hold({ seats: ['A-1-1'] }, {}, early)).status).toBe(422);
    expect((await hold({ best: { quantity: 1, section: 'A' } }, {}, early)).status).toBe(422);
    expect((await hold({ seats: ['B-1-1'] }, {}, early)).status).toBe(201);
    expect((await hold({ seats: ['B-1-1'] })).body.code).toBe('seats-taken');
  });

  test('more seats than a fan may have', async () => {
    expect((await hold({ best: { quantity: 7, section: 'Nord Ost' } })).body.code).toBe('limit-reached');
    expect((await hold({ best: { quantity: 6, section: 'Nord Ost' } })).status).toBe(201);
    expect((await hold({ seats: ['A-1-1'] })).body.code).toBe('limit-reached');
  });
});

describe('the best available', () => {
  test('are the cheapest, adjacent', async () => {
    expect(seatsOf((await hold({ best: { quantity: 4 } })).body)).toEqual([
      'B-1-1',
      'B-1-2',
      'B-1-3',
      'B-1-4',
    ]);
    expect(seatsOf((await hold({ best: { quantity: 2 } })).body)).toEqual(['A-1-1', 'A-1-2']);
  });

  test('keep to the section and to the most that one may cost', async () => {
    expect(seatsOf((await hold({ best: { quantity: 1, section: 'Nord Ost' } })).body)[0]).toMatch(
      /^Nord Ost-1-/,
    );
    expect((await hold({ best: { quantity: 5, maxAmount: 3_000 } })).body).toMatchObject({
      code: 'seats-taken',
      conflicts: [],
    });
    expect((await hold({ best: { quantity: 5, maxAmount: 5_000 } })).status).toBe(201);
  });

  test('are found for everybody at once, without a false refusal', async () => {
    const fans = await Promise.all(Array.from({ length: 10 }, () => booking.admit(sale)));
    const answers = await Promise.all(fans.map((each) => hold({ best: { quantity: 2 } }, {}, each)));
    // A has 2 × 2 pairs, B 2, Nord Ost 3: nine pairs for ten fans.
    expect(answers.map((answer) => answer.status).sort()).toEqual([...new Array(9).fill(201), 409]);
  });
});

describe('giving back', () => {
  test('opens the seats at once, and says so again when asked again', async () => {
    const { body } = await hold({ seats: ['A-1-1'] });
    const answer = await fan.request('DELETE', `/holds/${body.hold}`);
    expect([answer.status, holdEnds(answer)]).toEqual([204, 0]);
    expect((await fan.request('DELETE', `/holds/${body.hold}`)).status).toBe(204);
    expect((await hold({ seats: ['A-1-1'] }, {}, await booking.admit(sale))).status).toBe(201);
  });

  test('whoever has given seats back finds them open in the very next look', async () => {
    for (let round = 0; round < 10; round += 1) {
      const { body } = await hold({ seats: ['A-1-1'] });
      await booking.inventory.refresh();
      await fan.request('DELETE', `/holds/${body.hold}`);
      const { seats } = (await fan.request('GET', '/seats?status=open')).body as { seats: { id: string }[] };
      expect(seats.map(({ id }) => id)).toContain('A-1-1');
    }
  });

  test('leaves the seats to be had again at once, in a crush too', async () => {
    let isCrowded = true;
    const crowd = Promise.all(
      [1, 2, 3].map(async () => {
        while (isCrowded) {
          const other = await booking.admit(sale);
          const { body } = await hold({ seats: ['B-1-1'] }, {}, other);
          if (body.hold) await other.request('DELETE', `/holds/${body.hold}`);
        }
      }),
    );
    for (let round = 0; round < 8; round += 1) {
      const { body } = await hold({ seats: ['A-1-1'] });
      await booking.inventory.refresh();
      await fan.request('DELETE', `/holds/${body.hold}`);
      const again = await hold({ seats: ['A-1-1', 'A-1-2'] });
      expect(again.status).toBe(201);
      await fan.request('DELETE', `/holds/${again.body.hold}`);
    }
    isCrowded = false;
    await crowd;
  });

  test('a hold that ended does not open the seats of whoever has them now', async () => {
    const { body } = await hold({ seats: ['A-1-1'] });
    await expireHold(booking.db, String(body.hold));
    const other = await booking.admit(sale);
    await hold({ seats: ['A-1-1'] }, {}, other);
    expect((await fan.request('DELETE', `/holds/${body.hold}`)).status).toBe(204);
    expect((await other.request('GET', '/holds')).body.holds).toHaveLength(1);
    expect((await hold({ seats: ['A-1-1'] })).body.code).toBe('seats-taken');
  });

  test('another fan’s hold is not possible', async () => {
    const { body } = await hold({ seats: ['A-1-1'] });
    const other = await booking.admit(sale);
    const foreign = await other.request('DELETE', `/holds/${body.hold}`);
    const unknown = await other.request('DELETE', '/holds/AAAAAAAAAAAAAAAAAAAAAA');
    expect([foreign.status, unknown.status]).toEqual([404, 404]);
    expect(foreign.body).toEqual(unknown.body);
    expect((await fan.request('GET', '/holds')).body.holds).toHaveLength(1);
  });

  test('everything of a fan who left, and nothing of anybody else', async () => {
    const other = await booking.admit(sale);
    await hold({ seats: ['A-1-1', 'A-1-2'] });
    await hold({ seats: ['A-1-3'] });
    await hold({ seats: ['A-1-4'] }, {}, other);
    const path = `/internal/sales/${sale}/entries/${fan.id}/holds`;
    expect((await booking.internal('DELETE', path)).status).toBe(204);
    expect((await booking.internal('DELETE', path)).status).toBe(204);
    expect((await fan.request('GET', '/holds')).body.holds).toEqual([]);
    expect((await other.request('GET', '/holds')).body.holds).toHaveLength(1);
    expect((await hold({ seats: ['A-1-1', 'A-1-2', 'A-1-3'] }, {}, other)).status).toBe(201);
  });
});

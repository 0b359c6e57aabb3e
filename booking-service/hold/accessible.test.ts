import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { startBooking, type TestBooking, type TestFan } from '../testing/booking.ts';
import { holdSeats } from '../testing/buy.ts';

/** W C . . . . of every row of A is a wheelchair space and the seat of a companion; B is dearer and has none. */
const hall = [
  {
    ...{ name: 'A', rows: 2, seatsPerRow: 6, amount: 3_000 },
    accessible: ['1-1', '2-1'],
    companions: ['2-2', '1-2'],
  },
  { name: 'B', rows: 1, seatsPerRow: 6, amount: 5_000 },
];

describe.each([
  ['picked in memory', false],
  ['searched for by the database', true],
])('the best seats, %s', (_, isOneByOne) => {
  let booking: TestBooking;
  let sale: string;
  let fan: TestFan;

  beforeAll(async () => {
    booking = await startBooking({ isOneByOne });
  });
  beforeEach(async () => {
    sale = (await booking.makeSale((await booking.makeEvent(hall)).event, { seatsPerFan: 20 })).sale;
    fan = await booking.admit(sale);
  });
  afterAll(() => booking.stop());

  const best = (wanted: Record<string, unknown>) => fan.request('POST', '/holds', { json: { best: wanted } });
  const heldBest = async (wanted: Record<string, unknown>): Promise<string[]> => {
    const { body } = await best(wanted);
    return ((body.seats ?? []) as { seat: string }[]).map(({ seat }) => seat);
  };

  test('hold no accessible or companion seat unasked, whatever is left', async () => {
    expect(await heldBest({ quantity: 4 })).toEqual(['A-1-3', 'A-1-4', 'A-1-5', 'A-1-6']);
    expect(await heldBest({ quantity: 5 })).toHaveLength(5);
    expect(await heldBest({ quantity: 4, section: 'A' })).toEqual(['A-2-3', 'A-2-4', 'A-2-5', 'A-2-6']);
    expect(await best({ quantity: 1, section: 'A' })).toMatchObject({
      status: 409,
      body: { code: 'seats-taken', conflicts: [] },
    });
  });

  test('hold as many accessible seats as asked for, and companions beside them first', async () => {
    expect(await heldBest({ quantity: 2, accessible: 1 })).toEqual(['A-1-1', 'A-1-2']);
    expect(await heldBest({ quantity: 3, accessible: 1 })).toEqual(['A-2-1', 'A-2-2', 'A-2-3']);
    expect(await best({ quantity: 1, accessible: 1 })).toMatchObject({
      status: 409,
      body: { code: 'seats-taken', conflicts: [] },
    });
    expect((await best({ quantity: 1, accessible: 1 })).body.detail).toContain('accessible');
    expect(await heldBest({ quantity: 2, accessible: 0 })).toHaveLength(2);
  });

  test('named seats may be of any kind', async () => {
    await holdSeats(fan, 'A-1-1', 'A-1-2', 'A-1-3');
  });

  test.each([
    ['more than the quantity', { quantity: 2, accessible: 3 }, 'best.accessible'],
    ['less than none', { quantity: 2, accessible: -1 }, 'best.accessible'],
    ['a half', { quantity: 2, accessible: 0.5 }, 'body'],
  ])('refuse %s', async (_name, wanted, field) => {
    expect(await best(wanted)).toMatchObject({
      status: 422,
      body: { code: 'invalid-field', errors: [{ field }] },
    });
  });
});

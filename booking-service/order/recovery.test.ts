import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { createApp } from '../app.ts';
import { startBooking, type TestBooking } from '../testing/booking.ts';
import { holdSeats, placeOrder } from '../testing/buy.ts';
import { expireHold, expireLease } from '../testing/expire.ts';
import { settlePayments } from '../testing/settle-payments.ts';
import { unheard } from '../testing/unheard.ts';
import { violations } from '../testing/violations.ts';
import { lapseLease } from './lease.ts';
import { reconcileOrders } from './reconcile.ts';

const SEATS_PER_FAN = 4;

let booking: TestBooking;
let sale: string;

beforeAll(async () => {
  booking = await startBooking();
});

beforeEach(async () => {
  const event = await booking.makeEvent([{ name: 'A', rows: 2, seatsPerRow: 10, amount: 5_000 }]);
  sale = (await booking.makeSale(event.event, { seatsPerFan: SEATS_PER_FAN })).sale;
});

afterAll(async () => {
  expect(await violations(booking.db, SEATS_PER_FAN)).toEqual([]);
  await booking.stop();
});

const authorisations = async (): Promise<number> => {
  const row = await booking.db.callOne<{ sum: number }>(
    (sql) => sql`select coalesce(sum(authorisations), 0)::int as sum from test_payment`,
  );
  return row.sum;
};

const reconcile = () => settlePayments(booking);

describe('a payment that comes late', () => {
  test('wins as long as nobody has taken the seat', async () => {
    const fan = await booking.admit(sale);
    const hold = await holdSeats(fan, 'A-1-1');
    await expireHold(booking.db, hold);
    await booking.db.call((sql) => sql`select sweep_holds(100)`);
    expect((await placeOrder(fan, hold)).status).toBe(201);
  });

  test('loses to whoever has the seat now', async () => {
    const fan = await booking.admit(sale);
    const hold = await holdSeats(fan, 'A-1-1', 'A-1-2');
    await expireHold(booking.db, hold);
    await holdSeats(await booking.admit(sale), 'A-1-2');
    expect(await placeOrder(fan, hold)).toMatchObject({ status: 409, body: { code: 'hold-lost' } });
  });

  test('is not charged when the seat goes while it is authorised, and the rest is open again', async () => {
    const fan = await booking.admit(sale);
    const rival = await booking.admit(sale);
    const hold = await holdSeats(fan, 'A-1-1', 'A-1-2');
    const { authorise } = booking.payments;
    vi.spyOn(booking.payments, 'authorise').mockImplementationOnce(async (payment, token) => {
      const outcome = await authorise(payment, token);
      await expireHold(booking.db, hold);
      await holdSeats(rival, 'A-1-2');
      return outcome;
    });
    const lost = await placeOrder(fan, hold);
    expect(lost).toMatchObject({ status: 409, body: { code: 'hold-lost' } });
    expect(await booking.payments.lookUp(String(lost.body.order))).toBe('cancelled');
    expect((await placeOrder(fan, hold)).body.code).toBe('hold-lost');
    await holdSeats(rival, 'A-1-1');
  });
});

describe('seats per fan', () => {
  test('count what is bought and what is held, an expired hold’s late payment included', async () => {
    const fan = await booking.admit(sale);
    const expired = await holdSeats(fan, 'A-1-1', 'A-1-2', 'A-1-3');
    await expireHold(booking.db, expired);
    const second = await holdSeats(fan, 'A-2-1', 'A-2-2', 'A-2-3');
    expect((await placeOrder(fan, expired)).body.code).toBe('limit-reached');
    const before = await booking.admit(sale, { sub: fan.id });
    expect((await placeOrder(before, second, { key: 'two' })).status).toBe(201);
    expect((await placeOrder(fan, expired, { key: 'three' })).body.code).toBe('limit-reached');
    const more = await fan.request('POST', '/holds', { json: { seats: ['A-1-9', 'A-1-10'] } });
    expect(more.body.code).toBe('limit-reached');
  });

  test('count per e-mail address and event, however it is spelled and whichever admission it is', async () => {
    const spellings = ['Carol@Example.org', 'carol+1@example.org', 'carol@example.org'];
    const fans = await Promise.all(spellings.map(() => booking.admit(sale)));
    const holds = await Promise.all(
      fans.map((fan, index) => holdSeats(fan, `A-1-${2 * index + 1}`, `A-1-${2 * index + 2}`)),
    );
    const answers = await Promise.all(
      fans.map((fan, index) => placeOrder(fan, String(holds[index]), { email: String(spellings[index]) })),
    );
    expect(answers.map((answer) => answer.status).sort()).toEqual([201, 201, 409]);
  });
});

describe('an attempt that has heard nothing of the payment', () => {
  test('ends nobody else’s lease when its word comes late: a fan with a good card buys', async () => {
    const fan = await booking.admit(sale);
    const hold = await holdSeats(fan, 'A-1-1');
    const { authorise } = booking.payments;
    const asked = vi.spyOn(booking.payments, 'authorise');
    const unknown = async () => {
      throw new Error('nothing was heard');
    };
    asked.mockImplementationOnce(unknown);
    const { body } = await placeOrder(fan, hold);
    const order = String(body.order);
    // The fan's retries have taken it over, and are with the provider, when the words of the attempts before them come (again).
    const retry = (words: (string | null)[], goesOn: typeof authorise) => {
      asked.mockImplementationOnce(async (payment, token) => {
        for (const by of words) await lapseLease(unheard(booking.db), order, by);
        await reconcileOrders(booking);
        return goesOn(payment, token);
      });
      return placeOrder(fan, hold);
    };
    expect((await retry([null], unknown)).body.code).toBe('in-progress');
    const { by } = await booking.db.callOne<{ by: string }>(
      (sql) => sql`select lease_by as by from ticket_order where id = ${order}`,
    );
    expect(await retry([null, by], authorise)).toMatchObject({ status: 201, body: { order } });
  });
});

describe('a booking service that is killed', () => {
  /** Begins the order and never comes back: the process died before (or after) the provider was asked. */
  async function abandoned(options: { authorised: boolean }) {
    const fan = await booking.admit(sale);
    const hold = await holdSeats(fan, 'A-1-1');
    const { authorise } = booking.payments;
    vi.spyOn(booking.payments, 'authorise').mockImplementationOnce(async (payment, token) => {
      if (options.authorised) await authorise(payment, token);
      throw new Error('killed');
    });
    const { body } = await placeOrder(fan, hold);
    await expireLease(booking.db, String(body.order));
    return { fan, hold, order: String(body.order) };
  }

  test('after the authorisation: the worker ends the order, and captures', async () => {
    const left = await abandoned({ authorised: true });
    await reconcile();
    expect((await left.fan.request('GET', `/orders/${left.order}`)).body.state).toBe('confirmed');
    expect(await booking.payments.lookUp(left.order)).toBe('captured');
  });

  test('before the authorisation: the worker gives the hold back and lets no late authorisation through', async () => {
    const left = await abandoned({ authorised: false });
    await reconcile();
    expect((await left.fan.request('GET', `/orders/${left.order}`)).body.state).toBe('failed');
    const late = { order: left.order, amount: 5_000, currency: 'EUR' };
    expect(await booking.payments.authorise(late, 'tok_ok')).toBe('declined');
    expect((await placeOrder(left.fan, left.hold, { key: 'two' })).status).toBe(201);
  });

  test('before the authorisation: the fan’s own retry comes before the worker, and buys', async () => {
    const left = await abandoned({ authorised: false });
    await expireLease(booking.db, left.order, '1 second');
    await reconcile();
    expect((await left.fan.request('GET', `/orders/${left.order}`)).body.state).toBe('inProgress');
    expect(await placeOrder(left.fan, left.hold)).toMatchObject({ status: 201, body: { order: left.order } });
  });

  test('after the authorisation: the fan’s own retry ends the order without authorising again', async () => {
    const left = await abandoned({ authorised: true });
    const before = await authorisations();
    expect(await placeOrder(left.fan, left.hold)).toMatchObject({ status: 201, body: { order: left.order } });
    expect(await authorisations()).toBe(before);
  });

  test.each([true, false])(
    'the fan’s own retry ends the order although each of its calls is cut off once (authorised before: %s)',
    async (authorised) => {
      const left = await abandoned({ authorised });
      const before = await authorisations();
      const { app } = createApp({ ...booking.dependencies, db: unheard(booking.db) });
      const retry = await placeOrder(left.fan, left.hold, { app });
      expect(retry).toMatchObject({ status: 201, body: { order: left.order } });
      expect(await authorisations()).toBe(before + (authorised ? 0 : 1));
    },
  );

  test('after the authorisation: a worker whose calls are each cut off once ends the order', async () => {
    const left = await abandoned({ authorised: true });
    await settlePayments({ ...booking, db: unheard(booking.db) });
    expect((await left.fan.request('GET', `/orders/${left.order}`)).body.state).toBe('confirmed');
    expect(await booking.payments.lookUp(left.order)).toBe('captured');
  });

  test('before the capture: the worker captures', async () => {
    const fan = await booking.admit(sale);
    const hold = await holdSeats(fan, 'A-1-1');
    vi.spyOn(booking.payments, 'capture').mockRejectedValueOnce(new Error('killed'));
    const { body } = await placeOrder(fan, hold);
    await expireLease(booking.db, String(body.order));
    expect(await booking.payments.lookUp(String(body.order))).toBe('authorised');
    await reconcile();
    expect(await booking.payments.lookUp(String(body.order))).toBe('captured');
  });
});

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { internalHeaders } from '#shared/internal.ts';
import { createApp } from '../app.ts';
import { bookWaitingOrder } from '../intake/book.ts';
import { searchLostOrders } from '../intake/lost.ts';
import type { PaymentProvider } from '../payment/provider.ts';
import { internalSecret, organiserName, startBooking, type TestBooking } from '../testing/booking.ts';
import { holdSeats, placeOrder } from '../testing/buy.ts';
import { expireHold } from '../testing/expire.ts';
import { atEveryBoundary, type Mortal, mortal } from '../testing/mortal.ts';
import { mutateFunction } from '../testing/mutate.ts';
import { settlePayments, tellProvider } from '../testing/settle-payments.ts';
import { violations } from '../testing/violations.ts';
import { reconcileOrders } from './reconcile.ts';
import type { Till } from './settle.ts';

const SEATS_PER_FAN = 4;
const ROWS = 5;
const SEATS_PER_ROW = 40;
const MANY_MS = 60_000;

let booking: TestBooking;
let till: Till;
let sale: string;
let seatsTaken: number;

beforeAll(async () => {
  booking = await startBooking();
  till = { db: booking.db, payments: booking.payments, log: booking.log };
});

beforeEach(async () => {
  const section = { name: 'A', rows: ROWS, seatsPerRow: SEATS_PER_ROW, amount: 5_000 };
  const event = await booking.makeEvent([section]);
  sale = (await booking.makeSale(event.event, { seatsPerFan: SEATS_PER_FAN })).sale;
  seatsTaken = 0;
});

afterEach(async () => {
  expect(await violations(booking.db, SEATS_PER_FAN)).toEqual([]);
  const unsettled = await booking.db.call(
    (sql) => sql`select id from ticket_order where payment <> 'settled' or state = 'inProgress'`,
  );
  expect(unsettled).toEqual([]);
});

afterAll(() => booking.stop());

const nextSeat = (): string => {
  const seat = seatsTaken;
  seatsTaken += 1;
  return `A-${Math.floor(seat / SEATS_PER_ROW) + 1}-${(seat % SEATS_PER_ROW) + 1}`;
};

type Shopping = { fan: Awaited<ReturnType<TestBooking['admit']>>; seat: string; hold: string };
async function shopping(): Promise<Shopping> {
  const [fan, seat] = [await booking.admit(sale), nextSeat()];
  return { fan, seat, hold: await holdSeats(fan, seat) };
}

/** The booking service in the process that dies. */
const appOf = ({ db, payments }: Mortal) =>
  createApp({
    ...booking.dependencies,
    ...{ db, payments },
    toWorker: { isFull: async () => false, put: () => undefined },
  }).app;

type Request = { token?: string; json: unknown; headers?: Record<string, string> };
const post = async (process: Mortal, path: string, { token, json, headers = {} }: Request) =>
  appOf(process).request(path, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      [internalHeaders.key]: internalSecret,
      ...(token
        ? { authorization: `Bearer ${token}`, [internalHeaders.admission]: 'live' }
        : { [internalHeaders.organiser]: organiserName }),
      ...headers,
    },
    body: JSON.stringify(json),
  });

/** The same request as `placeOrder` of testing/buy.ts, of the process that dies. */
const orderOf = (process: Mortal, { fan, hold }: Shopping, token: string, prefer?: string) =>
  post(process, `/api/sales/${sale}/orders`, {
    token: fan.token,
    json: {
      hold,
      buyer: { name: 'Ada', email: `${fan.id.toLowerCase()}@example.org` },
      payment: { token },
    },
    headers: { 'idempotency-key': 'one', ...(prefer && { prefer }) },
  });

/** The time of whoever died is over. */
const leasesEnd = async () => {
  await booking.db.call(
    (sql) => sql`
      update ticket_order set lease_until = clock_timestamp() - interval '1 minute'
      where payment <> 'settled' or state = 'inProgress'`,
  );
  await booking.db.call(
    (sql) => sql`update outbox_message set due_at = clock_timestamp() where state = 'due'`,
  );
};

/** The worker, as often as there is something to do for it. */
async function workerSettles(): Promise<void> {
  for (;;) {
    await leasesEnd();
    const search = searchLostOrders(till, async () => new Set(), 0);
    while (await search());
    await settlePayments(till);
    const left = await booking.db.call(
      (sql) => sql`select id from ticket_order where payment <> 'settled' or state = 'inProgress'`,
    );
    if (left.length === 0) return;
  }
}

type End = { state: string; paid: string | null; captures: number | null; mails: string[] };
const ends = (hold: string): Promise<readonly End[]> =>
  booking.db.call<End>(
    (sql) => sql`
      select o.state, p.state as paid, p.captures, to_jsonb(array(
        select kind from outbox_message m where m.ticket_order = o.id and kind like '%mail' order by kind
      )) as mails
      from ticket_order o left join test_payment p on p.payment = o.id where o.hold = ${hold} order by o.created_at`,
  );

const BOUGHT = { state: 'confirmed', paid: 'captured', captures: 1, mails: ['order-confirmed-mail'] };

describe('a booking service that dies at any boundary of a hold', () => {
  const holdOf = (process: Mortal, { fan, seat }: Omit<Shopping, 'hold'>, key?: string) =>
    post(process, `/api/sales/${sale}/holds`, {
      token: fan.token,
      json: { seats: [seat] },
      headers: key ? { 'idempotency-key': key } : {},
    });
  const wishing = async () => ({ fan: await booking.admit(sale), seat: nextSeat() });

  test('leaves a fan who repeats the key with the one hold', async () => {
    const steps = await atEveryBoundary(booking, {
      prepare: wishing,
      run: (process, wish) => holdOf(process, wish, 'mine'),
      afterwards: async ({ fan, seat }, where) => {
        const again = { json: { seats: [seat] }, headers: { 'idempotency-key': 'mine' } };
        expect((await fan.request('POST', '/holds', again)).status, where).toBe(201);
        const { body } = await fan.request('GET', '/holds');
        expect(body.holds, where).toHaveLength(1);
      },
    });
    expect(steps).toEqual(['db']);
  });

  test('leaves a seat that is open or held, and open again when that hold is over', async () => {
    await atEveryBoundary(booking, {
      prepare: wishing,
      run: (process, wish) => holdOf(process, wish),
      afterwards: async ({ fan, seat }, where) => {
        const { body } = await fan.request('GET', '/holds');
        const holds = body.holds as { hold: string }[];
        expect(holds.length, where).toBe(where.startsWith('before') ? 0 : 1);
        for (const { hold } of holds)
          expect((await fan.request('DELETE', `/holds/${hold}`)).status, where).toBe(204);
        await holdSeats(await booking.admit(sale), seat);
      },
    });
  });
});

describe('a booking service that dies at any boundary of an order', () => {
  test(
    'leaves the fan’s own retry to buy, charged once',
    async () => {
      const steps = await atEveryBoundary(booking, {
        prepare: shopping,
        run: (process, buying) => orderOf(process, buying, 'tok_ok'),
        afterwards: async ({ fan, hold }, where) => {
          await leasesEnd();
          const again = await placeOrder(fan, hold);
          expect(again.status, where).toBe(201);
          await workerSettles();
          expect(await ends(hold), where).toEqual([BOUGHT]);
          expect(await placeOrder(fan, hold), where).toMatchObject({ status: 201, body: again.body });
        },
      });
      expect(steps.filter((step) => step !== 'db')).toEqual(['authorise', 'capture']);
      // Begin, confirm, mark as captured, and read it for the answer.
      expect(steps.filter((step) => step === 'db')).toHaveLength(4);
    },
    MANY_MS,
  );

  test(
    'leaves the worker to end it, as bought and charged or as neither, and the fan hears which',
    async () => {
      await atEveryBoundary(booking, {
        prepare: shopping,
        run: (process, buying) => orderOf(process, buying, 'tok_ok'),
        afterwards: async ({ fan, hold }, where) => {
          await workerSettles();
          const [end] = await ends(hold);
          if (end && end.state !== 'confirmed') {
            expect(end, where).toMatchObject({ state: 'failed', paid: 'cancelled', captures: 0 });
            expect((await placeOrder(fan, hold)).status, where).toBe(402);
            expect((await placeOrder(fan, hold, { key: 'two' })).status, where).toBe(201);
          } else {
            expect((await placeOrder(fan, hold)).status, where).toBe(201);
          }
          await workerSettles();
          expect((await ends(hold)).at(-1), where).toEqual(BOUGHT);
        },
      });
    },
    MANY_MS,
  );

  test.each(['tok_declined', 'tok_unknown'])(
    'keeps the same promises with %s',
    async (token) => {
      await atEveryBoundary(booking, {
        prepare: shopping,
        run: (process, buying) => orderOf(process, buying, token),
        afterwards: async ({ fan, hold }, where) => {
          await workerSettles();
          const known = await ends(hold);
          for (const { state, paid, captures } of known) {
            if (state === 'confirmed') expect([paid, captures], where).toEqual(['captured', 1]);
            else expect(['declined', 'cancelled'], where).toContain(paid);
          }
          const answer = await placeOrder(fan, hold, { token });
          await workerSettles();
          const [end] = await ends(hold);
          if (answer.status === 201) expect(end, where).toEqual(BOUGHT);
          if (answer.status === 402) expect(end, where).toMatchObject({ state: 'failed', captures: 0 });
        },
      });
    },
    MANY_MS,
  );

  test(
    'whose seats go to a rival during the payment charges nothing',
    async () => {
      let lost: Shopping;
      const payments: PaymentProvider = {
        ...booking.payments,
        authorise: async (payment, token) => {
          const outcome = await booking.payments.authorise(payment, token);
          await expireHold(booking.db, lost.hold);
          await holdSeats(await booking.admit(sale), lost.seat);
          return outcome;
        },
      };
      await atEveryBoundary(
        { db: booking.db, payments },
        {
          prepare: async () => {
            lost = await shopping();
            return lost;
          },
          run: (process, buying) => orderOf(process, buying, 'tok_ok'),
          afterwards: async ({ hold }, where) => {
            await workerSettles();
            for (const { state, captures } of await ends(hold))
              expect([state, captures ?? 0], where).toEqual(['failed', 0]);
          },
        },
      );
    },
    MANY_MS,
  );
});

describe('an order that nobody waits for', () => {
  test(
    'is in the books or not, wherever the booking service dies, and the same key goes on with it',
    async () => {
      await atEveryBoundary(booking, {
        prepare: shopping,
        run: (process, buying) => orderOf(process, buying, 'tok_ok', 'respond-async'),
        afterwards: async ({ fan, hold }, where) => {
          const again = await placeOrder(fan, hold, { headers: { prefer: 'respond-async' } });
          expect(again.status, where).toBe(202);
          await workerSettles();
          expect(await ends(hold), where).toEqual([BOUGHT]);
        },
      });
    },
    MANY_MS,
  );

  test.each([
    ['tok_ok', BOUGHT],
    ['tok_unknown', BOUGHT],
    ['tok_declined', { state: 'failed', paid: 'declined', captures: 0, mails: ['order-failed-mail'] }],
  ])(
    'with %s ends one way, with one mail, wherever the worker dies',
    async (token, end) => {
      const steps = await atEveryBoundary(booking, {
        prepare: async () => {
          const { fan, hold } = await shopping();
          const taken = await placeOrder(fan, hold, { token, headers: { prefer: 'respond-async' } });
          return { hold, order: String(taken.body.order) };
        },
        run: ({ db, payments }, { order }) => bookWaitingOrder({ db, payments, log: booking.log }, order),
        afterwards: async ({ hold }, where) => {
          await workerSettles();
          expect(await ends(hold), where).toEqual([end]);
        },
      });
      expect(steps).toContain('authorise');
    },
    MANY_MS,
  );
});

describe('a worker that dies at any boundary', () => {
  test(
    'of an order that was left with an authorised payment: the next one confirms and captures',
    async () => {
      const steps = await atEveryBoundary(booking, {
        prepare: async () => {
          const left = await shopping();
          // Died behind the authorisation: step 2.
          await atBoundary(3, (process) => orderOf(process, left, 'tok_ok'));
          await leasesEnd();
          return left;
        },
        run: ({ db, payments }) => reconcileOrders({ db, payments, log: booking.log }),
        afterwards: async ({ hold }, where) => {
          await workerSettles();
          expect(await ends(hold), where).toEqual([BOUGHT]);
        },
      });
      expect(steps.filter((step) => step !== 'db')).toEqual(['lookUp', 'capture']);
    },
    MANY_MS,
  );

  test(
    'of a capture that was left owed: it is made once',
    async () => {
      const steps = await atEveryBoundary(booking, {
        prepare: async () => {
          const left = await shopping();
          // Died behind the confirmation: step 3.
          await atBoundary(5, (process) => orderOf(process, left, 'tok_ok'));
          await leasesEnd();
          return left;
        },
        run: ({ db, payments }) => settlePayments({ db, payments, log: booking.log }),
        afterwards: async ({ hold }, where) => {
          await workerSettles();
          expect(await ends(hold), where).toEqual([BOUGHT]);
        },
      });
      expect(steps.filter((step) => step !== 'db')).toEqual(['capture']);
    },
    MANY_MS,
  );

  test(
    'of a refund: the money is given back once, the seat is open',
    async () => {
      const act = async (process: Mortal, { order }: { order: string }) => {
        await post(process, `/internal/orders/${order}/refund`, { json: { reason: 'it rains' } });
        await tellProvider({ db: process.db, payments: process.payments, log: booking.log });
      };
      const steps = await atEveryBoundary(booking, {
        prepare: async () => {
          const bought = await shopping();
          const order = String((await placeOrder(bought.fan, bought.hold)).body.order);
          return { ...bought, order };
        },
        run: act,
        afterwards: async ({ hold, order, seat }, where) => {
          const again = await booking.internal('POST', `/internal/orders/${order}/refund`, {
            json: { reason: 'it rains' },
          });
          expect(again.status, where).toBe(200);
          await workerSettles();
          const mails = ['order-confirmed-mail', 'order-refunded-mail'];
          expect(await ends(hold), where).toEqual([
            { state: 'refunded', paid: 'refunded', captures: 1, mails },
          ]);
          await holdSeats(await booking.admit(sale), seat);
        },
      });
      expect(steps.filter((step) => step !== 'db')).toEqual(['lookUp', 'refund']);
    },
    MANY_MS,
  );
});

test(
  'the proof notices a confirmed order that is not owed a capture',
  async () => {
    const plant = (from: string, to: string) =>
      Promise.all(
        ['confirm_order', 'confirm_orders'].map((name) => mutateFunction(booking.db, name, from, to)),
      );
    const holds: string[] = [];
    await plant("payment = 'captureDue'", "payment = 'settled'");
    const proof = atEveryBoundary(booking, {
      prepare: shopping,
      run: (process, buying) => orderOf(process, buying, 'tok_ok'),
      afterwards: async ({ hold }, where) => {
        holds.push(hold);
        await workerSettles();
        for (const end of await ends(hold)) if (end.state === 'confirmed') expect(end, where).toEqual(BOUGHT);
      },
    });
    await expect(proof).rejects.toThrow(/^after step 3, db/);
    await plant("payment = 'settled'", "payment = 'captureDue'");
    await booking.db.call(
      (sql) => sql`
      update ticket_order set payment = 'captureDue' where hold = any (${holds}::text[]) and state = 'confirmed'`,
    );
    await workerSettles();
  },
  MANY_MS,
);

/** One process that dies at this boundary and nowhere else. */
async function atBoundary(boundary: number, run: (process: Mortal) => Promise<unknown>): Promise<void> {
  const process = mortal(booking, boundary);
  await Promise.race([run(process), process.died]);
}

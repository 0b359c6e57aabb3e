import { expect, test } from 'vitest';
import type { Books } from './books.ts';
import type { Disturbance } from './disturbance.ts';
import type { Evidence } from './evidence.ts';
import { seatNames } from './hall.ts';
import { judge as judgeAll, tooLate, unanswered } from './judge.ts';
import { breachesOf, type PromiseName } from './promises.ts';
import type { SaleRecord } from './record.ts';
import type { Asked } from './recorder.ts';

const hall = [{ name: 'A', rows: 4, seatsPerRow: 10 }];
const SEATS = seatNames(hall);
const judge = ({ asked, books, disturbances }: Pick<Evidence, 'asked' | 'books' | 'disturbances'>) => [
  ...unanswered(asked),
  ...breachesOf(judgeAll({ asked, books, disturbances, sales: [], hall })),
];

const AT = 1_000_000;
const SALE = 'sale';
const FAN = 'fan';

const asking = (more: Partial<Asked> & Pick<Asked, 'op'>): Asked => ({
  ...{ method: 'POST', url: `/api/sales/${SALE}/orders`, token: 'token', sale: SALE, who: FAN },
  ...{
    sentAt: AT,
    tookMs: 20,
    outcome: 'done',
    status: 201,
    code: '',
    retryAfter: 0,
    body: {},
    broken: null,
  },
  ...more,
});
const payment = { state: 'captured', captures: 1, refunds: 0, amount: 6_500, authorisations: 1 };
const orderBody = { order: 'order', tickets: [{ seat: 'A-1-1', code: 'code' }], total: { amount: 6_500 } };
const holdBody = {
  hold: 'hold',
  seats: [{ seat: SEATS[0] }],
  expiresAt: new Date(AT + 5_000).toISOString(),
};
const refund = {
  op: 'refund',
  who: 'organiser',
  key: undefined,
  url: '/api/organiser/orders/order/refund',
} as const;

/** A fan who held a seat and bought it, and one who came too late for it. */
function evidence() {
  const held = asking({ op: 'hold', key: 'h', json: { seats: [SEATS[0]] }, body: { ...holdBody } });
  const bought = asking({ op: 'order', key: 'k', body: { ...orderBody } });
  const refused = asking({
    ...{
      op: 'hold',
      who: 'other',
      sentAt: AT + 10_000,
      outcome: 'refused',
      status: 409,
      code: 'seats-taken',
    },
    body: { conflicts: [SEATS[0]] },
  });
  const order = {
    ...{
      id: 'order',
      sale: SALE,
      fan: FAN,
      email: 'fan@example.org',
      key: 'k',
      state: 'confirmed',
      payment: 'settled',
      amount: 6_500,
    },
    ...{ codes: ['code'], seats: ['A-1-1'], paid: { ...payment } },
  };
  const hold = { state: 'confirmed', seats: [0], event: 'event' };
  const sold = [{ at: AT - 500, state: 2, heldUntil: Number.POSITIVE_INFINITY }];
  const books: Books = {
    orders: new Map([['order', order]]),
    holds: new Map([['hold', hold]]),
    mails: [{ id: 'mail', kind: 'order-confirmed-mail', order: 'order', hasArrived: true }],
    acts: new Map(),
    seatChanges: new Map([['event 0', sold]]),
  };
  const asked = [held, bought, refused];
  return { asked, books, disturbances: [] as Disturbance[], held, bought, refused, order, hold, sold };
}

test('a history that fits the books has no fault', () => {
  const { asked, books, disturbances } = evidence();
  expect(judge({ asked, books, disturbances })).toEqual([]);
});

type Scene = ReturnType<typeof evidence>;
const plants: Record<string, (scene: Scene) => unknown> = {
  'No answer': ({ bought }) => Object.assign(bought, { status: 0, body: {}, broken: 'ECONNRESET' }),
  'A 5xx that is not 503': ({ refused }) => Object.assign(refused, { status: 500 }),
  'Lost: order': ({ books }) => books.orders.clear(),
  'Lost: hold': ({ books }) => books.holds.clear(),
  'was told it is bought': ({ order }) => Object.assign(order, { state: 'failed' }),
  'was told it failed': ({ bought }) =>
    Object.assign(bought, { status: 402, outcome: 'refused', code: 'payment-declined' }),
  'other tickets': ({ order }) => Object.assign(order, { codes: ['another'] }),
  'was told 6500': ({ order }) => Object.assign(order, { amount: 1 }),
  "is other's under k": ({ order }) => Object.assign(order, { fan: 'other' }),
  'Without an end': ({ order }) => Object.assign(order, { payment: 'captureDue' }),
  'Not paid once': ({ order }) => Object.assign(order.paid, { captures: 2 }),
  'Charged for nothing': ({ order }) => Object.assign(order, { state: 'failed' }),
  'Not given back': ({ order }) => Object.assign(order, { state: 'refunded' }),
  'Nobody has asked for the refund': ({ order }) => Object.assign(order, { state: 'refunded' }),
  'Two orders under one key:': ({ asked, books, order }) => {
    asked.push(asking({ op: 'order', key: 'k', body: { ...orderBody, order: 'second' } }));
    books.orders.set('second', { ...order, id: 'second' });
  },
  'Two orders under one key in the books': ({ books, order }) =>
    books.orders.set('second', { ...order, id: 'second' }),
  'Nobody has asked for order': ({ books, order }) => books.orders.set('x', { ...order, id: 'x', key: 'x' }),
  'Sent and not arrived': ({ books }) => Object.assign(books.mails[0] as object, { hasArrived: false }),
  'Hold hold has': ({ hold }) => Object.assign(hold, { seats: [1] }),
  'Two holds under one key': ({ asked, books, hold }) => {
    asked.push(asking({ op: 'hold', key: 'h', sentAt: AT + 100, body: { ...holdBody, hold: 'second' } }));
    books.holds.set('second', hold);
  },
  'Given back, and': ({ asked }) =>
    asked.push(asking({ op: 'release', method: 'DELETE', status: 204, url: '/holds/hold' })),
  'Done 2 times': ({ asked, books, order }) => {
    asked.push(asking({ ...refund, status: 200, json: { reason: 'r' } }));
    books.acts.set('r', 2);
    Object.assign(order, { state: 'refunded', paid: { ...payment, state: 'refunded', refunds: 1 } });
  },
  'Refused and done': ({ asked, books }) => {
    asked.push(asking({ ...refund, outcome: 'refused', status: 409, json: { reason: 'r' } }));
    books.acts.set('r', 1);
  },
  'Lost: block': ({ asked }) =>
    asked.push(asking({ op: 'block', status: 200, json: { reason: 'r' }, body: { changed: ['A-1-1'] } })),
  'was told it is refunded': ({ asked }) =>
    asked.push(asking({ ...refund, status: 200, json: { reason: 'r' } })),
  'not to be had: A-1-1:': ({ sold }) => Object.assign(sold[0] as object, { state: 0 }),
  'not to be had: A-1-2, A-1-3:': ({ refused }) =>
    Object.assign(refused, { op: 'hold the best', json: { best: { quantity: 2 } }, body: { conflicts: [] } }),
};

test.each(Object.entries(plants))('a fault is found: %s', (sentence, plant) => {
  const scene = evidence();
  plant(scene);
  const { asked, books, disturbances } = scene;
  expect(judge({ asked, books, disturbances }).join('\n')).toContain(sentence);
});

test('what fans are answered is judged of a history of any kind: one seat told to two, a position that rises, a second place', () => {
  const { asked, books, disturbances } = evidence();
  const sale: SaleRecord = {
    ...{ kind: 'sale', sale: SALE, event: 'event', capacity: 1, seats: 40, seatsPerFan: 4 },
    ...{ claimMs: 5_000, admissionMs: 20_000 },
  };
  const stood = (fan: string, at: number, queueNumber: number, position: number) =>
    asking({
      ...{ op: 'poll', method: 'GET', who: fan, fan, status: 200, sentAt: AT + at },
      body: { state: 'waiting', queueNumber, position, asOf: new Date(AT + at).toISOString(), claimBy: null },
    });
  const claimed = asking({
    ...{ op: 'claim', status: 200, who: 'x', fan: 'x' },
    body: { expiresAt: new Date(AT + 10 + 20_000).toISOString() },
  });
  const planted = [
    ...[
      ...asked,
      claimed,
      asking({ op: 'hold', key: 'h', who: 'other', body: { ...holdBody, hold: 'hold' } }),
    ],
    ...[stood('anna', 0, 7, 3), stood('anna', 100, 7, 4), stood('anna', 200, 8, 4)],
  ];
  const judged = judgeAll({ asked: planted, books, disturbances, sales: [sale], hall });
  const broken = Object.keys(judged).filter((name) => (judged[name as PromiseName]?.length ?? 0) > 0);
  expect(broken.sort()).toEqual(['oversold', 'place-lost', 'position-rises']);
});

test('a seat that was bought and given back may be sold again', () => {
  const { asked, books, disturbances, order } = evidence();
  Object.assign(order, { state: 'refunded', paid: { ...payment, state: 'refunded', refunds: 1 } });
  const again = { order: 'second', tickets: [{ seat: 'A-1-1', code: 'other' }], total: { amount: 6_500 } };
  const other = { fan: 'late', who: 'late', key: 'l', sentAt: AT + 20_000 };
  books.orders.set('second', {
    ...order,
    id: 'second',
    fan: 'late',
    key: 'l',
    codes: ['other'],
    state: 'confirmed',
    paid: payment,
  });
  const sales = [
    {
      kind: 'sale',
      sale: SALE,
      event: 'event',
      capacity: 1,
      seats: 40,
      seatsPerFan: 4,
      claimMs: 5_000,
      admissionMs: 20_000,
    } as const,
  ];
  const claimed = asking({
    ...{ op: 'claim', status: 200, who: 'x', fan: 'x' },
    body: { expiresAt: new Date(AT + 10 + 20_000).toISOString() },
  });
  const evidenceOf = (...more: Asked[]) => ({
    asked: [...asked, claimed, ...more, asking({ ...other, op: 'order', body: again })],
    books,
    disturbances,
    sales,
    hall,
  });
  const given = asking({ ...refund, status: 200, sentAt: AT + 15_000, json: {} });
  expect(breachesOf(judgeAll(evidenceOf(given)))).toEqual([]);
  expect(judgeAll(evidenceOf()).oversold).toHaveLength(1);
});

test('a late answer is one when the services were up; a payment has to wait for a store as well', () => {
  const slow = { sentAt: AT, tookMs: 3_500 };
  const [hold, order] = [asking({ op: 'hold', ...slow }), asking({ op: 'order', ...slow })];
  const away = (of: Disturbance['of']) => [{ of, kind: 'away', from: AT + 1_000, to: AT + 2_000 }];
  const late = (disturbances: Disturbance[]) => tooLate({ asked: [hold, order], disturbances }).length;
  expect([late([]), late(away('stores')), late(away('services'))]).toEqual([2, 1, 0]);
});

test('a seat that changed shortly before, or while something was away, proves nothing', () => {
  const changed = evidence();
  changed.sold.push({ at: AT + 9_000, state: 0, heldUntil: Number.POSITIVE_INFINITY });
  expect(judge(changed)).toEqual([]);
  const disturbed = evidence();
  Object.assign(disturbed.sold[0] as object, { state: 0 });
  disturbed.disturbances.push({ of: 'stores', kind: 'away', from: AT + 9_500, to: AT + 9_600 });
  expect(judge(disturbed)).toEqual([]);
});

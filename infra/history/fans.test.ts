import { describe, expect, test } from 'vitest';
import { describeRun, isBroken, judgeK6 } from '../../loadtest/summary.ts';
import type { BookedOrder } from './books.ts';
import { judgeOrders, toldByFans } from './orders.ts';
import { judgeFans } from './promises.ts';
import { type History, historyOf } from './read.ts';
import type { AnswerRecord, HistoryRecord, SaleRecord } from './record.ts';

const sale: SaleRecord = {
  kind: 'sale',
  sale: 'sale',
  event: 'event',
  capacity: 2,
  seats: 10,
  seatsPerFan: 4,
  claimMs: 10_000,
  admissionMs: 60_000,
};

/** The load generator's clock is so far ahead of the shop's. */
const LEAD_MS = 3_600_000;
const T0 = Date.parse('2026-06-01T10:00:00Z');

const answer = (
  fan: string,
  step: AnswerRecord['step'],
  second: number,
  rest: Partial<AnswerRecord>,
): AnswerRecord => ({
  kind: 'answer',
  fan,
  step,
  sentAt: T0 + LEAD_MS + second * 1000,
  tookMs: 10,
  status: 200,
  ...rest,
});
const waits = (fan: string, second: number, queueNumber: number, position: number) =>
  answer(fan, 'poll', second, {
    state: 'waiting',
    queueNumber,
    position,
    asOf: T0 + second * 1000,
    claimBy: null,
  });
const isReady = (fan: string, second: number, queueNumber: number, turnSecond = second) =>
  answer(fan, 'poll', second, {
    ...{ state: 'ready', queueNumber, position: null },
    ...{ asOf: T0 + second * 1000, claimBy: T0 + turnSecond * 1000 + sale.claimMs },
  });
const claims = (fan: string, second: number) =>
  answer(fan, 'claim', second, { expires: T0 + second * 1000 + 5 + sale.admissionMs });
const holds = (fan: string, second: number, ...seats: string[]) =>
  answer(fan, 'hold', second, {
    status: 201,
    hold: `hold-${fan}`,
    seats,
    expires: T0 + (second + 30) * 1000,
  });
const buys = (fan: string, second: number, ...seats: string[]) =>
  answer(fan, 'pay', second, {
    ...{
      status: 201,
      order: `order-${fan}`,
      hold: `hold-${fan}`,
      key: 'pay',
      email: `${fan}@example.org`,
      seats,
    },
  });

/** Two fans in the shop, a third waits: ada buys, bob lets his seat go, cleo takes it. */
const healthy: AnswerRecord[] = [
  waits('ada', 0, 1, 1),
  waits('bob', 0, 2, 2),
  waits('cleo', 0, 3, 3),
  isReady('ada', 1, 1),
  isReady('bob', 2, 2),
  waits('cleo', 2, 3, 1),
  claims('ada', 2),
  claims('bob', 3),
  holds('ada', 4, 'A-1-1', 'A-1-2'),
  holds('bob', 5, 'A-1-3'),
  buys('ada', 6, 'A-1-1', 'A-1-2'),
  isReady('cleo', 7, 3),
  claims('cleo', 8),
  answer('bob', 'release', 9, { status: 204, hold: 'hold-bob' }),
  holds('cleo', 10, 'A-1-3'),
  answer('bob', 'leave', 11, { status: 204 }),
  buys('cleo', 12, 'A-1-3'),
];
/** Their names are all that a load test's fans know of themselves. */
function booked(fan: string, ...seats: string[]): BookedOrder {
  const email = `${fan}@example.org`;
  return {
    ...{
      id: `order-${fan}`,
      sale: 'sale',
      fan: email,
      email,
      key: 'pay',
      state: 'confirmed',
      payment: 'settled',
    },
    ...{ amount: 6_500, codes: [], seats },
    paid: { state: 'captured', captures: 1, refunds: 0, amount: 6_500, authorisations: 1 },
  };
}
const books: BookedOrder[] = [booked('ada', 'A-1-1', 'A-1-2'), booked('cleo', 'A-1-3')];
const judgedOrders = ({ fans }: History, orders: readonly BookedOrder[]) =>
  judgeOrders({
    told: toldByFans('sale', fans.values()),
    orders: new Map(orders.map((order) => [order.id, order])),
    refundsAsked: new Set(),
  });

const history = (answers: AnswerRecord[], ...more: HistoryRecord[]): Promise<History> =>
  historyOf([sale, ...more, ...answers].map((record) => JSON.stringify(record)));

async function broken(answers: AnswerRecord[], ...more: HistoryRecord[]): Promise<Record<string, string[]>> {
  const judged = judgeFans(await history(answers, ...more));
  return Object.fromEntries(Object.entries(judged).filter(([, found]) => found.length > 0));
}

test('a healthy run breaks nothing', async () => {
  expect(await broken(healthy)).toEqual({});
  expect(judgedOrders(await history(healthy), books)).toEqual([]);
});

describe('a fault planted in the answers breaks its promise, and no other', () => {
  const without = (fan: string, step: AnswerRecord['step']) =>
    healthy.filter((record) => !(record.fan === fan && record.step === step));

  test.each<[string, AnswerRecord[], string]>([
    ['one seat sold twice', [...healthy, buys('bob', 13, 'A-1-1')], 'oversold'],
    ['a seat held by two', [...healthy, holds('bob', 10, 'A-1-1')], 'oversold'],
    ['a hold that was never let go, given to another', without('bob', 'release'), 'oversold'],
    ['a turn before somebody ahead', [...healthy, waits('bob', 8, 2, 1)], 'overtaken'],
    ['three fans in a shop for two', [...healthy, isReady('dora', 8, 4), claims('dora', 9)], 'over-capacity'],
    ['a position that rises', [waits('cleo', 0, 3, 2), ...healthy], 'position-rises'],
    [
      'another place for the same fan',
      [...healthy.slice(0, 6), waits('cleo', 3, 9, 1), ...healthy.slice(6)],
      'place-lost',
    ],
    ['an internal error', [...healthy, answer('ada', 'poll', 20, { status: 500 })], 'server-error'],
  ])('%s', async (_, answers, promise) => {
    expect(Object.keys(await broken(answers))).toEqual(promise === 'place-lost' ? ['place-lost'] : [promise]);
  });

  test.each<[string, BookedOrder[], RegExp]>([
    [
      'an acknowledged order that is not in the books',
      books.slice(1),
      /Lost: order order-ada, of which pay of ada/,
    ],
    [
      'an acknowledged order that failed later',
      books.map((order) => ({ ...order, state: 'failed' })),
      /is failed, and pay of ada .* was told it is bought/,
    ],
    [
      'a payment that is in the books twice',
      [...books, { ...books[0]!, id: 'again' }],
      /Two orders under one key in the books: again/,
    ],
    [
      'an order for other seats',
      [{ ...books[0]!, seats: ['A-1-9'] }, books[1]!],
      /Order order-ada has A-1-9/,
    ],
    [
      'an order that nobody asked for',
      [...books, booked('ghost', 'A-1-8')],
      /Nobody has asked for order order-ghost/,
    ],
  ])('%s', async (_, inBooks, sentence) => {
    expect(judgedOrders(await history(healthy), inBooks).join()).toMatch(sentence);
  });

  test('a fan who was told no and was charged', async () => {
    const declined = answer('bob', 'pay', 13, {
      ...{ status: 402, code: 'payment-declined', key: 'pay', email: 'bob@example.org' },
    });
    const charged = booked('bob', 'A-1-5');
    expect(judgedOrders(await history([...healthy, declined]), [...books, charged]).join()).toMatch(
      /order-bob of bob@example.org is confirmed, and the fan was only told no/,
    );
  });
});

describe('an admission that was dated anew by a loss of Redis', () => {
  /** Its first claim was not heard of, its second came too early, and the third tells an end from the time of the loss. */
  const datedAnew = (second: number) => [
    answer('eve', 'claim', second - 9, { status: 0 }),
    answer('eve', 'claim', second - 1, { status: 409, code: 'not-your-turn' }),
    answer('eve', 'claim', second, { expires: T0 + (second - 8) * 1000 + sale.admissionMs }),
    answer('eve', 'leave', second + 1, { status: 204 }),
  ];
  const comesAndGoes = (fan: string, second: number) => [
    claims(fan, second),
    answer(fan, 'leave', second + 1, { status: 204 }),
  ];

  test('makes no crowd of fans who came and went one after another', async () => {
    const many = Array.from({ length: 8 }, (_, i) => comesAndGoes(`fan-${i}`, 30 + i)).flat();
    expect(await broken([...healthy, ...datedAnew(50), ...many])).toEqual({});
  });

  test('hides no crowd: three in a shop for two for less time than it was dated back', async () => {
    const three = ['fan-1', 'fan-2', 'fan-3'].flatMap((fan) => comesAndGoes(fan, 30));
    expect(Object.keys(await broken([...healthy, ...datedAnew(50), ...three]))).toEqual(['over-capacity']);
  });

  test('is one fan in the shop, who claimed before and after', async () => {
    const again = answer('ada', 'claim', 3, { expires: T0 + 2_900 + sale.admissionMs });
    expect(await broken([...healthy.slice(0, 8), again, ...healthy.slice(8)])).toEqual({});
  });
});

describe('what may be, is not called broken', () => {
  test('a missed turn that is given again before others', async () => {
    const returning = answer('ada', 'poll', 30, {
      state: 'missed',
      queueNumber: 1,
      position: null,
      returning: true,
    });
    const answers = [isReady('ada', 1, 1), returning, waits('bob', 0, 2, 1), waits('bob', 40, 2, 1)];
    expect(await broken([...answers, isReady('ada', 35, 1)])).toEqual({});
  });

  test('an order whose answer was lost, and one that is booked later', async () => {
    const later = { hold: 'hold-bob', key: 'pay', email: 'bob@example.org', order: 'order-bob' };
    const answers = [
      ...healthy.map((record) =>
        record.step === 'pay' && record.fan === 'ada' ? { ...record, status: 0 } : record,
      ),
      answer('bob', 'pay', 6, { ...later, status: 202 }),
      answer('bob', 'outcome', 8, { ...later, orderState: 'confirmed', seats: ['A-1-3'] }),
    ];
    expect(judgedOrders(await history(answers), [...books, booked('bob', 'A-1-3')])).toEqual([]);
  });

  test('a hold of another tab, given back with the order that ended the admission', async () => {
    const otherTab = { ...holds('ada', 5, 'A-1-7'), hold: 'other-tab' };
    expect(await broken([...healthy, otherTab, holds('bob', 8, 'A-1-7')])).toEqual({});
  });

  const refunded = async (answers: AnswerRecord[], order: string, second: number) => {
    const refunds = new Map([[order, T0 + LEAD_MS + second * 1000]]);
    return judgeFans({ ...(await history(answers)), refunds }).oversold;
  };
  const again = holds('cleo', 9, 'A-1-1');

  test('a seat that was bought, refunded, and taken by another before the hold would have ended', async () => {
    expect(await refunded([...healthy, again], 'order-ada', 8)).toEqual([]);
    expect(await refunded([...healthy, again], 'order-ada', 10)).toHaveLength(1);
    expect(await refunded([...healthy, again], 'order-bob', 8)).toHaveLength(1);
  });

  test('a refund of an order that the fan was never told of ends no hold', async () => {
    const declined = answer('ada', 'pay', 6, { status: 402, code: 'payment-declined', hold: 'hold-ada' });
    const without = healthy.filter(({ fan, step }) => fan !== 'ada' || step !== 'pay');
    expect(await refunded([...without, declined, again], 'order-zoe', 8)).toHaveLength(1);
  });

  test('a hold that ran out and was taken by another', async () => {
    const late = answer('cleo', 'hold', 36, {
      status: 201,
      hold: 'late',
      seats: ['A-1-3'],
      expires: T0 + 66_000,
    });
    expect(await broken([...healthy.slice(0, 10), late])).toEqual({});
  });
});

describe('one seat', () => {
  const expectation: HistoryRecord = { kind: 'expect', oneSeat: { seat: 'A-1-5', fans: 3 } };
  const refused = (fan: string) => answer(fan, 'hold', 1, { status: 409, code: 'seats-taken' });

  test('one winner and clear refusals are as promised', async () => {
    expect(await broken([holds('ada', 1, 'A-1-5'), refused('bob'), refused('cleo')], expectation)).toEqual(
      {},
    );
  });
  test.each<[string, AnswerRecord[], RegExp]>([
    ['nobody has it', [refused('ada'), refused('bob'), refused('cleo')], /given to 0 fans/],
    [
      'an unclear answer',
      [holds('ada', 1, 'A-1-5'), refused('bob'), answer('cleo', 'hold', 1, { status: 503 })],
      /503/,
    ],
    ['a fan who never came', [holds('ada', 1, 'A-1-5'), refused('bob')], /Of 3 fans 2 came/],
  ])('%s', async (_, answers, sentence) => {
    expect((await broken(answers, expectation))['one-seat']?.join()).toMatch(sentence);
  });
});

test('a record of which a line is missing, and a crossed threshold, are said', async () => {
  const judged = judgeK6(await history(healthy), {
    metrics: {
      records: { count: 99 },
      poll_ms: { 'p(99)': 4_000, thresholds: { 'p(99)<3000': true, 'p(50)<100': false } },
    },
  });
  expect(judged.history?.[0]).toContain('99 records');
  expect(judged.thresholds).toEqual(['poll_ms was to be p(99)<3000, and was p(99) 4000']);
});

test('the summary says how fans fared, how long steps took and what was broken, by name', async () => {
  const run = await history(
    [...healthy, buys('bob', 13, 'A-1-1')],
    { kind: 'end', fan: 'ada', how: 'bought' },
    { kind: 'end', fan: 'bob', how: 'left the shop' },
  );
  const judgement = judgeFans(run);
  expect(isBroken(judgement)).toBe(true);
  const text = describeRun(run, judgement);
  expect(text).toMatch(/ 1 {2}bought/);
  expect(text).toMatch(/hold\s+3\s/);
  expect(text).toContain('Seat A-1-1 was sold to ada and sold to bob at the same time');
  expect(text).toContain('not judged  Every acknowledged order');
  expect(text).toMatch(/Broken: oversold\.$/);
});

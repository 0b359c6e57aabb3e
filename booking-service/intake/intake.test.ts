import { Worker } from 'bullmq';
import { Redis } from 'ioredis';
import {
  afterAll,
  afterEach,
  beforeAll,
  beforeEach,
  describe,
  expect,
  onTestFinished,
  test,
  vi,
} from 'vitest';
import { internalHeaders } from '#shared/internal.ts';
import { Problem } from '#shared/problem.ts';
import type { Db } from '../db/client.ts';
import type { Till } from '../order/settle.ts';
import { claimWaitingOrder, postponeOrder } from '../order/waiting.ts';
import { startBooking, type TestBooking, type TestFan } from '../testing/booking.ts';
import { holdSeats, type OrderOptions, placeOrder } from '../testing/buy.ts';
import { expireHold, expireLease } from '../testing/expire.ts';
import { mutateFunction } from '../testing/mutate.ts';
import { through } from '../testing/through.ts';
import { unheard } from '../testing/unheard.ts';
import { violations } from '../testing/violations.ts';
import { bookingPatience, bookWaitingOrder } from './book.ts';
import { connectFailingFast, connectWaiting, ORDER_JOBS } from './connection.ts';
import { carriedAmong, jobKeyOf, openJobs, putJobs, shareKeyOf } from './jobs.ts';
import { searchLostOrders } from './lost.ts';
import { type OrderJobs, startOrderJobs } from './worker.ts';

const SEATS_PER_FAN = 4;
const SETTLED_MS_MAX = 5_000;
const ORDERS_WAITING_MAX = 20;
/** A worker is taken for dead when its job has not been renewed between two looks. */
const STALLED_MS_MAX = 20_000;

let booking: TestBooking;
let till: Till;
let sale: string;
let jobs: OrderJobs | null = null;

beforeAll(async () => {
  booking = await startBooking();
  till = { db: booking.db, payments: booking.payments, log: booking.log };
});

beforeEach(async () => {
  const event = await booking.makeEvent([{ name: 'A', rows: 3, seatsPerRow: 20, amount: 5_000 }]);
  sale = (await booking.makeSale(event.event, { seatsPerFan: SEATS_PER_FAN })).sale;
});

afterEach(async () => {
  await jobs?.stop();
  jobs = null;
  vi.restoreAllMocks();
});

afterAll(async () => {
  expect(await violations(booking.db, SEATS_PER_FAN)).toEqual([]);
  await booking.stop();
});

/** A worker; with `authorise` instead of the provider's own, `ordersAtOnce` at a time. */
const startJobs = (authorise?: Till['payments']['authorise'], ordersAtOnce?: number) => {
  jobs = startOrderJobs({
    redisUrl: booking.redisUrl,
    till: authorise ? { ...till, payments: { ...booking.payments, authorise } } : till,
    onBooked: () => undefined,
    log: booking.log,
    ...(ordersAtOnce === undefined ? {} : { ordersAtOnce }),
  });
  return jobs;
};

/** An order of a fan who does not wait for it. */
const later = (fan: TestFan, hold: string, options: OrderOptions = {}) =>
  placeOrder(fan, hold, { ...options, headers: { prefer: 'respond-async', ...options.headers } });

async function takeOne(token = 'tok_ok', seat = 'A-1-1') {
  const fan = await booking.admit(sale);
  const hold = await holdSeats(fan, seat);
  const taken = await later(fan, hold, { token });
  expect(taken.status).toBe(202);
  return { fan, hold, token, taken, order: String(taken.body.order) };
}

const read = async (fan: TestFan, order: string) => (await fan.request('GET', `/orders/${order}`)).body;

const endsAs = (fan: TestFan, order: string, expected: Record<string, unknown>) =>
  vi.waitFor(async () => expect(await read(fan, order)).toMatchObject(expected), { timeout: SETTLED_MS_MAX });

const payment = (order: string) =>
  booking.db.callOne<{ state: string; authorisations: number; captures: number }>(
    (sql) => sql`select state, authorisations, captures from test_payment where payment = ${order}`,
  );

/** The money follows the tickets. */
const isPaidOnce = (order: string) =>
  vi.waitFor(
    async () => expect(await payment(order)).toEqual({ state: 'captured', authorisations: 1, captures: 1 }),
    SETTLED_MS_MAX,
  );

const mails = async (order: string): Promise<string[]> => {
  const rows = await booking.db.call<{ kind: string }>(
    (sql) => sql`
      select kind from outbox_message where ticket_order = ${order} and kind like '%mail' order by kind`,
  );
  return rows.map(({ kind }) => kind);
};

const tokenKept = async (order: string): Promise<string | null> => {
  const row = await booking.db.callOne<{ token: string | null }>(
    (sql) => sql`select payment_token as token from ticket_order where id = ${order}`,
  );
  return row.token;
};

/** Asks Redis for jobs without working on them. */
const askRedis = async (): Promise<OrderJobs['hasJob']> => {
  const redis = new Redis(booking.redisUrl);
  onTestFinished(() => redis.disconnect());
  return async (orders) => {
    const { name, prefix } = ORDER_JOBS;
    const found = await Promise.all(orders.map((order) => redis.exists(`${prefix}:${name}:${order}`)));
    return new Set(orders.filter((_, index) => found[index] === 1));
  };
};

/** What a worker finds that starts now and no job has reached. */
const searchAll = async (hasJob: OrderJobs['hasJob'] = async () => new Set()) => {
  const search = searchLostOrders(till, hasJob, 0);
  while (await search());
};

describe('a worker that does not hear of its own claim', () => {
  const attemptsOf = (order: string) =>
    booking.db.callOne((sql) => sql`select attempts from ticket_order where id = ${order}`);

  test('goes on by itself when the connections are cut behind its calls, and charges once', async () => {
    const { fan, order } = await takeOne();
    expect(await bookWaitingOrder({ ...till, db: unheard(booking.db) }, order)).toBe(null);
    expect((await read(fan, order)).state).toBe('confirmed');
    expect([await attemptsOf(order), await payment(order)]).toEqual([
      { attempts: 1 },
      { state: 'captured', authorisations: 1, captures: 1 },
    ]);
  });

  test('goes on by itself after a call of which nothing was heard until its deadline', async () => {
    const { fan, order } = await takeOne();
    let calls = 0;
    const call: Db['call'] = async (statement, withinMs) => {
      calls += 1;
      const isLost = calls === 1;
      const rows = await booking.db.call(statement, withinMs);
      if (isLost) throw new Problem('unavailable', 'Its answer was lost.');
      return rows;
    };
    expect(await bookWaitingOrder({ ...till, db: { ...booking.db, call } }, order)).toBe(null);
    expect((await read(fan, order)).state).toBe('confirmed');
    expect([await attemptsOf(order), await payment(order)]).toEqual([
      { attempts: 1 },
      { state: 'captured', authorisations: 1, captures: 1 },
    ]);
  });

  test('takes nothing from another one that has it', async () => {
    const { order } = await takeOne();
    const first = await claimWaitingOrder(booking.db, order, 'first');
    expect(first).toMatchObject({ outcome: 'claimed', attempts: 1 });
    expect(await claimWaitingOrder(unheard(booking.db), order)).toMatchObject({ outcome: 'busy' });
    await postponeOrder(booking.db, order, 'first', 0);
    expect(await claimWaitingOrder(unheard(booking.db), order)).toMatchObject({ attempts: 2 });
    await expireLease(booking.db, order);
    await bookWaitingOrder(till, order);
  });

  test('gives nothing back that another one has taken meanwhile, however late and often its word comes', async () => {
    const { order } = await takeOne();
    await claimWaitingOrder(booking.db, order, 'slow');
    await expireLease(booking.db, order);
    expect(await claimWaitingOrder(booking.db, order, 'second')).toMatchObject({ outcome: 'claimed' });
    await postponeOrder(unheard(booking.db), order, 'slow', 0);
    expect(await claimWaitingOrder(booking.db, order)).toMatchObject({ outcome: 'busy' });
    await expireLease(booking.db, order);
    await bookWaitingOrder(till, order);
  });
});

describe('an order that nobody waits for', () => {
  test('is taken at once, its seats paying, and its outcome can be asked for', async () => {
    const { fan, hold, taken, order } = await takeOne();
    expect(taken.body).toEqual({ order, state: 'inProgress' });
    expect(taken.headers.get('location')).toBe(`/api/sales/${sale}/orders/${order}`);
    expect(taken.headers.get('preference-applied')).toBe('respond-async');
    expect(taken.headers.get(internalHeaders.order)).toBeNull();
    expect(Number(taken.headers.get(internalHeaders.holdEnds))).toBeGreaterThan(Date.now() + 290_000);
    expect(await read(fan, order)).toMatchObject({ state: 'inProgress', tickets: [], failure: null });
    const released = await fan.request('DELETE', `/holds/${hold}`);
    expect(released.body.code).toBe('in-progress');
  });

  test('is refused as any other is', async () => {
    const fan = await booking.admit(sale);
    expect((await later(fan, 'no-such-hold')).body.code).toBe('hold-lost');
    const hold = await holdSeats(fan, 'A-1-1');
    const finished = { headers: { [internalHeaders.admission]: 'finished' } };
    expect((await later(fan, hold, finished)).body.code).toBe('already-finished');
    await later(fan, hold);
    expect((await later(fan, hold, { email: 'eve@example.org' })).body.code).toBe('idempotency-mismatch');
    expect((await later(fan, hold, { key: 'two' })).body.code).toBe('in-progress');
  });

  test('with the same key again is the same one, before and after its end', async () => {
    const { fan, hold, taken, order } = await takeOne();
    const again = await later(fan, hold);
    expect([again.status, again.body, again.headers.get('location')]).toEqual([
      202,
      taken.body,
      taken.headers.get('location'),
    ]);
    expect(await placeOrder(fan, hold)).toMatchObject({
      status: 409,
      body: { code: 'in-progress', order, location: taken.headers.get('location') },
    });
    startJobs();
    await endsAs(fan, order, { state: 'confirmed' });
    for (const ask of [later, placeOrder]) {
      const ended = await ask(fan, hold);
      expect(ended).toMatchObject({ status: 201, body: { order } });
      expect(ended.headers.get('preference-applied')).toBeNull();
    }
    await isPaidOnce(order);
  });

  test('taken fifty times at once is one order and one authorisation', async () => {
    startJobs();
    const fan = await booking.admit(sale);
    const hold = await holdSeats(fan, 'A-1-1');
    const answers = await Promise.all(Array.from({ length: 50 }, () => later(fan, hold)));
    const orders = new Set(answers.map(({ body }) => body.order));
    expect(orders.size).toBe(1);
    expect(new Set(answers.map(({ status }) => status)).has(202)).toBe(true);
    const [order] = [...orders].map(String);
    await endsAs(fan, order!, { state: 'confirmed' });
    await isPaidOnce(order!);
    expect(await mails(order!)).toEqual(['order-confirmed-mail']);
  });

  test('is booked whatever its card does, and its token is kept no longer than needed', async () => {
    const paid = await takeOne('tok_ok', 'A-1-1');
    const slow = await takeOne('tok_slow', 'A-1-3');
    const unknown = await takeOne('tok_unknown', 'A-1-5');
    expect(await tokenKept(unknown.order)).toBe('tok_unknown');
    startJobs();
    for (const { fan, order } of [paid, slow, unknown]) {
      await endsAs(fan, order, { state: 'confirmed' });
      await isPaidOnce(order);
      expect(await mails(order)).toEqual(['order-confirmed-mail']);
      expect(await tokenKept(order)).toBeNull();
    }
  });

  test('whose card is declined fails with a mail, and its seats can be paid again', async () => {
    startJobs();
    const { fan, hold, order } = await takeOne('tok_declined');
    await endsAs(fan, order, { state: 'failed', failure: 'payment-declined' });
    expect(await mails(order)).toEqual(['order-failed-mail']);
    expect(await tokenKept(order)).toBeNull();
    expect((await later(fan, hold, { token: 'tok_declined' })).status).toBe(402);
    expect((await placeOrder(fan, hold, { key: 'two' })).status).toBe(201);
  });

  test('whose seats went to somebody else while it waited fails with a mail, and nothing is charged', async () => {
    const { fan, hold, order } = await takeOne();
    await expireHold(booking.db, hold);
    await holdSeats(await booking.admit(sale), 'A-1-1');
    startJobs();
    await endsAs(fan, order, { state: 'failed', failure: 'hold-lost' });
    expect(await mails(order)).toEqual(['order-failed-mail']);
    await vi.waitFor(
      async () => expect(await payment(order)).toMatchObject({ state: 'cancelled', captures: 0 }),
      SETTLED_MS_MAX,
    );
    expect((await later(fan, hold)).body.code).toBe('hold-lost');
  });

  test('sells late as long as nobody has taken its seats', async () => {
    const { fan, hold, order } = await takeOne();
    await expireHold(booking.db, hold);
    startJobs();
    await endsAs(fan, order, { state: 'confirmed' });
  });
});

test('the failure of an order that was waited for sends no mail', async () => {
  const fan = await booking.admit(sale);
  const failed = await placeOrder(fan, await holdSeats(fan, 'A-1-1'), { token: 'tok_declined' });
  expect(failed.status).toBe(402);
  expect(await mails(String(failed.body.order))).toEqual([]);
});

describe('a provider that cannot be reached', () => {
  const patience = { firstRetryMs: 1_000, retryMsMax: 60_000, attemptsMax: 3 };

  test('is tried again later each time, and after the last attempt the order fails with a mail', async () => {
    const { fan, hold, order } = await takeOne('tok_ok');
    const away = new Error('the provider is away');
    vi.spyOn(booking.payments, 'authorise').mockRejectedValue(away);
    const lookUp = vi.spyOn(booking.payments, 'lookUp').mockRejectedValue(away);
    vi.spyOn(booking.payments, 'cancel').mockRejectedValue(away);
    // A fifth more or less, by chance.
    const isAbout = (waitMs: number | null, aboutMs: number) =>
      expect(Math.abs((waitMs ?? 0) - aboutMs)).toBeLessThanOrEqual(aboutMs / 5);
    isAbout(await bookWaitingOrder(till, order, patience), 1_000);
    const early = (await bookWaitingOrder(till, order, patience)) as number;
    expect(early).toBeGreaterThan(0);
    expect(early).toBeLessThanOrEqual(1_200);
    await expireLease(booking.db, order);
    isAbout(await bookWaitingOrder(till, order, patience), 2_000);
    expect(lookUp).toHaveBeenCalledTimes(1);
    await expireLease(booking.db, order);
    expect(await bookWaitingOrder(till, order, patience)).toBeNull();
    expect(await read(fan, order)).toMatchObject({ state: 'failed', failure: 'unavailable' });
    expect(await mails(order)).toEqual(['order-failed-mail']);
    expect(await later(fan, hold)).toMatchObject({
      status: 402,
      body: { code: 'payment-declined', detail: expect.stringContaining('could not be reached') },
    });
    // What comes late all the same is refused, once the provider can be told.
    vi.restoreAllMocks();
    await booking.payments.cancel(order);
    const late = { order, amount: 5_000, currency: 'EUR' };
    expect(await booking.payments.authorise(late, 'tok_ok')).toBe('declined');
    await booking.db.call((sql) => sql`update ticket_order set payment = 'settled' where id = ${order}`);
  });

  test('does not let an order be tried for ever by workers that die of it', async () => {
    const { fan, order } = await takeOne('tok_ok');
    await booking.db.call((sql) => sql`update ticket_order set attempts = 3 where id = ${order}`);
    const authorise = vi.spyOn(booking.payments, 'authorise');
    expect(await bookWaitingOrder(till, order, patience)).toBeNull();
    expect(authorise).not.toHaveBeenCalled();
    expect(await read(fan, order)).toMatchObject({ state: 'failed', failure: 'unavailable' });
  });
});

test('jobs that nobody of ours has put there keep no order from being booked, and do not stay', async () => {
  const redis = new Redis(booking.redisUrl);
  onTestFinished(() => redis.disconnect());
  const queue = `${ORDER_JOBS.prefix}:${ORDER_JOBS.name}`;
  const job = { name: 'book', data: '{}', opts: '{}', timestamp: '1', delay: '0', priority: '0' };
  const put = async (id: string, hash: Record<string, string> = {}) => {
    await redis.hset(`${queue}:${id}`, { ...job, ...hash });
    await redis.rpush(`${queue}:wait`, id);
  };
  await put('an order of nothing');
  await put('an older one', { name: 'order', data: '{"order":"x","sale":"y"}' });
  await put('without data', { data: 'null' });
  await put('a request of another shape', { data: '{"requestId":{"a":[1]}}' });
  await put('with other tries', { opts: '{"attempts":"many","backoff":{"type":"none"}}' });
  await put('of a megabyte', { data: JSON.stringify({ requestId: 'x'.repeat(1_000_000) }) });
  const ids = await redis.lrange(`${queue}:wait`, 0, -1);
  await redis.rpush(`${queue}:wait`, 'without a job');
  const { fan, order } = await takeOne();
  startJobs();
  await endsAs(fan, order, { state: 'confirmed' });
  const left = () => redis.exists(...ids.map((id) => `${queue}:${id}`));
  await expect.poll(left, { timeout: SETTLED_MS_MAX }).toBe(0);
});

describe('an order that kills every worker that takes it', () => {
  /** One process of a worker, which dies when it asks for this order's payment: nothing it waits for comes any more. */
  async function workUntilDeath(poison: string): Promise<'lived' | 'died'> {
    let die: (how: 'died') => void = () => undefined;
    const died = new Promise<'died'>((resolve) => {
      die = resolve;
    });
    let isDead = false;
    const alive = async <Result>(work: () => Promise<Result>): Promise<Result> => {
      const result = isDead ? null : await work();
      return isDead ? new Promise<never>(() => undefined) : (result as Result);
    };
    const { payments } = booking;
    const mortal: Till = {
      ...till,
      db: through(booking.db, (statement, withinMs) => alive(() => booking.db.call(statement, withinMs))),
      payments: {
        ...payments,
        authorise: (payment, token) => alive(() => payments.authorise(payment, token)),
        lookUp: (order) =>
          alive(async () => {
            if (order !== poison) return payments.lookUp(order);
            isDead = true;
            die('died');
            return 'none';
          }),
        capture: (order) => alive(() => payments.capture(order)),
      },
    };
    const search = searchLostOrders(mortal, async () => new Set(), 0);
    const all = async () => {
      while (await search());
      return 'lived' as const;
    };
    return Promise.race([all(), died]);
  }

  test('fails in the end, and takes none of those with it that were under way beside it', async () => {
    const taken = [];
    for (const seat of [1, 3, 5, 7, 9, 11]) taken.push(await takeOne('tok_ok', `A-1-${seat}`));
    const byId = taken.sort((a, b) => (a.order < b.order ? -1 : 1));
    const poison = byId[2] as (typeof taken)[number];
    // All of them were in the hands of a worker that was killed, which was nobody's fault yet.
    for (const { order } of taken) {
      await claimWaitingOrder(booking.db, order);
      await expireLease(booking.db, order);
    }
    let deaths = 0;
    while ((await workUntilDeath(poison.order)) === 'died') {
      deaths += 1;
      expect(deaths).toBeLessThanOrEqual(bookingPatience.attemptsMax);
      for (const { order } of taken) await expireLease(booking.db, order);
    }
    const ends = await Promise.all(
      taken.map(async ({ fan, order }) => [order, (await read(fan, order)).state]),
    );
    expect(Object.fromEntries(ends)).toEqual(
      Object.fromEntries(taken.map(({ order }) => [order, order === poison.order ? 'failed' : 'confirmed'])),
    );
    expect(await read(poison.fan, poison.order)).toMatchObject({ failure: 'unavailable' });
    for (const { order } of taken) if (order !== poison.order) await isPaidOnce(order);
  });
});

describe('a job that is lost', () => {
  test('with Redis’ data is made up for, with the token and one authorisation', async () => {
    const { fan, order } = await takeOne('tok_slow');
    const redis = new Redis(booking.redisUrl);
    await vi.waitFor(async () => expect(await redis.keys('*')).not.toEqual([]), SETTLED_MS_MAX);
    await redis.flushdb();
    redis.disconnect();
    // The worker looks by itself, and at the same time a second one does.
    await Promise.all([searchAll(), searchAll(), searchAll(startJobs().hasJob)]);
    await endsAs(fan, order, { state: 'confirmed' });
    await isPaidOnce(order);
  });

  test('is not taken for lost while it waits in the queue', async () => {
    const { fan, order } = await takeOne();
    const hasJob = await askRedis();
    await vi.waitFor(async () => expect((await hasJob([order])).has(order)).toBe(true), SETTLED_MS_MAX);
    await searchAll(hasJob);
    expect((await read(fan, order)).state).toBe('inProgress');
    startJobs();
    await endsAs(fan, order, { state: 'confirmed' });
    await vi.waitFor(async () => expect((await jobs!.hasJob([order])).size).toBe(0), SETTLED_MS_MAX);
  });

  test('is given up for lost when it has not moved for long: a Redis that takes no writes still shows it', async () => {
    const { fan, order } = await takeOne();
    await expireLease(booking.db, order, '1 minute');
    await searchAll(async (orders) => new Set(orders));
    expect((await read(fan, order)).state).toBe('confirmed');
    await isPaidOnce(order);
  });

  test('for orders beyond one page is found on the next', async () => {
    const taken = [];
    for (let index = 0; index < ORDERS_WAITING_MAX / 2; index += 1)
      taken.push(await takeOne('tok_ok', `A-${(index % 3) + 1}-${2 * Math.floor(index / 3) + 1}`));
    const search = searchLostOrders(till, async () => new Set(), 0, 3);
    while (await search());
    for (const { fan, order } of taken) expect((await read(fan, order)).state).toBe('confirmed');
  });
});

describe('orders of a crush', () => {
  /** So many at once share jobs; most of them are in no book, and over as soon as somebody looks. */
  const strangers = Array.from({ length: 40 }, (_, index) => `nobodys-${index}`);

  /** Takes orders, and puts them in shared jobs instead of their own. */
  async function share(tokens: string[]) {
    const taken = [];
    for (const [index, token] of tokens.entries())
      taken.push(await takeOne(token, `A-${(index % 3) + 1}-${2 * Math.floor(index / 3) + 1}`));
    const redis = connectFailingFast(booking.redisUrl, booking.log);
    const queue = openJobs(redis);
    onTestFinished(async () => {
      await queue.close();
      redis.disconnect();
    });
    await queue.waitUntilReady();
    const own = taken.map(({ order }) => jobKeyOf(order));
    await vi.waitFor(async () => expect(await redis.exists(...own)).toBe(own.length), SETTLED_MS_MAX);
    await queue.obliterate({ force: true });
    const orders = [...taken.map(({ order }) => order), ...strangers];
    await putJobs(
      queue,
      redis,
      orders.map((order) => ({ order, requestId: 'crush' })),
    );
    expect(await queue.getWaitingCount()).toBeLessThan(orders.length / 8);
    return { taken, redis, queue };
  }

  test('share jobs, are not taken for lost in them, and each ends as it would alone', async () => {
    const tokens = ['tok_ok', 'tok_declined', 'tok_slow', 'tok_unknown', 'tok_ok'];
    const { taken, redis, queue } = await share(tokens);
    const ids = taken.map(({ order }) => order);
    expect(await redis.exists(...ids.map(jobKeyOf))).toBe(0);
    expect(await redis.exists(...ids.map(shareKeyOf))).toBe(ids.length);
    const { hasJob } = startJobs();
    const carried = async () => [...(await hasJob([...ids, 'another']))].sort();
    await vi.waitFor(async () => expect(await carried()).toEqual([...ids].sort()), SETTLED_MS_MAX);
    await searchAll(hasJob);
    for (const { fan, order, token } of taken) {
      await endsAs(fan, order, { state: token === 'tok_declined' ? 'failed' : 'confirmed' });
      if (token !== 'tok_declined') await isPaidOnce(order);
    }
    const left = async () => (await queue.getJobs()).map(({ id, data, opts }) => ({ id, data, opts }));
    await expect.poll(left, { timeout: SETTLED_MS_MAX }).toEqual([]);
  });

  test('whose worker has died are left to the search at once, which tries them apart', async () => {
    const { taken, redis, queue } = await share(['tok_ok', 'tok_ok', 'tok_ok']);
    const ids = taken.map(({ order }) => order);
    const [job] = (await queue.getWaiting()).filter(({ data }) => JSON.stringify(data).includes(ids[0]!));
    // As a worker leaves it that dies.
    const connection = connectWaiting(booking.redisUrl, booking.log);
    const dead = new Worker(queue.name, null, { prefix: ORDER_JOBS.prefix, connection, lockDuration: 1_000 });
    onTestFinished(async () => {
      await dead.close(true);
      connection.disconnect();
    });
    await dead.waitUntilReady();
    for (
      let held = await dead.getNextJob('dead');
      held && held.id !== job!.id;
      held = await dead.getNextJob('dead')
    );
    let authorisations = 0;
    const { authorise } = booking.payments;
    const { hasJob } = startJobs(async (payment, token) => {
      authorisations += 1;
      return authorise(payment, token);
    });
    await expect.poll(() => redis.exists(jobKeyOf(job!.id!)), { timeout: STALLED_MS_MAX }).toBe(0);
    expect(authorisations).toBe(0);
    expect((await hasJob(ids)).size).toBe(0);
    await expect.poll(() => redis.exists(...ids.map(shareKeyOf))).toBe(0);
    await searchAll(hasJob);
    for (const { fan, order } of taken) {
      await endsAs(fan, order, { state: 'confirmed' });
      await isPaidOnce(order);
    }
  }, 60_000);

  test('are searched for as soon as the job is gone, whoever has taken it', async () => {
    const { taken, redis, queue } = await share(['tok_ok', 'tok_ok']);
    const ids = taken.map(({ order }) => order);
    expect((await carriedAmong(redis, ids)).size).toBe(ids.length);
    await queue.obliterate({ force: true });
    expect((await carriedAmong(redis, ids)).size).toBe(0);
  });

  test('do not wait for one that cannot be worked on, which comes again by itself', async () => {
    const { taken, redis } = await share(['tok_ok', 'tok_ok', 'tok_ok']);
    const poor = taken[1]!.order;
    let refusals = 0;
    const { authorise } = booking.payments;
    startJobs(async (payment, token) => {
      if (payment.order !== poor || refusals > 0) return authorise(payment, token);
      refusals += 1;
      throw new Error('The provider is not to be reached.');
    });
    for (const index of [0, 2]) await endsAs(taken[index]!.fan, taken[index]!.order, { state: 'confirmed' });
    await expect.poll(() => redis.exists(jobKeyOf(poor))).toBe(1);
    expect(await read(taken[1]!.fan, poor)).toMatchObject({ state: 'inProgress' });
    await endsAs(taken[1]!.fan, poor, { state: 'confirmed' });
    expect(refusals).toBe(1);
    await isPaidOnce(poor);
  });

  test('are worked on no more at once than others', async () => {
    const { taken } = await share(Array.from({ length: 12 }, () => 'tok_ok'));
    let atOnce = 0;
    let most = 0;
    const { authorise } = booking.payments;
    startJobs(async (payment, token) => {
      atOnce += 1;
      most = Math.max(most, atOnce);
      return authorise(payment, token).finally(() => {
        atOnce -= 1;
      });
    }, 3);
    for (const { fan, order } of taken) await endsAs(fan, order, { state: 'confirmed' });
    expect(most).toBe(3);
  });
});

describe('a worker that is killed', () => {
  test('before the authorisation: the next one authorises; after it: it looks and does not authorise again', async () => {
    for (const authorised of [false, true]) {
      const { fan, order } = await takeOne('tok_ok', authorised ? 'A-1-1' : 'A-1-3');
      const { authorise } = booking.payments;
      vi.spyOn(booking.payments, 'authorise').mockImplementationOnce(async (given, token) => {
        if (authorised) await authorise(given, token);
        throw new Error('killed');
      });
      expect(await bookWaitingOrder(till, order)).toBeGreaterThan(0);
      await expireLease(booking.db, order);
      expect(await bookWaitingOrder(till, order)).toBeNull();
      expect((await read(fan, order)).state).toBe('confirmed');
      await isPaidOnce(order);
    }
  });

  test('leaves an order to nobody before its lease is over', async () => {
    const { order } = await takeOne('tok_slow');
    const [first, second] = await Promise.all([bookWaitingOrder(till, order), bookWaitingOrder(till, order)]);
    expect([first, second].filter((wait) => wait === null)).toHaveLength(1);
    expect((await payment(order)).authorisations).toBe(1);
  });
});

test('while a request waits for its order, the same order is not promised to the worker', async () => {
  const fan = await booking.admit(sale);
  const hold = await holdSeats(fan, 'A-1-1');
  const { authorise } = booking.payments;
  let impatient: Awaited<ReturnType<typeof later>> | undefined;
  vi.spyOn(booking.payments, 'authorise').mockImplementationOnce(async (given, token) => {
    impatient = await later(fan, hold);
    return authorise(given, token);
  });
  expect((await placeOrder(fan, hold)).status).toBe(201);
  expect(impatient).toMatchObject({ status: 409, body: { code: 'in-progress' } });
  expect(impatient?.headers.get('preference-applied')).toBeNull();
});

test('an order whose waiting request was killed can be left to the worker by its fan’s retry', async () => {
  const fan = await booking.admit(sale);
  const hold = await holdSeats(fan, 'A-1-1');
  const { authorise } = booking.payments;
  vi.spyOn(booking.payments, 'authorise').mockImplementationOnce(async (given, token) => {
    await authorise(given, token);
    throw new Error('killed');
  });
  const { body } = await placeOrder(fan, hold);
  const order = String(body.order);
  await expireLease(booking.db, order, '1 second');
  startJobs();
  expect(await later(fan, hold)).toMatchObject({ status: 202, body: { order } });
  await endsAs(fan, order, { state: 'confirmed' });
  await isPaidOnce(order);
});

test('a full queue refuses before anything is begun, and still answers for what it has taken', async () => {
  const taken: Awaited<ReturnType<typeof takeOne>>[] = [];
  await expect
    .poll(async () => (await booking.dependencies.toWorker.isFull()) === false, { timeout: SETTLED_MS_MAX })
    .toBe(true);
  for (let row = 1, seat = 1; !(await booking.dependencies.toWorker.isFull()); seat += 2) {
    if (seat > 19) [row, seat] = [row + 1, 1];
    taken.push(await takeOne('tok_ok', `A-${row}-${seat}`));
    expect(taken.length).toBeLessThanOrEqual(ORDERS_WAITING_MAX);
  }
  const fan = await booking.admit(sale);
  const hold = await holdSeats(fan, 'A-3-20');
  const refused = await later(fan, hold);
  expect(refused).toMatchObject({ status: 503, body: { code: 'unavailable' } });
  expect(refused.headers.get('retry-after')).toBe('5');
  expect((await fan.request('GET', '/orders')).body.orders).toEqual([]);
  expect((await fan.request('GET', '/holds')).body.holds).toMatchObject([{ hold }]);
  const [first] = taken;
  expect((await later(first!.fan, first!.hold)).status).toBe(202);
  // Who waits for the order is not kept out, and room comes with the worker.
  expect((await placeOrder(fan, hold)).status).toBe(201);
  startJobs();
  const next = await booking.admit(sale);
  const seat = await holdSeats(next, 'A-3-18');
  await vi.waitFor(async () => expect((await later(next, seat)).status).toBe(202), {
    timeout: SETTLED_MS_MAX,
  });
});

test('the proof notices workers that do not keep apart', async () => {
  const other = await startBooking();
  try {
    await mutateFunction(other.db, 'claim_waiting_order', 'v_order.lease_until > v_now', 'false');
    const event = await other.makeEvent([{ name: 'A', rows: 1, seatsPerRow: 1, amount: 5_000 }]);
    const fan = await other.admit((await other.makeSale(event.event)).sale);
    const { body } = await later(fan, await holdSeats(fan, 'A-1-1'), { token: 'tok_slow' });
    const order = String(body.order);
    const otherTill = { db: other.db, payments: other.payments, log: other.log };
    await Promise.all([bookWaitingOrder(otherTill, order), bookWaitingOrder(otherTill, order)]);
    const row = await other.db.callOne<{ authorisations: number }>(
      (sql) => sql`select authorisations from test_payment where payment = ${order}`,
    );
    expect(row.authorisations).toBeGreaterThan(1);
  } finally {
    await other.stop();
  }
});

import { createHash } from 'node:crypto';
import type { Row } from 'postgres';
import type { Log } from '#shared/log.ts';
import { Problem } from '#shared/problem.ts';
import { newAct } from '../../booking-service/audit/act.ts';
import type { Db } from '../../booking-service/db/client.ts';
import type { Sql, Statement } from '../../booking-service/db/lane.ts';
import { releaseHold } from '../../booking-service/hold/release.ts';
import { sweepHolds } from '../../booking-service/hold/sweep.ts';
import { takeSeats } from '../../booking-service/hold/take.ts';
import { bookWaitingOrder } from '../../booking-service/intake/book.ts';
import { createAnswerTime } from '../../booking-service/order/answer-time.ts';
import { placeOrder, takeOrder } from '../../booking-service/order/place.ts';
import { reconcileOrders } from '../../booking-service/order/reconcile.ts';
import { refundOrder } from '../../booking-service/order/refund.ts';
import type { Till } from '../../booking-service/order/settle.ts';
import { createTestProvider } from '../../booking-service/payment/test-provider.ts';
import { settlePayments, tellProvider } from '../../booking-service/testing/settle-payments.ts';
import { through } from '../../booking-service/testing/through.ts';
import { violations } from '../../booking-service/testing/violations.ts';
import { createRandom, type Random } from '../testing/random.ts';
import { createScheduler, type Process } from './scheduler.ts';

const SEATS_PER_FAN = 3;
const ROWS = 2;
const SEATS_PER_ROW = 4;
const FANS = 5;
const VISITS = 2;
const TRIES_MAX = 4;
const HOLD_MS = 300_000;
/** How likely a booking service, or a worker, dies at each of its steps. */
const DIES = 0.06;
/** How likely the answer of a call gets lost on its way, so that the client sends it again. */
const ANSWER_LOST = 0.05;
/** An order that is left to the worker, and its job that gets lost on the way. */
const LATER = 0.3;
const JOB_LOST = 0.2;
const WORKERS = 2;
const WORKER_ACTS = 8;
const SWEEPS = 4;
const REFUNDS = 2;
const HOURS = 5;
const AGE_SECONDS_MAX = 400;
/** A shop that is left alone has ended everything by then. */
const HEALING_ROUNDS_MAX = 20;

/** What a fan asked, and what became of it as far as they were told. */
type Told = {
  admission: string;
  key: string;
  order: string;
  answer: 'done' | 'later' | 'refused' | 'unknown';
  code?: string;
};

export type Verdict = { faults: string[]; steps: string[] };

/**
 * A history of one sale: fans who hold, give back and pay, some for later, and ask again when nothing is heard; booking services
 * and workers that die at any step; a sweep, an organiser, and time that goes by. Resolves to what is wrong at its end.
 */
export async function simulateShop(
  { db, log }: { db: Db; log: Log },
  seed: string,
  look: (db: Db) => Promise<string[]> = (at) => violations(at, SEATS_PER_FAN),
): Promise<Verdict> {
  const random = createRandom(`shop ${seed}`);
  const scheduler = createScheduler(random.fork('scheduler'));
  const ids = idsOf(seed);
  const event = ids('event', 11);
  const sections = [{ ordinal: 0, name: 'A', rows: ROWS, seats_per_row: SEATS_PER_ROW, amount: 5_000 }];
  await db.call(
    (sql) => sql`select create_event(${event}, 'x', 'x', now(), 'UTC', 'EUR', 'sim', ${sql.json(sections)})`,
  );
  const provider = createTestProvider(db);
  const jobs: string[] = [];
  const history: Told[] = [];

  const lost = random.fork('lost');
  /** What one process asks of the outside, each a step. A call whose answer is lost is sent again by the client itself. */
  const tillOf = ({ step }: Process): Till => ({
    db: through(db, async (statement, withinMs) => {
      const name = nameOf(statement);
      const call = (what: string) => step(what, () => db.call(statement, withinMs));
      if (lost.chance(ANSWER_LOST)) await call(`${name}, its answer lost`);
      return call(name);
    }),
    payments: {
      authorise: (payment, token) => step('authorise', () => provider.authorise(payment, token)),
      capture: (order) => step('capture', () => provider.capture(order)),
      cancel: (order) => step('cancel', () => provider.cancel(order)),
      refund: (order) => step('refund', () => provider.refund(order)),
      lookUp: (order) => step('look up', () => provider.lookUp(order)),
    },
    log,
  });

  /** Two booking services; one that has died is started again. */
  const services = ['booking 1', 'booking 2'].map((name) => scheduler.process(name, DIES));
  const ask = async <Answer>(
    own: Random,
    work: (till: Till) => Promise<Answer>,
  ): Promise<Answer | 'died'> => {
    const at = own.between(0, services.length - 1);
    if (services[at]?.isDead()) services[at] = scheduler.process(`booking ${at + 1}`, DIES);
    const process = services[at] as Process;
    return Promise.race([work(tillOf(process)), process.died]);
  };

  const fan = (name: string) => async () => {
    const own = random.fork(name);
    const id = ids(name, 11);
    const admission = ids(`${name} admission`, 11);
    const of = { sale: event, event, fan: id, admission, seatsPerFan: SEATS_PER_FAN };
    for (let visit = 0; visit < VISITS; visit += 1) {
      const hold = ids(`${name} hold ${visit}`, 22);
      const seats = own
        .sample([...Array(ROWS * SEATS_PER_ROW).keys()], own.between(1, 2))
        .sort((a, b) => a - b);
      const attempt = { ...of, hold, idempotencyKey: null, requestDigest: '', seats, quantity: seats.length };
      const held = await ask(own, ({ db: at }) =>
        takeSeats(at, { ...attempt, sections: [], holdMs: HOLD_MS }),
      );
      // Whoever hears nothing does not know that they hold anything.
      if (held === 'died' || held.outcome !== 'held') continue;
      if (own.chance(0.15)) {
        await ask(own, ({ db: at }) => releaseHold(at, { hold, sale: event, fan: id }));
        continue;
      }
      const key = `key ${visit}`;
      const token = own.weighted({ tok_ok: 6, tok_declined: 2, tok_unknown: 2 });
      const email = `${name.replace(' ', '-')}-${seed}@example.org`.toLowerCase();
      for (let tries = 0; tries < TRIES_MAX; tries += 1) {
        const order = ids(`${name} order ${visit} ${tries}`, 22);
        const asked = {
          ...{ ...of, order, token: { iat: 1 }, idempotencyKey: key, requestDigest: token, emailKey: email },
          ...{ currency: 'EUR', mayBegin: true, paymentMs: HOLD_MS },
          request: { hold, buyer: { name: 'Ada', email }, payment: { token } },
        };
        const answered = await ask(own, async (till): Promise<Omit<Told, 'admission' | 'key'>> => {
          try {
            if (!own.chance(LATER))
              return { order: await placeOrder(till, asked, createAnswerTime()), answer: 'done' };
            const taken = await takeOrder(till, asked, false);
            if (taken.isNew && !own.chance(JOB_LOST)) jobs.push(taken.order);
            return { order: taken.order, answer: taken.state === 'confirmed' ? 'done' : 'later' };
          } catch (error) {
            if (!(error instanceof Problem)) throw error;
            const isOpen = error.code === 'in-progress' || error.code === 'unavailable';
            const told = String(error.extra.order ?? order);
            return { order: told, answer: isOpen ? 'unknown' : 'refused', code: error.code };
          }
        });
        const told = answered === 'died' ? { order, answer: 'unknown' as const } : answered;
        history.push({ ...told, admission, key });
        if (told.answer !== 'unknown') break;
      }
    }
  };

  const worker = (name: string) => async () => {
    const own = random.fork(name);
    for (let acts = 0; acts < WORKER_ACTS; acts += 1) {
      const process = scheduler.process(name, DIES);
      const till = tillOf(process);
      const act = own.weighted({ job: 5, reconcile: 2, tell: 2 });
      const work = async () => {
        // A job whose worker has died is given to another: it is taken out only when it is done.
        const job = act === 'job' ? jobs[0] : undefined;
        if (job !== undefined) {
          await bookWaitingOrder(till, job);
          jobs.splice(jobs.indexOf(job), jobs.includes(job) ? 1 : 0);
        } else if (act === 'reconcile') await reconcileOrders(till);
        else await tellProvider(till);
      };
      await Promise.race([work(), process.died]);
    }
  };

  const sweep = async () => {
    const process = scheduler.process('sweep');
    for (let i = 0; i < SWEEPS; i += 1) await sweepHolds(tillOf(process).db);
  };
  const organise = async () => {
    const process = scheduler.process('organiser');
    for (let i = 0; i < REFUNDS; i += 1) {
      const bought = await process.step('looks', async () => history.find(({ answer }) => answer === 'done'));
      if (bought) await refundOrder(tillOf(process).db, bought.order, newAct('sim', null));
    }
  };
  const time = async () => {
    const process = scheduler.process('time');
    const own = random.fork('time');
    for (let i = 0; i < HOURS; i += 1) {
      const seconds = own.between(1, AGE_SECONDS_MAX);
      await process.step(`${seconds} s`, () => goBy(db, event, seconds));
    }
  };

  for (let i = 1; i <= FANS; i += 1) scheduler.begin(fan(`fan ${i}`));
  for (let i = 1; i <= WORKERS; i += 1) scheduler.begin(worker(`worker ${i}`));
  for (const work of [sweep, organise, time]) scheduler.begin(work);
  const steps = await scheduler.run();
  const unhealed = await heal({ db, payments: provider, log });
  const faults = [...unhealed, ...(await look(db)), ...(await judge(db, history))];
  return { faults, steps };
}

/** What a statement is about, for whoever reads the steps. */
function nameOf<One extends Row>(statement: Statement<One>): string {
  const text = (parts: readonly string[]) => parts.join(' ');
  const sql = Object.assign(text, { json: String, unsafe: String }) as unknown as Sql;
  const words = /\b(?:from|into|update|select)\s+([a-z_]+)/.exec(String(statement(sql)));
  return words?.[1] ?? 'a call';
}

/** Ids that the seed determines, for rows are locked in the order of theirs. */
const idsOf =
  (seed: string) =>
  (name: string, length: number): string =>
    createHash('sha256').update(`${seed}/${name}`).digest('base64url').slice(0, length);

/** As if so many seconds had gone by, for all that has a time of its own. */
async function goBy(db: Db, event: string, seconds: number): Promise<void> {
  await db.call(
    (sql) => sql`
      with held as (
        update hold set expires_at = expires_at - make_interval(secs => ${seconds})
        where event = ${event} and state in ('active', 'paying') returning id
      ), seats as (
        update seat set held_until = held_until - make_interval(secs => ${seconds})
        where event = ${event} and state = 1 returning seat
      ), leases as (
        update ticket_order set lease_until = lease_until - make_interval(secs => ${seconds})
        where event = ${event} and (state = 'inProgress' or payment <> 'settled') returning id
      )
      update outbox_message set due_at = due_at - make_interval(secs => ${seconds})
      where state = 'due' and ticket_order in (select id from ticket_order where event = ${event})`,
  );
}

/** What workers do when nothing dies any more; says what is left all the same. */
async function heal(till: Till): Promise<string[]> {
  const { db } = till;
  for (let round = 0; round < HEALING_ROUNDS_MAX; round += 1) {
    await db.call(
      (sql) => sql`
        update ticket_order set lease_until = clock_timestamp() - interval '1 minute'
        where state = 'inProgress' or payment <> 'settled'`,
    );
    const waiting = await db.call<{ id: string }>(
      (sql) => sql`select id from ticket_order where respond_async and state = 'inProgress'`,
    );
    for (const { id } of waiting) await bookWaitingOrder(till, id);
    await settlePayments(till);
    const left = await db.call(
      (sql) => sql`select from ticket_order where state = 'inProgress' or payment <> 'settled'`,
    );
    if (left.length === 0) return [];
  }
  return ['orders are in progress, or owe the provider something, for ever'];
}

/** What fans were told against what is in the books (I2, I9, I15). */
async function judge(db: Db, history: Told[]): Promise<string[]> {
  const faults: string[] = [];
  const orders = await db.call<{
    id: string;
    admission: string;
    key: string;
    state: string;
    paid: string | null;
  }>(
    (sql) => sql`
      select o.id, o.admission, o.idempotency_key as key, o.state, p.state as paid
      from ticket_order o left join test_payment p on p.payment = o.id
      where o.admission = any (${[...new Set(history.map(({ admission }) => admission))]}::text[])`,
  );
  const expected: Record<string, (string | null)[]> = {
    confirmed: ['captured'],
    refunded: ['refunded', 'cancelled'],
    failed: [null, 'declined', 'cancelled'],
  };
  for (const { id, state, paid } of orders)
    if (!expected[state]?.includes(paid)) faults.push(`order ${id} is ${state}, its payment ${paid}`);
  for (const { admission, key, order, answer, code } of history) {
    const known = orders.find((one) => one.admission === admission && one.key === key);
    const isBought = known?.state === 'confirmed' || known?.state === 'refunded';
    if (answer === 'done' && (!isBought || known.id !== order))
      faults.push(`order ${order} was confirmed to its fan, and is ${known?.state} as ${known?.id}`);
    if (answer === 'later' && known?.id !== order) faults.push(`order ${order} was taken, and is not there`);
    if (answer === 'refused' && isBought && known.id === order)
      faults.push(`order ${order} was refused to its fan (${code}), and is ${known.state}`);
  }
  return faults;
}

import { setTimeout as delay } from 'node:timers/promises';
import type { Db } from '../db/client.ts';
import { inOneCall } from '../db/in-one-call.ts';
import type { Payment, PaymentProvider, PaymentState } from './provider.ts';

const SLOW_PAYMENT_MS = 2_500;
/** It shares the shop's database: where that is away, who asked is told early enough to answer a fan in time. */
const ANSWER_MS_MAX = 2_000;
const inTime = () => ({ deadlineMs: performance.now() + ANSWER_MS_MAX });

/**
 * The built-in provider. It remembers in PostgreSQL, so that it survives what kills the booking service, as a remote
 * company would. Tokens: `tok_ok`, `tok_declined`, `tok_slow` (authorises after SLOW_PAYMENT_MS), `tok_unknown`
 * (authorises, but the answer is lost). Any other token is declined.
 */
export function createTestProvider(db: Db, slowPaymentMs = SLOW_PAYMENT_MS): PaymentProvider {
  return {
    async authorise(payment, token) {
      if (token === 'tok_slow') await delay(slowPaymentMs);
      const isGood = token === 'tok_ok' || token === 'tok_slow' || token === 'tok_unknown';
      const wanted = isGood ? 'authorised' : 'declined';
      const { state } = await authorisations.do(db, { ...payment, wanted }, inTime());
      if (token === 'tok_unknown') throw new Error('The answer of the payment provider was lost.');
      if (state === 'mismatch')
        throw new Error(`Payment ${payment.order} was authorised with another amount.`);
      return state === 'authorised' || state === 'captured' ? 'authorised' : 'declined';
    },
    async capture(order) {
      if ((await captures.do(db, order, inTime())).state !== 'captured')
        throw new Error(`Payment ${order} is not authorised.`);
    },
    async cancel(order) {
      if ((await cancel(db, order)) === 'captured') throw new Error(`Payment ${order} is captured already.`);
    },
    async refund(order) {
      if ((await refund(db, order)) !== 'refunded') throw new Error(`Payment ${order} is not captured.`);
    },
    lookUp: (order) => lookUp(db, order),
  };
}

type Authorisation = Payment & { wanted: 'authorised' | 'declined' };
type Answer = { state: string | null };

/** Somebody has it locked: it is asked for by itself, and waits there. */
const unlessBusy = (answers: readonly Answer[]): (Answer | null)[] =>
  answers.map((answer) => (answer.state === 'busy' ? null : answer));

const authorisations = inOneCall<Authorisation, Answer>({
  what: 'test-payments',
  together: async (db, asked) =>
    unlessBusy(
      await db.call<Answer>(
        (sql) => sql`
          select state from test_payment_authorise_all(${asked.map(({ order }) => order)}::text[],
            ${asked.map(({ amount }) => amount)}::int[], ${asked.map(({ currency }) => currency)}::text[],
            ${asked.map(({ wanted }) => wanted)}::text[])`,
      ),
    ),
  alone: (db, { order, amount, currency, wanted }, withinMs) =>
    db.callOne<Answer>(
      (sql) => sql`select test_payment_authorise(${order}, ${amount}, ${currency}, ${wanted}) as state`,
      withinMs,
    ),
  apart: ({ order }) => [order],
});

const captures = inOneCall<string, Answer>({
  what: 'test-payments',
  together: async (db, orders) =>
    unlessBusy(
      await db.call<Answer>(
        (sql) => sql`select state from test_payment_capture_all(${orders as string[]}::text[])`,
      ),
    ),
  alone: (db, order, withinMs) =>
    db.callOne<Answer>((sql) => sql`select test_payment_capture(${order}) as state`, withinMs),
  apart: (order) => [order],
});

async function cancel(db: Db, order: string): Promise<string> {
  const { state } = await db.callOne<{ state: string }>(
    (sql) => sql`select test_payment_cancel(${order}) as state`,
    ANSWER_MS_MAX,
  );
  return state;
}

async function refund(db: Db, order: string): Promise<string | null> {
  const { state } = await db.callOne<{ state: string | null }>(
    (sql) => sql`select test_payment_refund(${order}) as state`,
    ANSWER_MS_MAX,
  );
  return state;
}

async function lookUp(db: Db, order: string): Promise<PaymentState> {
  const [row] = await db.call<{ state: PaymentState }>(
    (sql) => sql`select state from test_payment where payment = ${order}`,
    ANSWER_MS_MAX,
  );
  return row?.state ?? 'none';
}

import { setTimeout as delay } from 'node:timers/promises';
import type { Db } from '../db/client.ts';
import type { Payment, PaymentProvider, PaymentState } from './provider.ts';

const SLOW_PAYMENT_MS = 2_500;

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
      const state = await authorise(db, payment, isGood ? 'authorised' : 'declined');
      if (token === 'tok_unknown') throw new Error('The answer of the payment provider was lost.');
      if (state === 'mismatch')
        throw new Error(`Payment ${payment.order} was authorised with another amount.`);
      return state === 'authorised' || state === 'captured' ? 'authorised' : 'declined';
    },
    async capture(order) {
      if ((await capture(db, order)) !== 'captured') throw new Error(`Payment ${order} is not authorised.`);
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

async function authorise(db: Db, { order, amount, currency }: Payment, wanted: string): Promise<string> {
  const { state } = await db.callOne<{ state: string }>(
    (sql) => sql`select test_payment_authorise(${order}, ${amount}, ${currency}, ${wanted}) as state`,
  );
  return state;
}

async function capture(db: Db, order: string): Promise<string | null> {
  const { state } = await db.callOne<{ state: string | null }>(
    (sql) => sql`select test_payment_capture(${order}) as state`,
  );
  return state;
}

async function cancel(db: Db, order: string): Promise<string> {
  const { state } = await db.callOne<{ state: string }>(
    (sql) => sql`select test_payment_cancel(${order}) as state`,
  );
  return state;
}

async function refund(db: Db, order: string): Promise<string | null> {
  const { state } = await db.callOne<{ state: string | null }>(
    (sql) => sql`select test_payment_refund(${order}) as state`,
  );
  return state;
}

async function lookUp(db: Db, order: string): Promise<PaymentState> {
  const [row] = await db.call<{ state: PaymentState }>(
    (sql) => sql`select state from test_payment where payment = ${order}`,
  );
  return row?.state ?? 'none';
}
